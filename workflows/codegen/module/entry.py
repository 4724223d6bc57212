"""The Worker's handlers: a default for each trigger, which users' own code may replace."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from urllib.parse import quote

from workflows.codegen.text.literals import literal
from workflows.ir.document.kinds import SCRIPT
from workflows.ir.document.model import WorkflowIR
from workflows.ir.document.triggers import Trigger
from workflows.ir.reading.problems import quoted

_UNESCAPED: Final = "/%:@!$&'()*+,;=~|[]"  # characters that a request's path contains as they are


def default_entry(ir: WorkflowIR, binding: str, added_triggers: Collection[str] = ()) -> str:
    """Return the handlers of a document; `binding` is the name of its workflow in `env`.

    `added_triggers` are kinds of triggers besides the document's own.
    """
    trigger = ir.trigger
    if ir.kind == SCRIPT:
        return _SCRIPT.format(
            how_to=literal(_request(trigger, "runs this script.")),
            refuse=f"{_REFUSE}\n{_PARSE}",
            path=literal(_pathname(trigger)),
            method=trigger.method,
            payload=_PAYLOAD,
            name=literal(ir.metadata.name),
        )
    is_http = trigger.kind == "http"
    return _WORKFLOW.format(
        how_to=literal(_how_to(trigger)),
        refuse=f"{_REFUSE}\n{_PARSE}" if is_http else _REFUSE,
        binding=binding,
        start=_start(trigger, binding) if is_http else "",
        otherwise=_otherwise(trigger) if is_http else "    return refuse(404, HOW_TO);\n",
        more=needed_handlers({trigger.kind, *added_triggers}, binding),
    )


def needed_handlers(kinds: Collection[str], binding: str, exported: Collection[str] = ()) -> str:
    """Return the handlers besides `fetch` that these triggers need, except those in `exported`."""
    needed = [_NEEDED[kind] for kind in sorted(kinds) if kind in _NEEDED]
    return "".join(
        handler.format(binding=binding) for name, handler in needed if name not in exported
    )


def _how_to(trigger: Trigger) -> str:
    show = "GET ?instanceId=ID shows a run."
    match trigger.kind:
        case "http":
            return f"{_request(trigger, 'starts a run;')} {show}"
        case "cron":
            return f"This workflow runs on the schedule {quoted(trigger.expression)} in UTC; {show}"
        case "queue":
            return f"A message in the queue {quoted(trigger.queue)} starts a run; {show}"
        case "event":
            path = f"/api/events/{trigger.event_type}"
            return f"POST {path} on AwaitStep with a JSON body as the payload starts a run; {show}"
        case _:
            return f"This workflow is started from its page or through the API; {show}"


def _request(trigger: Trigger, effect: str) -> str:
    source = "the query" if trigger.method == "GET" else "a JSON body"
    return f"{trigger.method} {trigger.path} with {source} as the payload {effect}"


def _pathname(trigger: Trigger) -> str:
    """Return the path as a URL contains it."""
    return quote(trigger.path, safe=_UNESCAPED)


def _start(trigger: Trigger, binding: str) -> str:
    path = literal(_pathname(trigger))
    return _START.format(method=trigger.method, path=path, binding=binding, payload=_PAYLOAD)


def _otherwise(trigger: Trigger) -> str:
    return _WRONG_METHOD.format(method=trigger.method, path=literal(_pathname(trigger)))


_REFUSE: Final = """\
function refuse(status: number, error: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error }, { status, headers });
}
"""

_PARSE: Final = """\
/** The parameters of a query; a repeated one is a list. */
function readQuery(query: URLSearchParams): Record<string, any> {
  const names = [...new Set(query.keys())];
  return Object.fromEntries(
    names.map((name) => [name, query.getAll(name).length > 1 ? query.getAll(name) : query.get(name)]),
  );
}

/** Parses a JSON body. A whole number that would change, or one that is too large, is a TypeError. */
function parseBody(body: string): any {
  return JSON.parse(body, (_key: string, value: any, context?: { source?: string }) => {
    if (typeof value !== "number") return value;
    const source = context?.source ?? String(value);
    const whole = /^(-?[0-9]{16,})(?:\\.0*)?$/.exec(source)?.[1];
    if (Number.isFinite(value) && (!whole || BigInt(whole) === BigInt(value))) return value;
    throw new TypeError(`JavaScript cannot hold ${source} exactly: send it as text, in quotes.`);
  });
}
"""

_PAYLOAD: Final = """\
      const body = await request.text();
      let payload: any = readQuery(url.searchParams);
      try {
        if (body) payload = parseBody(body);
      } catch (error) {
        return refuse(400, error instanceof TypeError ? error.message : "The body must be JSON.");
      }
"""

_WORKFLOW: Final = """\
const HOW_TO = {how_to};

{refuse}
/** Shows a run's status. An unknown id gets a 404, not an error. */
async function showRun(id: string, env: Env): Promise<Response> {{
  try {{
    const instance = await env.{binding}.get(id);
    return Response.json({{ status: await instance.status() }});
  }} catch (error) {{
    if (!String(error).includes("not_found")) throw error;
    return refuse(404, "No run has this id.");
  }}
}}

export default {{
  async fetch(request: Request, env: Env): Promise<Response> {{
    const url = new URL(request.url);
    if (url.pathname === "/favicon.ico") return refuse(404, HOW_TO);
    const id = url.searchParams.get("instanceId");
    if (id && request.method === "GET") return showRun(id, env);
{start}{otherwise}  }},
{more}}};
"""

_START: Final = """\
    if (request.method === "{method}" && url.pathname === {path}) {{
{payload}      const size = new TextEncoder().encode(JSON.stringify(payload)).length;
      if (size > 1_048_576) return refuse(413, `The payload has ${{size}} bytes; the limit is 1048576 bytes.`);
      const instance = await env.{binding}.create({{ params: payload }});
      return Response.json({{
        id: instance.id,
        instanceId: instance.id,
        details: await instance.status(),
      }});
    }}
"""

_WRONG_METHOD: Final = """\
    if (url.pathname === {path}) return refuse(405, HOW_TO, {{ Allow: "{method}" }});
    return refuse(404, HOW_TO);
"""

_SCHEDULED: Final = """\

  async scheduled(controller: ScheduledController, env: Env): Promise<void> {{
    const {{ cron, scheduledTime }} = controller;
    await env.{binding}.create({{ params: {{ schedule: {{ cron, scheduledTime }} }} }});
  }},
"""

_QUEUE: Final = """\

  /** Starts one run per message, even if it is delivered twice; only failed messages are retried. */
  async queue(batch: MessageBatch<any>, env: Env): Promise<void> {{
    for (const message of batch.messages) {{
      const id = /^(?!cf_)[a-zA-Z0-9_][a-zA-Z0-9-_]{{0,99}}$/.test(message.id) ? message.id : undefined;
      try {{
        await env.{binding}.create({{ ...(id && {{ id }}), params: message.body }});
        message.ack();
      }} catch (error) {{
        const isStarted = id && (await env.{binding}.get(id).then(() => true, () => false));
        if (isStarted) {{
          message.ack();
        }} else {{
          console.error(error);
          message.retry();
        }}
      }}
    }}
  }},
"""

_NEEDED: Final = {"cron": ("scheduled", _SCHEDULED), "queue": ("queue", _QUEUE)}

_SCRIPT: Final = """\
const HOW_TO = {how_to};

{refuse}
export default {{
  async fetch(request: Request, env: Env): Promise<Response> {{
    const url = new URL(request.url);
    if (url.pathname === "/favicon.ico" || url.pathname !== {path}) return refuse(404, HOW_TO);
    if (request.method !== "{method}") return refuse(405, HOW_TO, {{ Allow: "{method}" }});
    try {{
{payload}      const instanceId = (globalThis as any).crypto.randomUUID();
      const event = {{ payload, timestamp: new Date(), instanceId, workflowName: {name} }};
      return Response.json(await runScript.call({{ env }}, event, env));
    }} catch (error) {{
      console.error(error);
      return refuse(500, "The script failed. See the Worker's log for the cause.");
    }}
  }},
}};
"""
