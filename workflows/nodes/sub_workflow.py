"""`sub_workflow`: starts a run of another workflow, and optionally waits for it."""

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

_MAX_PAYLOAD: Final = 1024 * 1024  # bytes of JSON, on every plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`worker` is the id of a workflow, or with a class name the name of any Worker.

    `policy` applies to each step of the call, `timeout` to the whole run of the child.
    """

    worker: str
    class_name: str
    input: Code | None
    waits_for_result: bool
    timeout: Duration
    policy: StepPolicy


def read(data: Reader) -> Settings:
    """Read the workflow to run: one of this installation, or a class in any Worker."""
    class_name = data.string("className", "") or data.string("workflowName", "")
    timeout_from = data.config if data.config and data.config.has("timeout") else data
    if class_name and not is_identifier(class_name):
        data.problem("className", f"must be a valid class name, not {quoted(class_name)}")
    data.know("timeout")
    _warn_about_large_payload(data)
    return Settings(
        worker=_worker(data, class_name),
        class_name=class_name,
        input=data.optional_code("input"),
        waits_for_result=data.flag("waitForCompletion", default=True),
        timeout=timeout_from.timeout("timeout", "5 minutes"),
        policy=read_policy(data, own_timeout=False),
    )


def _worker(data: Reader, class_name: str) -> str:
    workflow_id, script_name = data.string("workflowId", ""), data.string("scriptName", "")
    if not workflow_id and not script_name:
        data.problem(
            "workflowId",
            "is missing: write the id of a workflow, or the name of a Worker in `scriptName`",
        )
    if script_name and not class_name:
        data.problem("className", "is missing: write the name of the workflow class in the Worker")
    key, worker = ("scriptName", script_name) if script_name else ("workflowId", workflow_id)
    if worker and not WORKER_NAME.fullmatch(worker):
        data.problem(key, f"{NAME_RULE}, not {quoted(worker)}")
    return worker


def _warn_about_large_payload(data: Reader) -> None:
    value = data.raw("input")
    if not isinstance(value, str) or len(value.encode("utf-8", "replace")) <= _MAX_PAYLOAD:
        return
    try:
        size = len(
            json.dumps(json.loads(value), separators=(",", ":"), ensure_ascii=False).encode()
        )
    except (ValueError, RecursionError):
        return  # code, whose value is not known yet
    if size > _MAX_PAYLOAD:
        data.warning(
            "input",
            f"has {size:,} bytes as JSON, but Cloudflare accepts payloads of at most 1 MiB: store the "
            "data (R2, KV, D1) and send its key",
        )


def calls(settings: Settings) -> Call:
    """Return the call, which needs a workflow binding."""
    return Call(kind="workflow", worker=settings.worker, class_name=settings.class_name)


def callback(node: Node, out: Emitter) -> None:
    """Write the function that returns the child's payload."""
    out.start_callback(node)
    with out.indented():
        payload = out.value(node.settings.input) if node.settings.input else ["{}"]
        out.line("return ", *payload, ";")
    out.line("};")


def emit(node: Node, out: Emitter) -> None:
    """Write the call of the helper that starts the child, and waits for it if required."""
    settings: Settings = node.settings
    out.add_helper(HELPER)
    params = out.callback(node)
    out.line(
        *out.assign(node),
        "await ",
        "runChild" if settings.waits_for_result else "startChild",
        "(step, {",
    )
    with out.indented():
        out.line("workflow: ", out.child_binding(calls(settings)), ",")
        out.line("name: (part) => ", out.step_name(node, part="part"), ",")
        out.line("params: ", params, ",")
        if settings.waits_for_result:
            out.line("timeout: ", *_milliseconds(settings.timeout, out), ",")
        out.line("config:")
        out.policy(settings.policy)
    out.line("});")


def step_count(settings: Settings) -> int:
    """Return the maximum number of steps: the id, the start, and a status check after each sleep.

    A timeout with references counts as the longest that is allowed.
    """
    if not settings.waits_for_result:
        return 2
    limit = milliseconds_of(settings.timeout)
    return 2 + _status_checks(durations.MAX_DURATION if limit is None else limit)


def _status_checks(limit: int) -> int:
    """Count the iterations of the loop in `runChild` below."""
    waited, count = 0, 0
    while waited < limit:
        waited += min(max(1000, round(waited * 0.3)), limit - waited)
        count += 1
    return count


def max_wait(settings: Settings) -> Duration | None:
    """Return the timeout; None if the node does not wait for the child."""
    return settings.timeout if settings.waits_for_result else None


def _milliseconds(timeout: Duration, out: Emitter) -> list[Piece]:
    length = milliseconds_of(timeout)
    return out.duration(timeout, least=1) if length is None else [str(length)]


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

/** Starts the child once: its id is stored first, so that a retry finds the run of the first attempt. */
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

/** Waits for the child with increasing sleeps: at most about 60, even for a year. */
async function runChild(step: WorkflowStep, child: ChildRun): Promise<any> {
  const { instanceId } = await startChild(step, child);
  for (let waited = 0; waited < child.timeout; ) {
    const pause = Math.min(Math.max(1000, Math.round(waited * 0.3)), child.timeout - waited);
    await step.sleep(child.name(": wait"), pause);
    waited += pause;
    const run: any = await step.do(child.name(": status"), child.config, async (): Promise<any> => {
      const { status, output, error } = await (await child.workflow.get(instanceId)).status();
      return { status, output, error };
    });
    if (run.status === "complete") return run.output;
    if (run.status === "errored" || run.status === "terminated") {
      const reason = run.error?.message ?? run.error ?? "";
      throw new Error(`${child.name("")} ${run.status} (run ${instanceId}): ${reason}`);
    }
  }
  throw new Error(`${child.name("")} (run ${instanceId}) did not finish within ${child.timeout} ms`);
}
"""
