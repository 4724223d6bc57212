"""`sub_workflow`: starts a run of another workflow, and waits for it or not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from workflows.codegen.steps.emitter import Emitter
from workflows.codegen.text.writer import Piece
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Call, NodeType
from workflows.ir.document.step_policy import StepPolicy, read_policy
from workflows.ir.reading import durations
from workflows.ir.reading.fields import Code, Duration, milliseconds_of
from workflows.ir.reading.identifiers import is_identifier
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.reader import Reader
from workflows.nodes.sub_script import NAME_RULE, WORKER_NAME

_LARGEST_PAYLOAD: Final = 1024 * 1024  # bytes of JSON, on every plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`worker` is the id of a workflow of ours; with a class name, the name of any Worker.

    `policy` is that of each of its steps, `timeout` how long the child may take in all.
    """

    worker: str
    class_name: str
    input: Code | None
    waits: bool
    timeout: Duration
    policy: StepPolicy


def read(data: Reader) -> Settings:
    class_name = data.string("className", "") or data.string("workflowName", "")
    timeout_from = data.config if data.config and data.config.has("timeout") else data
    if class_name and not is_identifier(class_name):
        data.problem("className", f"must be the name of a class, not {quoted(class_name)}")
    data.know("timeout")
    _warn_of_large_payload(data)
    return Settings(
        worker=_worker(data, class_name),
        class_name=class_name,
        input=data.optional_code("input"),
        waits=data.flag("waitForCompletion", default=True),
        timeout=timeout_from.timeout("timeout", "5 minutes"),
        policy=read_policy(data, own_timeout=False),
    )


def _worker(data: Reader, class_name: str) -> str:
    workflow_id, script_name = data.string("workflowId", ""), data.string("scriptName", "")
    if not workflow_id and not script_name:
        data.problem("workflowId", "is missing: name a workflow, or a Worker by `scriptName`")
    if script_name and not class_name:
        data.problem("className", "is missing: name the workflow class of the Worker")
    key, worker = ("scriptName", script_name) if script_name else ("workflowId", workflow_id)
    if worker and not WORKER_NAME.fullmatch(worker):
        data.problem(key, f"{NAME_RULE}, not {quoted(worker)}")
    return worker


def _warn_of_large_payload(data: Reader) -> None:
    written = data.raw("input")
    if not isinstance(written, str) or len(written.encode("utf-8", "replace")) <= _LARGEST_PAYLOAD:
        return
    try:
        size = len(
            json.dumps(json.loads(written), separators=(",", ":"), ensure_ascii=False).encode()
        )
    except (ValueError, RecursionError):
        return  # code, whose value is known when it runs
    if size > _LARGEST_PAYLOAD:
        data.warning(
            "input",
            f"has {size:,} bytes as JSON, and Cloudflare takes a payload of 1 MiB at most: store the "
            "data (R2, KV, D1) and send where it is",
        )


def calls(settings: Settings) -> Call:
    return Call(kind="workflow", worker=settings.worker, class_name=settings.class_name)


def callback(node: Node, out: Emitter) -> None:
    """Write the function that makes the child's payload."""
    out.start_callback(node)
    with out.indented():
        payload = out.value(node.settings.input) if node.settings.input else ["{}"]
        out.line("return ", *payload, ";")
    out.line("};")


def emit(node: Node, out: Emitter) -> None:
    settings: Settings = node.settings
    out.add_helper(HELPER)
    params = out.callback(node)
    out.line(
        *out.assign(node), "await ", "runChild" if settings.waits else "startChild", "(step, {"
    )
    with out.indented():
        out.line("workflow: ", out.child_binding(calls(settings)), ",")
        out.line("name: (part) => ", out.step_name(node, part="part"), ",")
        out.line("params: ", params, ",")
        if settings.waits:
            out.line("timeout: ", *_milliseconds(settings.timeout, out), ",")
        out.line("config:")
        out.policy(settings.policy)
    out.line("});")


def step_count(settings: Settings) -> int:
    """Return how many steps the call takes at most: the id, the start, and a look after each sleep.

    A time limit that is computed counts as the longest one.
    """
    if not settings.waits:
        return 2
    limit = milliseconds_of(settings.timeout)
    return 2 + _looks(durations.LONGEST if limit is None else limit)


def _looks(limit: int) -> int:
    """Count the turns of `runChild`, below."""
    waited, turns = 0, 0
    while waited < limit:
        waited += min(max(1000, round(waited * 0.3)), limit - waited)
        turns += 1
    return turns


def max_wait(settings: Settings) -> Duration | None:
    return settings.timeout if settings.waits else None


def _milliseconds(timeout: Duration, out: Emitter) -> list[Piece]:
    if isinstance(timeout.value, int) or not timeout.value.references:
        return [str(milliseconds_of(timeout))]
    out.add_helper(DURATION)
    return ["asMilliseconds(", *out.value(timeout.value), ")"]


TYPE = NodeType(
    name="sub_workflow",
    title="Sub-workflow",
    read=read,
    output="any",
    callback=callback,
    emit=emit,
    calls=calls,
    max_wait=max_wait,
    step_count=step_count,
    step_suffixes=("", ": id", ": wait", ": status"),
)

HELPER: Final = """\
type ChildRun = {
  workflow: Workflow<any>;
  name: (part: string) => string;
  params: (ctx: WorkflowStepContext) => Promise<any>;
  config: any;
  timeout?: number;
};

/** Starts the child once: its id is kept first, so that a second attempt finds what the first one started. */
async function startChild(step: WorkflowStep, child: ChildRun): Promise<{ instanceId: string }> {
  const id: string = await step.do(child.name(": id"), child.config, async () => (globalThis as any).crypto.randomUUID());
  await step.do(child.name(""), child.config, async (ctx: any) => {
    const params = await child.params(ctx);
    try {
      await child.workflow.create({ id, params });
    } catch (error) {
      await child.workflow.get(id).catch(() => {
        throw error;
      });
    }
    return { instanceId: id };
  });
  return { instanceId: id };
}

/** Waits for the child's end between ever longer sleeps: at most 60 or so, even for a year. */
async function runChild(step: WorkflowStep, child: ChildRun): Promise<any> {
  const { instanceId } = await startChild(step, child);
  for (let waited = 0; waited < child.timeout; ) {
    const pause = Math.min(Math.max(1000, Math.round(waited * 0.3)), child.timeout - waited);
    await step.sleep(child.name(": wait"), pause);
    waited += pause;
    const found: any = await step.do(child.name(": status"), child.config, async (): Promise<any> => {
      const { status, output, error } = await (await child.workflow.get(instanceId)).status();
      return { status, output, error };
    });
    if (found.status === "complete") return found.output;
    if (found.status === "errored" || found.status === "terminated") {
      const reason = found.error?.message ?? found.error ?? "";
      throw new Error(`${child.name("")} ${found.status} (run ${instanceId}): ${reason}`);
    }
  }
  throw new Error(`${child.name("")} (run ${instanceId}) has not ended in ${child.timeout} ms`);
}
"""

DURATION: Final = """\
/** How long "2 hours" is, or a number of milliseconds. */
function asMilliseconds(duration: any): number {
  const units: Record<string, number> = {
    second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000,
    week: 604_800_000, month: 2_592_000_000, year: 31_536_000_000,
  };
  const [, count, unit] = /^([0-9]+) (second|minute|hour|day|week|month|year)s?$/.exec(String(duration)) ?? [];
  const length = unit ? Number(count) * units[unit] : Number(duration);
  if (!(length > 0)) throw new Error(`${JSON.stringify(duration)} is no duration`);
  return length;
}
"""
