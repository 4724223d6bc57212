"""From a document that was written for AwaitStep to one that means the same here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from workflows.codegen.syntax.bounded_parser import inspect, syntax_of
from workflows.codegen.syntax.imports import declarations
from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.syntax.tree_nodes import text
from workflows.documents.awaitstep.accumulated_outputs import OUTPUT
from workflows.documents.awaitstep.edits import Edits
from workflows.documents.awaitstep.inline_steps import inline_steps, return_shared, share
from workflows.documents.awaitstep.loop_outputs import (
    Assignment,
    assignments,
    loop_contents,
    return_output,
    warn_if_not_last,
)
from workflows.documents.awaitstep.names_in_code import free_names, rename
from workflows.documents.awaitstep.rewrites import Log
from workflows.documents.awaitstep.scope import Scope, prefers_names
from workflows.documents.awaitstep.settings import rewrite_settings, take_inline
from workflows.documents.awaitstep.settled_arms import reads_reason, settled_arms
from workflows.documents.awaitstep.text_settings import TextSettings
from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.document.registry import Registry
from workflows.ir.garbage_collection import without_garbage_collection
from workflows.ir.reading.fields import Code
from workflows.nodes.documents import parse

_MAX_OUTPUTS: Final = 100  # nodes in one loop that assign `_output`
CodeKey = tuple[str, str]
"""The id of a node and the path of a field in it."""


@without_garbage_collection
def rewrite_document(document: Any, types: Registry, log: Log) -> Any:
    """Return the document in our form; one whose nodes do not form a tree only has its settings changed."""
    items = document.get("nodes") if isinstance(document, dict) else None
    if parse(document, types).nodes == () or not isinstance(items, list):
        return document
    changed = deepcopy(document)
    inline = [
        item["id"] for item in changed["nodes"] if _is_object(item) and take_inline(item, log)
    ]
    for item in filter(_is_object, changed["nodes"]):
        rewrite_settings(item, types, log)
    draft = parse(changed, types).draft
    if draft is not None:
        _Code(draft, inline, log).rewrite(changed)
    return changed


def _is_object(item: object) -> bool:
    return isinstance(item, dict)


@dataclass(frozen=True, slots=True)
class _Sources:
    """The code of a document, and the `_output` of its loops."""

    syntaxes: Mapping[CodeKey, Syntax]
    outputs: list[Assignment]


class _Code:
    """Rewrites the code and the texts of one document."""

    def __init__(self, ir: WorkflowIR, inline: list[str], log: Log) -> None:
        self._ir = ir
        self._log = log
        self._sources = _read(ir)
        syntaxes = self._sources.syntaxes
        contents = loop_contents(ir, self._sources.outputs)
        self._scope = Scope(ir, contents, imported=frozenset(_imported(syntaxes)))
        self._inline = inline_steps(self._scope, syntaxes, inline)
        for step in self._inline:
            share(step, self._scope)
        self._in_loops: dict[str, list[Node]] = {}
        for each in self._sources.outputs:
            loop = self._scope.loop_of(each.node)
            if loop and each.is_possible and not each.added:
                self._in_loops.setdefault(loop.id, []).append(each.node)
        uses = ((ir.nodes[id_], name) for (id_, _), each in syntaxes.items() for name in each.free)
        self._scope.prefers_names = prefers_names(self._scope, uses)

    def rewrite(self, document: dict[str, Any]) -> None:
        """Change the nodes in the JSON of the document."""
        items = {item["id"]: item for item in document["nodes"] if isinstance(item, dict)}
        edits = {key: Edits(syntax) for key, syntax in self._sources.syntaxes.items()}
        for step in self._inline:
            return_shared(step, self._scope, edits[step.node.id, "data.code"], self._log)
        for output in self._sources.outputs:
            return_output(output, edits[output.node.id, "data.code"], self._log)
        warn_if_not_last(self._ir, self._sources.outputs, self._log)
        self._collect_arms(items)
        for node in self._ir.nodes.values():
            texts = TextSettings(node, self._scope, self._log).rewrite(items[node.id])
            for part in node.fields:
                if isinstance(part, Code) and part.path not in texts:
                    self._rewrite_code(node, part, edits[node.id, part.path], items[node.id])

    def _collect_arms(self, items: dict[str, dict[str, Any]]) -> None:
        """Let parallels collect errors if code reads the status of their arms."""
        syntaxes = self._sources.syntaxes
        for parallel, node_id, path in settled_arms(self._scope, syntaxes):
            if "onError" not in items[parallel]["data"]:
                items[parallel]["data"]["onError"] = "collect"
                self._log.changed(parallel, "data.onError", "status and value per arm", "collect")
            if reads_reason(syntaxes[node_id, path]):
                self._log.warn(
                    node_id,
                    path,
                    "reads the `reason` of an arm that failed, which is its `error` here",
                )

    def _rewrite_code(self, node: Node, code: Code, edits: Edits, item: dict[str, Any]) -> None:
        syntax = self._sources.syntaxes[node.id, code.path]
        if syntax.is_broken:
            return
        rename(node, syntax, self._scope, edits, self._log)
        self._read_outputs(node, syntax, edits)
        if edits:
            _set(item, code.path, edits.result())

    def _read_outputs(self, node: Node, syntax: Syntax, edits: Edits) -> None:
        """Replace `_output` in code that only reads it, with the node that assigned it before."""
        loop = self._scope.loop_of(node) if OUTPUT in syntax.free else None
        if loop is None:
            return
        assigning = self._in_loops.get(loop.id, [])[: _MAX_OUTPUTS + 1]
        if node in assigning or len(assigning) > _MAX_OUTPUTS:
            return
        before = [each for each in assigning if self._ir.structure.precedes(each.id, node.id)]
        if len(before) != 1:
            return
        variable = self._scope.output(before[0]).variable
        for name in free_names(syntax):
            if text(name) == OUTPUT:
                edits.replace(name, variable)
                self._log.changed(node.id, syntax.code.path, OUTPUT, variable)


def _read(ir: WorkflowIR) -> _Sources:
    codes = [
        (node.id, part)
        for node in ir.nodes.values()
        for part in node.fields
        if isinstance(part, Code)
    ]
    inspect(code for _, code in codes)
    syntaxes = {(id_, code.path): syntax_of(code) for id_, code in codes}
    return _Sources(syntaxes, assignments(ir, syntaxes))


def _imported(syntaxes: Mapping[CodeKey, Syntax]) -> Iterator[str]:
    """Yield the names that the code imports, which all code can use."""
    for syntax in syntaxes.values():
        for declaration in declarations(syntax):
            yield from (binding.local for binding in declaration.bindings)


def _set(item: dict[str, Any], path: str, source: str) -> None:
    """Set the value at a path such as `data.branches.0.condition`."""
    *parents, key = path.split(".")
    holder: Any = item
    for parent in parents:
        holder = holder[int(parent)] if isinstance(holder, list) else holder[parent]
    holder[key] = source
