"""Custom node types: each node is one durable step that runs the type's template."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import Final

from workflows.codegen.steps.computed_settings import TEXT
from workflows.codegen.steps.emitter import Emitter
from workflows.codegen.text.writer import Mapped, Piece
from workflows.ir.custom.definition import Definition
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Category, Custom, NodeType, single_request
from workflows.ir.reading.fields import Json, Text
from workflows.nodes.custom_requests import REQUEST
from workflows.nodes.custom_settings import (
    Setting,
    Settings,
    bindings_of,
    example_of,
    fields_of,
    needs,
    read_settings,
)
from workflows.nodes.response_body import HELPER as BODY


def custom_type(definition: Definition, template: str) -> NodeType:
    """Return the node type of a definition and its TypeScript."""
    has_request = _REQUEST.search(template) is not None
    return NodeType(
        name=definition.id,
        title=definition.name,
        category=Category.CUSTOM,
        summary=definition.description,
        docs=definition.docs_url or "nodes/custom.md",
        fields=fields_of(definition),
        example=example_of(definition),
        about=about,
        read=partial(read_settings, definition),
        emit=emit,
        output=definition.output,
        callback=callback,
        bindings=bindings_of,
        request_count=single_request if "fetch" in template or has_request else None,
        custom=Custom(
            definition=definition,
            template=template,
            needs=needs,
            request_helper=f"{TEXT}\n{BODY}\n{REQUEST}" if has_request else "",
        ),
        warning=definition.deprecation,
        version=definition.version,
    )


def about(settings: Settings) -> str:
    """Return the action, if the type has several, and the first setting that is text."""
    values = {setting.field.name: setting.value for setting in settings.values}
    action = values.get("action")
    texts = (value.source for value in values.values() if isinstance(value, Text) and value.source)
    chosen = action.value if isinstance(action, Json) and isinstance(action.value, str) else ""
    return ": ".join(filter(None, [chosen, next(texts, "")]))


def callback(node: Node, out: Emitter) -> None:
    """Write the function that calls the template with the settings, the inputs and `env`."""
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
            if node.type.custom and node.type.custom.request_helper:
                out.line("request: ", *_request(node.settings, out), ",")
        out.line("});")
    out.line("};")


def _request(settings: Settings, out: Emitter) -> list[Piece]:
    """Return the function with which the template sends requests, within the timeout of the step."""
    for helper in (TEXT, BODY, REQUEST):
        out.add_helper(helper)
    limit = out.milliseconds(settings.policy.timeout, least=1)
    names = [each.env_name for each in settings.values if each.field.variable]
    secrets = ", ".join(f"env.{name}" for name in names)
    return [f"nodeRequest({{ secrets: [{secrets}], timeout: ", *limit, " })"]


def _config(values: Iterable[Setting], out: Emitter) -> None:
    out.line("config: {")
    with out.indented():
        for setting in values:
            key = setting.field.name  # the compiler reports errors in a value at its key
            out.line(Mapped(key, f"data.{key}", 1, 1), ": ", *_value(setting, out), ",")
    out.line("},")


def _value(setting: Setting, out: Emitter) -> list[Piece]:
    if setting.value is None:
        return [f"env.{setting.env_name}"]
    pieces = out.value(setting.value)
    is_dynamic_choice = setting.field.kind.is_choice and setting.value.references
    return [*pieces, " as any"] if is_dynamic_choice else pieces


def emit(node: Node, out: Emitter) -> None:
    """Write the durable step that runs the template."""
    out.durable_step(node, node.settings.policy)


_REQUEST: Final = re.compile(r"\brequest\b")

HELPER: Final = """\
/** The same for all attempts and replays of a step, and different for every other step. */
async function idempotencyKey(event: WorkflowEvent<any>, ctx: WorkflowStepContext): Promise<string> {
  const { name, count } = ctx.step;
  const identity = JSON.stringify([event.workflowName, event.instanceId, name, count]);
  const bytes = new TextEncoder().encode(identity);
  const digest = await (globalThis as any).crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
"""
