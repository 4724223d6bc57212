"""Loop bodies that assign `_output`: here the output of the last node is the result of an iteration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tree_sitter import Node as TreeNode

from workflows.codegen.analysis.last_values import last_values
from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.syntax.tree_nodes import children_of, text
from workflows.documents.awaitstep.accumulated_outputs import OUTPUT, Accumulation, accumulation
from workflows.documents.awaitstep.edits import Edits
from workflows.documents.awaitstep.inline_steps import CODE, returns
from workflows.documents.awaitstep.rewrites import Log
from workflows.ir.document.model import Node, WorkflowIR

_LAST: Final = ".results.at(-1)"
_LAST_ASSIGNED: Final = ".results.findLast((value: any) => value !== undefined)"
_ALL: Final = ".results"
_ALL_ASSIGNED: Final = ".results.filter((value: any) => value !== undefined)"
_ADDS_UP: Final = (
    "reads `_output` of earlier iterations, which is not possible here: return the value of this iteration, "
    "and combine the `results` of the loop in a step after it"
)
_RETURNS_TOO: Final = (
    "assigns `_output` and returns a value, but a step has one output here: return `_output` only"
)
_NOT_LAST: Final = "assigns `_output`, but the result of an iteration is the output of its last node: return the value there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Code that assigns `_output`: once as its last statement (`last`), or anywhere.

    `added` is what it adds to the value of earlier iterations.
    """

    node: Node
    syntax: Syntax
    last: TreeNode | None
    reason: str
    added: Accumulation | None = None

    @property
    def is_possible(self) -> bool:
        """Whether a step can return the value instead."""
        return not self.reason


def assignments(ir: WorkflowIR, syntaxes: Mapping[tuple[str, str], Syntax]) -> list[Assignment]:
    """Return the steps inside loops that assign `_output`."""
    found = []
    for node in ir.nodes.values():
        syntax = syntaxes.get((node.id, CODE))
        if syntax is None or syntax.is_broken or OUTPUT not in syntax.free:
            continue
        if not _is_in_loop(ir, node):
            continue
        uses = [name for name in syntax.written_names if text(name) == OUTPUT]
        added = accumulation(syntax, uses) if not any(returns(syntax)) else None
        if added:
            each = Assignment(node=node, syntax=syntax, last=None, reason="", added=added)
            found.append(each)
        elif any(map(_is_target, uses)):
            found.append(_assignment(node, syntax, uses))
    return found


def _is_in_loop(ir: WorkflowIR, node: Node) -> bool:
    region_id, _ = ir.structure.locations[node.id]
    owners = (ir.structure.regions[inner].owner for inner in ir.structure.enclosing(region_id))
    return any(each.repeats for owner in owners if (each := ir.nodes[owner].type.container))


def _assignment(node: Node, syntax: Syntax, uses: list[TreeNode]) -> Assignment:
    reason = ""
    if not all(map(_is_assigned, uses)):
        reason = _ADDS_UP
    elif any(children_of(each) for each in returns(syntax)):
        reason = _RETURNS_TOO
    statements = children_of(syntax.tree.root_node)
    last = statements[-1] if statements else None
    is_last = last is not None and len(uses) == 1 and not any(returns(syntax))
    target = uses[0].parent.parent if is_last and uses[0].parent else None
    return Assignment(
        node=node, syntax=syntax, last=last if target == last else None, reason=reason
    )


def _is_target(name: TreeNode) -> bool:
    """Whether the name is changed in some way: `_output = 1`, `_output += 1`, `_output++`."""
    parent = name.parent
    return parent is not None and (
        parent.type == "update_expression"
        or (
            parent.type in ("assignment_expression", "augmented_assignment_expression")
            and parent.child_by_field_name("left") == name
        )
    )


def _is_assigned(name: TreeNode) -> bool:
    """Whether the name only receives a value, in a statement of its own."""
    parent = name.parent
    return (
        parent is not None
        and parent.type == "assignment_expression"
        and parent.child_by_field_name("left") == name
        and parent.parent is not None
        and parent.parent.type == "expression_statement"
    )


def loop_contents(ir: WorkflowIR, found: list[Assignment]) -> dict[str, str]:
    """Return what follows the variable of a loop to reach the value that AwaitStep's has."""
    last, possible = last_values(ir), {each.node.id: each for each in found if each.is_possible}
    contents: dict[str, str] = {}
    for region_id, value in last.items():
        owner = ir.structure.regions[region_id].owner
        container = ir.nodes[owner].type.container if owner else None
        if not container or not container.repeats or not value.sources & possible.keys():
            continue
        only = possible.get(value.node_id)
        added = {
            each.added.content
            for id_ in value.sources
            if (each := possible.get(id_)) and each.added
        }
        if added:
            contents[owner] = f"{_ALL if only else _ALL_ASSIGNED}{min(added)}"
        else:
            contents[owner] = _LAST if only and only.last else _LAST_ASSIGNED
    return contents


def not_last(ir: WorkflowIR, found: list[Assignment]) -> Iterator[Node]:
    """Yield the steps whose value is not the result of an iteration."""
    sources = {id_ for value in last_values(ir).values() for id_ in value.sources}
    for each in found:
        if each.node.id not in sources:
            yield each.node


def return_output(found: Assignment, edits: Edits, log: Log) -> None:
    """Return the value instead of assigning it."""
    node = found.node
    if not found.is_possible:
        log.warn(node.id, CODE, found.reason)
        return
    if found.added:
        _return_added(found.added, edits)
        log.changed(node.id, CODE, "_output with one more value", "return of this value")
        return
    if found.last is not None:
        assignment = found.last.named_children[0]
        right = assignment.child_by_field_name("right")
        if right is not None:
            edits.between(assignment.start_byte, right.start_byte, "return ")
            log.changed(node.id, CODE, "_output = ...", "return ...")
            return
    edits.between(*_before_code(found.syntax))
    edits.append("\nreturn _output;")
    log.changed(node.id, CODE, "_output = ...", "let _output; ... return _output;")


def _return_added(added: Accumulation, edits: Edits) -> None:
    statement, value = added.statement, added.value
    if added.start:
        edits.replace(added.start, "")
    edits.between(statement.start_byte, value.start_byte, "return ")
    edits.between(value.end_byte, statement.end_byte, ";")


def _before_code(syntax: Syntax) -> tuple[int, int, str]:
    """Return the edit that declares the variable after the imports."""
    start = max((each.end_byte for each in syntax.top_imports), default=0)
    return start, start, "\nlet _output: any;" if start else "let _output: any;\n"


def warn_if_not_last(ir: WorkflowIR, found: list[Assignment], log: Log) -> None:
    """Report the steps whose value is lost, because other nodes follow in the same iteration."""
    for node in not_last(ir, found):
        log.warn(node.id, CODE, _NOT_LAST)
