"""Steps whose code AwaitStep puts into `run` as it is: the names that they declare are shared.

Here every step is durable and has an output of its own, so it returns the names that others use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tree_sitter import Node as TreeNode

from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.syntax.tree_nodes import text
from workflows.documents.awaitstep.edits import Edits
from workflows.documents.awaitstep.rewrites import Log
from workflows.documents.awaitstep.scope import Scope
from workflows.ir.document.kinds import SCRIPT
from workflows.ir.document.model import Node
from workflows.ir.reading.problems import listed

CODE: Final = "data.code"
_FUNCTIONS: Final = frozenset(
    {
        "arrow_function", "class", "function_expression", "generator_function",
        "class_declaration", "abstract_class_declaration", "function_declaration",
        "generator_function_declaration", "method_definition",
    }
)  # fmt: skip
_ENDS_RUN: Final = (
    "`return` in an inline step ended the run in AwaitStep. Here it only ends the step: add a `break` "
    "node after it if the run should end"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineStep:
    """An inline step, the names that it shares, and those that cannot be stored."""

    node: Node
    syntax: Syntax
    shared: tuple[str, ...]
    unstorable: tuple[str, ...]


def inline_steps(
    scope: Scope, syntaxes: Mapping[tuple[str, str], Syntax], inline: Iterable[str]
) -> list[InlineStep]:
    """Return the inline steps; `inline` are those that are marked as such."""
    marked, used = set(inline), _Uses(scope, syntaxes)
    found = []
    for node in scope.ir.nodes.values():
        syntax = syntaxes.get((node.id, CODE))
        if syntax is None or syntax.is_broken or node.type.name != "step":
            continue
        is_raw = scope.ir.kind == SCRIPT and not any(returns(syntax))
        if node.id in marked or is_raw:
            found.append(_inline_step(node, syntax, used.of(node, syntax)))
    return found


class _Uses:
    """Which names the code of a document uses."""

    def __init__(self, scope: Scope, syntaxes: Mapping[tuple[str, str], Syntax]) -> None:
        self._scope = scope
        self._users: dict[str, set[str]] = {}
        for (id_, _), syntax in syntaxes.items():
            for name in syntax.free:
                self._users.setdefault(name, set()).add(id_)
        self._referenced = {
            reference.root
            for node in scope.ir.nodes.values()
            for part in node.fields
            for reference in part.references
        }

    def of(self, node: Node, syntax: Syntax) -> set[str]:
        """Return the names in the code of a node that others use; its own name if a reference does."""
        own = self._scope.display[node.id] if node.id in self._referenced else ""
        return {
            name for name in syntax.own if name == own or self._users.get(name, set()) - {node.id}
        }


def _inline_step(node: Node, syntax: Syntax, used: set[str]) -> InlineStep:
    own = [each for each in syntax.declarations if text(each) in syntax.own & used]
    functions = {text(each) for each in own if _is_function(each)}
    shared = dict.fromkeys(text(each) for each in own if text(each) not in functions)
    return InlineStep(
        node=node, syntax=syntax, shared=tuple(shared), unstorable=tuple(sorted(functions))
    )


def _is_function(name: TreeNode) -> bool:
    """Whether the declared name is that of a function or a class, which cannot be stored."""
    parent = name.parent
    value = parent.child_by_field_name("value") if parent else None
    return bool(parent and parent.type in _FUNCTIONS) or bool(value and value.type in _FUNCTIONS)


def share(step: InlineStep, scope: Scope) -> None:
    """Add the names that the step shares to the scope, in place of its display name."""
    node, own = step.node, scope.display[step.node.id]
    scope.forget(node.id)
    if step.shared == (own,):
        scope.declared.setdefault(own, []).append(scope.output(node))
        return
    for name in step.shared:
        scope.declared.setdefault(name, []).append(scope.part(node, name))


def return_shared(step: InlineStep, scope: Scope, edits: Edits, log: Log) -> None:
    """Return the shared names at the end of the code, unless that is not possible."""
    node = step.node
    if step.unstorable:
        names = ", ".join(f"`{name}`" for name in step.unstorable)
        log.warn(
            node.id,
            CODE,
            f"declares {names} for other nodes, but a function or class cannot be the output of a step: "
            "move it into the code that uses it",
        )
    if any(returns(step.syntax)):
        shares = f". Its names {listed(step.shared)} are not shared" if step.shared else ""
        if step.shared or _has_next(scope, node):
            log.warn(node.id, CODE, f"{_ENDS_RUN}{shares}")
        return
    if not step.shared:
        return
    is_own = step.shared == (scope.display[node.id],)
    value = step.shared[0] if is_own else f"{{ {', '.join(step.shared)} }}"
    edits.append(f"\nreturn {value};")
    log.changed(node.id, CODE, f"declares {', '.join(step.shared)}", f"return {value};")


def _has_next(scope: Scope, node: Node) -> bool:
    return any(edge.source == node.id for edge in scope.ir.edges)


def returns(syntax: Syntax) -> Iterator[TreeNode]:
    """Yield the `return` statements of the code itself, without those of functions inside."""
    stack = [syntax.tree.root_node]
    while stack:
        part = stack.pop()
        if part.type == "return_statement":
            yield part
        stack += [inner for inner in part.named_children if inner.type not in _FUNCTIONS]
