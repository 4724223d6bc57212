"""Replaces the names of AwaitStep's code with the names of nodes in ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tree_sitter import Node as TreeNode

from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.syntax.tree_nodes import text
from workflows.documents.awaitstep.edits import Edits
from workflows.documents.awaitstep.rewrites import Log
from workflows.documents.awaitstep.scope import Meaning, Scope
from workflows.ir.document.model import Node
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.references import Reference

_SHORTHAND: Final = "shorthand_property_identifier"
_MEMBERS: Final = frozenset({"member_expression", "subscript_expression"})
_ASSIGNMENTS: Final = frozenset({"assignment_expression", "augmented_assignment_expression"})


def rename(node: Node, syntax: Syntax, scope: Scope, edits: Edits, log: Log) -> None:
    """Replace every name that means the output of a node."""
    path = syntax.code.path
    for name in free_names(syntax):
        written = text(name)
        meaning = scope.meaning(node, written)
        if meaning is None:
            continue
        if _is_assigned(name):
            log.warn(
                node.id,
                path,
                f"changes {written}, but the output of a node cannot change here: "
                "return the new value, and use the output of this node instead",
            )
            continue
        if scope.is_ambiguous(node, written):
            _tell_apart(node, path, written, meaning, log)
        _replace(node, name, written, meaning, edits, log, path)
    for reference in syntax.code.references:
        _complete(node, reference, scope, edits, log, path)


def free_names(syntax: Syntax) -> Iterator[TreeNode]:
    """Yield the names that the code uses and does not declare anywhere."""
    free = syntax.free.keys()
    return (name for name in syntax.written_names if text(name) in free)


def _replace(
    node: Node, name: TreeNode, written: str, meaning: Meaning, edits: Edits, log: Log, path: str
) -> None:
    member, is_optional = _member(name)
    content = meaning.content_before(member)
    if member in meaning.own_members and meaning.content == ".body" and meaning.whole:
        log.warn(
            node.id,
            path,
            f"{written}.{member} is the {member} of the response here: write "
            f"{meaning.variable}.body.{member} if its content has a member {member}",
        )
    new = f"{meaning.variable}{'?' if is_optional and content else ''}{content}"
    if new == written:
        return
    edits.replace(name, f"{written}: {new}" if name.type == _SHORTHAND else new)
    log.changed(node.id, path, written, new)


def _member(name: TreeNode) -> tuple[str, bool]:
    """Return the member of the name that is used ("" for the name itself), and whether after `?.`."""
    parent = name.parent
    if (
        parent is None
        or parent.type not in _MEMBERS
        or parent.child_by_field_name("object") != name
    ):
        return "", False
    property_ = parent.child_by_field_name("property")
    is_optional = any(child.type == "optional_chain" for child in parent.children)
    return text(property_) if property_ else "[]", is_optional


def _is_assigned(name: TreeNode) -> bool:
    parent = name.parent
    if parent is None:
        return False
    is_left = parent.type in _ASSIGNMENTS and parent.child_by_field_name("left") == name
    return is_left or parent.type == "update_expression"


def _tell_apart(node: Node, path: str, written: str, meaning: Meaning, log: Log) -> None:
    log.warn(
        node.id,
        path,
        f"{written} could be the node with this id or the one with this name: it is read as the output of "
        f"{quoted(meaning.node_id)}",
    )


def _complete(
    node: Node, reference: Reference, scope: Scope, edits: Edits, log: Log, path: str
) -> None:
    """Rewrite a reference in code if it calls a node by name or reads the content of a response."""
    new = rewritten(node, reference, scope, log, path)
    if new:
        edits.at_character(reference.start, reference.end, new)


def rewritten(node: Node, reference: Reference, scope: Scope, log: Log, path: str) -> str:
    """Return the reference in our form; "" if it stays as it is."""
    known = scope.ir.nodes.get(reference.root)
    is_loop = known is not None and known.id in scope.loop_contents
    meaning = scope.output(known, by_name=is_loop) if known else scope.meaning(node, reference.root)
    if meaning is None or (known and known.type.output is None):
        return ""
    if known and not meaning.has_reference and reference.path[:1] != ("results",):
        log.warn(
            node.id,
            path,
            f"the output of the loop {quoted(known.name)} has the values of all iterations in its "
            "`results`, but in AwaitStep only one value: use it in code",
        )
        return ""
    if not meaning.has_reference:
        return ""
    member = str(reference.path[0]) if reference.path else ""
    before, after = as_text(reference.root, reference.path), meaning.reference
    after = as_text(f"{after}{meaning.content_before(member)}", reference.path)
    if before == after:
        return ""
    log.changed(node.id, path, before, after)
    return after


def as_text(root: str, path: tuple[str | int, ...]) -> str:
    """Return a reference as it is written."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"{{{{ {root}{''.join(parts)} }}}}"
