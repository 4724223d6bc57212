"""`sub_workflow`: starts a run of another workflow, and optionally waits for it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Final

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Call, Category, NodeType
from workflows.ir.document.step_policy import (
    NOT_RETRIED,
    ROLLBACK,
    ROLLBACK_FIELDS,
    StepPolicy,
    read_policy,
    retry_fields,
)
from workflows.ir.reading import durations
from workflows.ir.reading.fields import Code, Duration, milliseconds_of
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import (
    read_duration,
    read_optional_code,
    read_string,
    read_switch,
    source_of,
)
from workflows.ir.settings.setting_field import FieldKind, Group, Rules, SettingField
from workflows.nodes.called_workflow import (
    CLASS_NAME,
    MAX_PAYLOAD,
    PAYLOAD_HELPER,
    SCRIPT_NAME,
    WORKFLOW_ID,
    CalledWorkflow,
    read_called_workflow,
)

WORKFLOW_NAME: Final = SettingField(
    name="workflowName",
    kind=FieldKind.TEXT,
    label="Class in the other Worker",
    help="Another name for `className`.",
    group=Group.COMPATIBILITY,
)
INPUT: Final = SettingField(
    name="input",
    kind=FieldKind.CODE,
    label="Input",
    help="An expression for the payload of the run. The default is an empty object.",
    takes_references=True,
    is_expression=True,
)
WAITS: Final = SettingField(
    name="waitForCompletion",
    kind=FieldKind.SWITCH,
    label="Wait for the result",
    help="Whether to wait until the other run has finished.",
    details="With `false`, the workflow continues as soon as the other run has started",
    default=True,
)
TIMEOUT: Final = SettingField(
    name="timeout",
    kind=FieldKind.DURATION,
    label="Timeout",
    help="How long the other run may take in total.",
    details="After that the node fails, and the other run continues",
    default="5 minutes",
    rules=Rules(min=1),
    takes_references=True,
    config_path="timeout",
)
ROLLBACK_OF_RUN: Final = replace(
    ROLLBACK,
    help="The body of a function that undoes the other run if this one fails. `output.instanceId` is "
    "its id, `output.result` is its result if this node has received it, and `error` is why this run "
    "failed.",
    details="See [Rollbacks](../steps.md#rollbacks)",
    parameters=tuple(replace(parameter, may_be_missing=False) for parameter in ROLLBACK.parameters),
)
STEP_FIELDS: Final = tuple(
    ROLLBACK_OF_RUN if field is ROLLBACK else field
    for field in (*retry_fields(), *ROLLBACK_FIELDS)
    if field.name not in (TIMEOUT.name, NOT_RETRIED.name)
)
FIELDS: Final = (
    WORKFLOW_ID, SCRIPT_NAME, CLASS_NAME, INPUT, WAITS, TIMEOUT, *STEP_FIELDS, WORKFLOW_NAME,
)  # fmt: skip

STATUS: Final = ": status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`policy` applies to each step of the call, `timeout` to the whole run of the child."""

    called: CalledWorkflow
    input: Code | None
    waits_for_result: bool
    timeout: Duration
    policy: StepPolicy


def read(data: Reader) -> Settings:
    """Read the workflow to run: one of this installation, or a class in any Worker."""
    _warn_about_large_payload(data)
    return Settings(
        called=read_called_workflow(data, class_name=read_string(data, WORKFLOW_NAME)),
        input=read_optional_code(data, INPUT),
        waits_for_result=read_switch(data, WAITS),
        timeout=read_duration(source_of(data, TIMEOUT), TIMEOUT),
        policy=read_policy(data, STEP_FIELDS),
    )


def _warn_about_large_payload(data: Reader) -> None:
    value = data.raw(INPUT.name)
    if not isinstance(value, str) or len(value.encode("utf-8", "replace")) <= MAX_PAYLOAD:
        return
    try:
        size = len(
            json.dumps(json.loads(value), separators=(",", ":"), ensure_ascii=False).encode()
        )
    except (ValueError, RecursionError):
        return  # code, whose value is not known yet
    if size > MAX_PAYLOAD:
        data.warning(
            INPUT.name,
            f"has {size:,} bytes as JSON, but Cloudflare accepts payloads of at most 1 MiB: store the "
            "data (R2, KV, D1) and send its key",
        )


def calls(settings: Settings) -> Call:
    """Return the call, which needs a workflow binding."""
    return settings.called.call


def about(settings: Settings) -> str:
    """Return the workflow, or the Worker and the class."""
    return settings.called.label


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
    out.add_helper(PAYLOAD_HELPER)
    out.add_helper(HELPER)
    params = out.callback(node)
    rollback = out.rollback(node, output="{ instanceId: string; result: any }")
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
            out.line("timeout: ", *out.milliseconds(settings.timeout, least=1), ",")
        out.line("config:")
        out.policy(settings.policy, is_sensitive=out.is_sensitive(node))
        out.rollback_options(node, rollback)
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


def pinned(output: Any) -> dict[str, Any]:
    """Return the results of the step that starts the run, and of the one that finds it finished."""
    return {"": {"instanceId": "pinned"}, STATUS: {"status": "complete", "output": output}}


TYPE = NodeType(
    name="sub_workflow",
    title="Sub-workflow",
    category=Category.CALL_OTHERS,
    summary="Starts a run of another workflow, and waits until it has finished.",
    docs="nodes/sub_workflow.md",
    icon="sub_workflow",
    fields=FIELDS,
    example={"workflowId": "your-workflow"},
    about=about,
    read=read,
    output="any",
    callback=callback,
    emit=emit,
    calls=calls,
    max_wait=max_wait,
    step_count=step_count,
    step_suffixes=("", ": id", ": wait", STATUS),
    pinned=pinned,
)

HELPER: Final = """\
type ChildRun = {
  workflow: Workflow<any>;
  name: (part: string) => string;
  params: (ctx: WorkflowStepContext) => Promise<any>;
  config: any;
  timeout?: number;
  rollback?: (undone: any) => Promise<any>;
  rollbackConfig?: any;
};

/** Starts the child once: its id is stored first, so that a retry finds the run of the first attempt. */
async function startChild(step: WorkflowStep, child: ChildRun): Promise<{ instanceId: string; result?: any }> {
  const id: string = await step.do(child.name(": id"), child.config, async () => (globalThis as any).crypto.randomUUID());
  const started: { instanceId: string; result?: any } = { instanceId: id };
  const start = async (ctx: any) => {
    const params = await child.params(ctx);
    payloadSize(`the input of ${child.name("")}`, params);
    try {
      await child.workflow.create({ id, params });
    } catch (error) {
      await child.workflow.get(id).catch(() => {
        throw error;
      });
    }
    return { instanceId: id };
  };
  const { rollback, rollbackConfig } = child;
  const undo = (undone: any) => rollback({ ...undone, output: started });
  await step.do(child.name(""), child.config, start, rollback && { rollback: undo, rollbackConfig });
  return started;
}

/** Waits for the child with increasing sleeps: at most about 60, even for a year. */
async function runChild(step: WorkflowStep, child: ChildRun): Promise<any> {
  const started = await startChild(step, child);
  for (let waited = 0; waited < child.timeout; ) {
    const pause = Math.min(Math.max(1000, Math.round(waited * 0.3)), child.timeout - waited);
    await step.sleep(child.name(": wait"), pause);
    waited += pause;
    const run: any = await step.do(child.name(": status"), child.config, async (): Promise<any> => {
      const { status, output, error } = await (await child.workflow.get(started.instanceId)).status();
      return { status, output, error };
    });
    if (run.status === "complete") return (started.result = run.output);
    if (run.status === "errored" || run.status === "terminated") {
      const reason = run.error?.message ?? run.error;
      throw new Error(`${child.name("")} ${run.status} (run ${started.instanceId})${reason ? `: ${reason}` : ""}`);
    }
  }
  throw new Error(`${child.name("")} (run ${started.instanceId}) did not finish within ${child.timeout} ms`);
}
"""
