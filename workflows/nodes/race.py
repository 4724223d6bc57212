"""`race`: runs all arms until the first one finishes."""

from __future__ import annotations

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Container, NodeType, single_step
from workflows.ir.document.step_policy import StepPolicy, read_policy
from workflows.ir.reading.fields import Duration
from workflows.ir.reading.reader import Reader


def read(data: Reader) -> StepPolicy:
    """Read the timeout and the retries, which are 0 by default.

    The arms retry their own steps, and a second race would repeat those that have finished.
    """
    policy = read_policy(data, retries=0)
    if policy.limit:
        inner = data.config.child("retries") if data.config else None
        reader, key = (inner, "limit") if inner and inner.has("limit") else (data, "retryLimit")
        reader.warning(
            key,
            "repeats all steps of the arms, even those that have finished: set it to 0 to avoid that",
        )
    return policy


def emit(node: Node, out: Emitter) -> None:
    """Write the race as one durable step, so that a replay has the same winner.

    The result includes the values of the arms that are read later, because a replay does not run the
    arms again and arms that lost must not change these values afterwards.
    """
    values = out.values_read_after(node)
    _callback(node, out, values)
    variable = out.assign(node)
    has_break = out.has_break(node)
    won = out.unique_name("won", node) if variable or values or has_break else ""
    out.line(f"const {won} = await step.do(" if won else "await step.do(")
    with out.indented():
        out.line(out.step_name(node), ",")
        out.policy(node.settings)
        out.line(out.callback_name(node), ",")
    out.line(");")
    if values:
        out.line(f"({{ {', '.join(values)} }} = {won}.values);")
    if variable:
        out.line(*variable, f"{won}.value;")
    if has_break:
        out.break_out_if(f"{won}.isLeft", node)


def _callback(node: Node, out: Emitter, values: list[str]) -> None:
    out.line(f"const {out.callback_name(node)} = async (): Promise<any> => {{")
    with out.indented():
        if values:
            out.line(f"let {', '.join(f'{name}: any' for name in values)};")
        first = out.unique_name("first", node)
        out.line(f"const {first} = await Promise.race([")
        out.arms(node)
        out.line("]);")
        result = f"{{ ...{first}, values: {{ {', '.join(values)} }} }}" if values else first
        out.line(f"return {result};")
    out.line("};")


def timeout(settings: StepPolicy) -> Duration:
    """Return the timeout of the durable step that contains the arms."""
    return settings.timeout


TYPE = NodeType(
    name="race",
    title="Race",
    read=read,
    container=Container(labels=None, concurrent=True, step_timeout=timeout),
    output="any",
    emit=emit,
    step_count=single_step,
)
