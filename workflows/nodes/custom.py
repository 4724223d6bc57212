"""Node types that people wrote: one durable step that runs the type's template."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from workflows.codegen.steps.emitter import Emitter
from workflows.codegen.text.writer import Mapped, Piece
from workflows.ir.custom.definition import Definition, read_definition
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Custom, NodeType
from workflows.ir.document.registry import Registry
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.custom_settings import Setting, read_settings


def custom_type(definition: Definition, template: str) -> NodeType:
    return NodeType(
        name=definition.id,
        title=definition.name,
        read=partial(read_settings, definition),
        emit=emit,
        output=definition.output,
        callback=callback,
        sends_requests="fetch" in template,
        custom=Custom(definition=definition, template=template),
        warning=definition.deprecation,
        version=definition.version,
    )


def registry(saved: Iterable[Mapping[str, Any]], names: Iterable[str] = ()) -> Registry:
    """Return the built-in types and those saved as `{definition, template}`.

    A definition that could not be loaded today is left out. `names` are those of more types.
    """
    return NODE_TYPES.and_also(_types(saved), names)


def _types(saved: Iterable[Mapping[str, Any]]) -> Iterator[NodeType]:
    for definition, template in _definitions(saved):
        yield custom_type(definition, template)


def _definitions(saved: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Definition, str]]:
    for one in saved:
        definition = read_definition(one["definition"], built_in=NODE_TYPES.names).definition
        if definition:
            yield definition, one["template"]


def secret_variables(saved: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the variables that these types keep as secrets, whatever each is marked as."""
    return frozenset(
        field.variable for definition, _ in _definitions(saved) for field in definition.secrets
    )


def callback(node: Node, out: Emitter) -> None:
    out.add_helper(HELPER)
    out.start_callback(node)
    with out.indented():
        out.line(f"return await {out.template_function(node.type)}({{")
        with out.indented():
            _config(node.settings.values, out)
            out.line(f"inputs: {out.inputs(node)},")
            out.line("env,")
            out.line("attempt: ctx.attempt,")
            out.line("idempotencyKey: await idempotencyKey(event, ctx),")
        out.line("});")
    out.line("};")


def _config(values: Iterable[Setting], out: Emitter) -> None:
    out.line("config: {")
    with out.indented():
        for setting in values:
            key = setting.field.key  # what the compiler has against a value, it says at its key
            out.line(Mapped(key, f"data.{key}", 1, 1), ": ", *_value(setting, out), ",")
    out.line("},")


def _value(setting: Setting, out: Emitter) -> list[Piece]:
    if setting.value is None:
        return [f"env.{setting.field.variable}"]
    pieces = out.value(setting.value)
    is_chosen_later = setting.field.kind.is_choice and setting.value.references
    return [*pieces, " as any"] if is_chosen_later else pieces


def emit(node: Node, out: Emitter) -> None:
    out.durable_step(node, node.settings.policy)


HELPER: Final = """\
/** One and the same for all attempts and replays of a step, and another one for every other step. */
async function idempotencyKey(event: WorkflowEvent<any>, ctx: WorkflowStepContext): Promise<string> {
  const { name, count } = ctx.step;
  const told = JSON.stringify([event.workflowName, event.instanceId, name, count]);
  const bytes = new TextEncoder().encode(told);
  const digest = await (globalThis as any).crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
"""
