"""Warnings about outputs of nodes that may not have run, where reading them would fail the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from tree_sitter import Node as TreeNode

from workflows.codegen.analysis.certain_runs import CertainRuns, certain_runs
from workflows.codegen.analysis.code_reader import CodeKey
from workflows.codegen.syntax.bounded_parser import syntax_of
from workflows.codegen.syntax.guards import Guards, Known, always_throws
from workflows.codegen.syntax.origins import ASSIGNMENTS
from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.syntax.tree_nodes import text
from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.document.node_types import Container
from workflows.ir.reading.fields import Code, Field, Text
from workflows.ir.reading.problems import Problem, Severity, quoted
from workflows.ir.reading.references import Reference
from workflows.ir.tree.scope import Scopes

_MAX_SHOWN: Final = 40  # characters of an expression


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gap:
    """Why an output may be missing: the container that may not run its node, and the region in it."""

    container: Node
    region_id: int


class MissingOutputs:
    """Finds what nodes read of others that may not have run; `variables` are the names in code by id."""

    def __init__(
        self,
        ir: WorkflowIR,
        scopes: Scopes,
        variables: Mapping[str, str],
        syntaxes: Mapping[CodeKey, Syntax],
    ) -> None:
        self._ir = ir
        self._scopes = scopes
        self._by_variable = {variable: id_ for id_, variable in variables.items()}
        self._variables = variables
        self._syntaxes = syntaxes

    @cached_property
    def _runs(self) -> CertainRuns:
        nodes = self._ir.nodes
        failing = {
            id_
            for (id_, _), syntax in self._syntaxes.items()
            if nodes[id_].type.callback and not syntax.code.is_expression and always_throws(syntax)
        }
        return certain_runs(self._ir, failing=failing)

    def in_fields(self) -> Iterator[Problem]:
        """Yield a warning for each output that a field reads although it may be missing."""
        for node in self._ir.nodes.values():
            for part in node.fields:
                if not isinstance(part, Code):
                    yield from self._in_text(node, part)
                elif syntax := self._syntaxes.get((node.id, part.path)):
                    yield from self.in_code(node, syntax)

    def in_code(self, node: Node, syntax: Syntax) -> Iterator[Problem]:
        """Yield the warnings for a piece of code of the node."""
        used = {self._by_variable[name] for name in self._by_variable.keys() & syntax.free.keys()}
        used |= {reference.root for reference in syntax.code.references}
        used -= set(syntax.code.parameters)
        yield from self._failed_output(node, syntax)
        for id_ in sorted(used) if not syntax.is_broken else ():
            gap = self._gap(node, id_)
            if gap is None or self._is_checked_before(node, id_, gap):
                continue
            for use, failing in self._guards(syntax, id_, gap).unguarded():
                mistake = syntax.mistake(use, self._message(syntax, id_, gap, use, failing))
                yield _warning(node, syntax.code.path, str(mistake))
                break

    def _failed_output(self, node: Node, syntax: Syntax) -> Iterator[Problem]:
        """Yield a warning if a rollback would fail for a step that has failed and has no output."""
        for parameter in node.type.parameters_at(syntax.code.path):
            if not parameter.may_be_missing or syntax.is_broken:
                continue
            name = parameter.name
            for use, failing in Guards(syntax, name=name, id_=name, known=()).unguarded():
                written = _optional_access(name, failing, use)
                advice = f"write `{written}`" if written else "check it first"
                message = f"{name} is undefined if the step itself has failed: {advice}"
                yield _warning(node, syntax.code.path, str(syntax.mistake(use, message)))
                break

    def _in_text(self, node: Node, field: Field) -> Iterator[Problem]:
        """Yield the warnings for references in text or JSON, where a missing value alone is left out."""
        for reference in field.references:
            gap = self._gap(node, reference.root)
            fails = isinstance(field, Text) or bool(reference.path)
            if gap and fails and not self._is_checked_before(node, reference.root, gap):
                message = f"{_written(reference)} fails if {self._reason(reference.root, gap)}"
                yield _warning(node, field.path, f"{message}: {self._move(reference.root, gap)}")

    def _guards(self, syntax: Syntax, id_: str, gap: _Gap) -> Guards:
        known = tuple(self._same_conditions(gap))
        return Guards(syntax, name=self._variables[id_], id_=id_, known=known)

    def _gap(self, node: Node, id_: str) -> _Gap | None:
        """Return why an output may be missing at a node; None if it is there or cannot be read at all."""
        if id_ in self._scopes.names_for(node) or id_ not in self._ir.nodes:
            return None
        is_readable = self._ir.nodes[id_].type.output is not None and id_ != node.id
        if not is_readable or not self._scopes.can_read(node, id_):
            return None
        if self._runs.has_run(id_, before=node.id):
            return None
        structure = self._ir.structure
        for region_id in structure.enclosing(structure.locations[id_][0]):
            owner = structure.regions[region_id].owner
            is_around = owner == node.id or structure.is_inside(node.id, owner)
            if is_around or not self._runs.is_certain_after(id_, owner):
                return _Gap(container=self._ir.nodes[owner], region_id=region_id)
        return None

    def _same_conditions(self, gap: _Gap) -> Iterator[Known]:
        """Yield the conditions under which the region runs."""
        conditions = self._conditions(gap.container)
        index = self._ir.structure.regions[gap.region_id].index
        if index >= len(conditions) or not gap.container.type.container:
            return
        own = conditions[index]
        if own is not None:
            yield Known.of(own, is_true=True)
        elif len(conditions) == 2:
            yield from (Known.of(each, is_true=False) for each in conditions if each is not None)

    def _conditions(self, node: Node) -> list[TreeNode | None]:
        """Return the conditions of a container's regions, as far as their code can be read."""
        container = node.type.container
        codes = container.conditions(node.settings) if container and container.conditions else ()
        syntaxes = [code and self._syntax(node, code) for code in codes]
        return [syntax.expression if syntax else None for syntax in syntaxes]

    def _syntax(self, node: Node, code: Code) -> Syntax:
        return self._syntaxes.get((node.id, code.path)) or syntax_of(code)

    def _is_checked_before(self, node: Node, id_: str, gap: _Gap) -> bool:
        """Whether the node only runs if conditions of containers around it or before it hold."""
        structure = self._ir.structure
        region_id, position = structure.locations[node.id]
        while True:
            if any(
                self._leaves_without(step, id_, gap) for step in self._before(region_id, position)
            ):
                return True
            region = structure.regions[region_id]
            if not region.owner or structure.is_inside(id_, region.owner):
                return False
            if self._is_condition_of(self._ir.nodes[region.owner], region.index, id_, gap):
                return True
            region_id, position = region.parent, region.position

    def _is_condition_of(self, owner: Node, index: int, id_: str, gap: _Gap) -> bool:
        """Whether a region only runs if the output exists."""
        codes = self._codes(owner)
        for at, code in enumerate(codes[: index + 1] if index < len(codes) else ()):
            if code and self._proves(owner, code, id_, gap, is_true=at == index):
                return True
        return False

    def _codes(self, node: Node) -> list[Code | None]:
        container = node.type.container
        return (
            list(container.conditions(node.settings)) if container and container.conditions else []
        )

    def _before(self, region_id: int, position: int) -> Iterator[Node]:
        """Yield the nodes of a region before a position that may end the region."""
        for id_ in self._leaving.get(region_id, ()):
            if self._ir.structure.locations[id_][1] < position:
                yield self._ir.nodes[id_]

    @cached_property
    def _leaving(self) -> Mapping[int, list[str]]:
        """The nodes with conditions in each region: a `break`, or a branch whose arms may not return."""
        found: dict[int, list[str]] = {}
        for node in self._ir.nodes.values():
            container: Container | None = node.type.container
            if node.type.breaks or (container and container.alternatives):
                found.setdefault(self._ir.structure.locations[node.id][0], []).append(node.id)
        return found

    def _leaves_without(self, node: Node, id_: str, gap: _Gap) -> bool:
        """Whether the workflow does not continue after a node if the output is missing."""
        if node.type.breaks:
            code = next((part for part in node.fields if isinstance(part, Code)), None)
            return code is not None and self._proves(node, code, id_, gap, is_true=False)
        for index, code in enumerate(self._codes(node)):
            if not self._runs.is_dead_end(node.id, index):
                return False
            if code and self._proves(node, code, id_, gap, is_true=False):
                return True
        return False

    def _proves(self, node: Node, code: Code, id_: str, gap: _Gap, *, is_true: bool) -> bool:
        syntax = self._syntax(node, code)
        if syntax.is_broken:
            return False
        return self._guards(syntax, id_, gap).proves(syntax.expression, is_true=is_true)

    # Messages

    def _message(
        self, syntax: Syntax, id_: str, gap: _Gap, use: TreeNode, failing: TreeNode | None
    ) -> str:
        reference = syntax.reference_at(use)
        name = _written(reference) if reference else self._variables[id_]
        advice = self._move(id_, gap)
        if not reference and (optional := _optional_access(name, failing, use)):
            advice = f"write `{optional}`, or {advice}"
        return f"{name} is undefined if {self._reason(id_, gap)}: {advice}"

    def _reason(self, id_: str, gap: _Gap) -> str:
        """Return when the node does not run, as the end of a sentence that starts with "if"."""
        container, structure = gap.container, self._ir.structure
        region = structure.regions[gap.region_id]
        kind = container.type.container
        name, owner = quoted(self._ir.nodes[id_].name), quoted(container.name)
        if kind is None or kind.repeats:
            return f"{name} does not run in the loop {owner}"
        arm = f"the arm {quoted(region.label)} of {owner}" if region.label else f"an arm of {owner}"
        if kind.sequential:
            return f"{name} does not finish in the {region.label} part of {owner}"
        if kind.step_timeout:
            return f"{name} does not finish, because another arm of {owner} wins the race"
        if kind.concurrent:
            return f"{name} does not finish, because {arm} fails"
        return f"{name} does not run, because it is in {arm}"

    def _move(self, id_: str, gap: _Gap) -> str:
        kind = gap.container.type.container
        if kind and kind.repeats:
            place = "into the loop"
        elif kind and kind.sequential:
            place = "into the same part"
        else:
            place = "into the same arm"
        return f"move this node {place}, after {quoted(self._ir.nodes[id_].name)}"


def _warning(node: Node, path: str, message: str) -> Problem:
    return Problem(
        path=f"{node.path}.{path}",
        message=message,
        node_id=node.id,
        severity=Severity.WARNING,
    )


def _written(reference: Reference) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in reference.path)
    return f"{{{{ {reference.root}{path} }}}}"


def _optional_access(name: str, failing: TreeNode | None, use: TreeNode) -> str:
    """Return the access to a property in optional form: `order?.id`; "" if there is none."""
    if failing is None or _is_assigned(failing):
        return ""
    return _shortened(f"{name}{_optional(failing, use)}")


def _optional(failing: TreeNode, use: TreeNode) -> str:
    """Return the rest of the access in optional form: `?.id`, or `?.[0]`."""
    rest = (failing.text or b"")[use.end_byte - failing.start_byte :].decode("utf-8", "replace")
    return f"?{rest}" if failing.type == "member_expression" else f"?.{rest}"


def _shortened(expression: str) -> str:
    line = " ".join(expression.split())
    return line if len(line) <= _MAX_SHOWN else f"{line[:_MAX_SHOWN]}…"


def _is_assigned(access_: TreeNode) -> bool:
    """Whether a property is assigned, which has no optional form."""
    node, parent = access_, access_.parent
    while parent is not None and parent.type in ("member_expression", "subscript_expression"):
        if parent.child_by_field_name("object") != node:
            return False
        node, parent = parent, parent.parent
    if parent is None:
        return False
    is_target = parent.type in ASSIGNMENTS and parent.child_by_field_name("left") == node
    return is_target or parent.type == "update_expression" or not text(node)
