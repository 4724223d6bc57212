"""The Worker's handlers: a default for each trigger, or a person's own module."""

from __future__ import annotations

from workflows.codegen.literals import literal
from workflows.ir.triggers import Trigger

READY = ("http", "manual")


def default_entry(trigger: Trigger, binding: str) -> str:
    """Return the handlers for a trigger; `binding` is the name of the workflow in `env`."""
    start = _start(trigger, binding) if trigger.kind == "http" else ""
    return _HANDLERS.format(
        binding=binding,
        how_to=literal(_how_to(trigger)),
        start=start,
        otherwise=_otherwise(trigger),
    )


def _how_to(trigger: Trigger) -> str:
    if trigger.kind != "http":
        return (
            "This workflow is started from its page or through the API; "
            "GET ?instanceId=ID shows a run."
        )
    given = "the query" if trigger.method == "GET" else "a JSON body"
    return (
        f"{trigger.method} {trigger.path} with {given} as its payload starts a run; "
        "GET ?instanceId=ID shows one."
    )


def _start(trigger: Trigger, binding: str) -> str:
    return _START.format(method=trigger.method, path=literal(trigger.path), binding=binding)


def _otherwise(trigger: Trigger) -> str:
    if trigger.kind != "http":
        return "    return refuse(404, HOW_TO);\n"
    return _WRONG_METHOD.format(method=trigger.method, path=literal(trigger.path))


_HANDLERS = """\
const HOW_TO = {how_to};

function refuse(status: number, error: string, headers: Record<string, string> = {{}}): Response {{
  return Response.json({{ error }}, {{ status, headers }});
}}

/** A run's state; an id that no run has is not an error of the Worker. */
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
}};
"""

_START = """\
    if (request.method === "{method}" && url.pathname === {path}) {{
      const body = await request.text();
      let params: any = Object.fromEntries(url.searchParams);
      try {{
        if (body) params = JSON.parse(body);
      }} catch {{
        return refuse(400, "The body must be JSON.");
      }}
      const instance = await env.{binding}.create({{ params }});
      return Response.json({{
        id: instance.id,
        instanceId: instance.id,
        details: await instance.status(),
      }});
    }}
"""

_WRONG_METHOD = """\
    if (url.pathname === {path}) return refuse(405, HOW_TO, {{ Allow: "{method}" }});
    return refuse(404, HOW_TO);
"""
