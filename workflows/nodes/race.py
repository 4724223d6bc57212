"""`race`: the first arm to finish."""

from __future__ import annotations

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Container, NodeType, single_step
from workflows.ir.document.step_policy import StepPolicy, read_policy
from workflows.ir.reading.fields import Duration
from workflows.ir.reading.reader import Reader


def read(data: Reader) -> StepPolicy:
    """Read when the race is given up; it is not run again unless a person asks for that.

    Its arms retry their own steps, and a second race would repeat those that have finished.
    """
    policy = read_policy(data, retries=0)
    if policy.limit:
        inner = data.config.child("retries") if data.config else None
        reader, key = (inner, "limit") if inner and inner.has("limit") else (data, "retryLimit")
        reader.warning(key, "repeats every step of the arms, also those that have finished")
    return policy


def emit(node: Node, out: Emitter) -> None:
    """Write the race as one durable step, whose result tells a replay how it was decided.

    Values of the arms that are read later are part of it: arms are not run again in a replay, and
    what those that lost go on to do must not change them.
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
        held = f"{{ ...{first}, values: {{ {', '.join(values)} }} }}" if values else first
        out.line(f"return {held};")
    out.line("};")


def time_limit(settings: StepPolicy) -> Duration:
    return settings.timeout


TYPE = NodeType(
    name="race",
    title="Race",
    read=read,
    container=Container(labels=None, concurrent=True, step_timeout=time_limit),
    output="any",
    emit=emit,
    step_count=single_step,
)
