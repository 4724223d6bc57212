"""What each node's code and settings need in scope, and whether an edit removes it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from workflows.codegen.analysis.node_names import variables_of
from workflows.codegen.syntax.bounded_parser import syntax_of
from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.reading.fields import Code, parameters_of
from workflows.ir.reading.problems import quoted
from workflows.ir.tree.scope import Scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The nodes whose output a node reads, and the names of containers that it uses."""

    outputs: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


def needs_of(draft: WorkflowIR) -> dict[str, Needs]:
    """Return what each node of a document needs, by reference or by name in its code."""
    scopes = Scopes(draft.nodes, draft.structure)
    by_variable = {name: id_ for id_, name in variables_of(draft).items()}
    return {
        node.id: _needs(node, scopes, by_variable, draft.nodes) for node in draft.nodes.values()
    }


def _needs(
    node: Node, scopes: Scopes, by_variable: Mapping[str, str], nodes: Collection[str]
) -> Needs:
    local = scopes.names_for(node)
    used = code_names(node)
    roots = {
        reference.root
        for field in node.fields
        for reference in field.references
        if reference.root not in parameters_of(field)
    }
    outputs = {by_variable[name] for name in used - local if name in by_variable}
    outputs |= {root for root in roots - local if root in nodes}
    return Needs(
        outputs=frozenset(id_ for id_ in outputs if scopes.can_read(node, id_)),
        names=local & (used | roots),
    )


def code_names(node: Node) -> frozenset[str]:
    """Return the names that the node's code uses and does not declare itself."""
    codes = [field for field in node.fields if isinstance(field, Code)]
    return frozenset().union(*map(_names_in, codes)) if codes else frozenset()


@lru_cache(maxsize=20_000)
def _names_in(code: Code) -> frozenset[str]:
    return frozenset(syntax_of(code).free.keys() - set(code.parameters))


def lost_needs(
    before: Mapping[str, Needs], after: WorkflowIR, renamed: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield each node that lacks something in the edited document, and a sentence about it.

    `renamed` are the new ids of nodes by their old ones.
    """
    scopes = Scopes(after.nodes, after.structure)
    for old, needs in before.items():
        node = after.nodes.get(renamed.get(old, old))
        if node:
            for reason in _lost(node, needs, scopes, after.nodes, renamed):
                yield node.id, f"{quoted(node.name)} uses {reason}"


def _lost(
    node: Node,
    needs: Needs,
    scopes: Scopes,
    nodes: Mapping[str, Node],
    renamed: Mapping[str, str],
) -> Iterator[str]:
    for old in sorted(needs.outputs):
        other = nodes.get(renamed.get(old, old))
        if other is None:
            yield f"the output of {quoted(old)}"
        elif not scopes.can_read(node, other.id):
            yield f"the output of {quoted(other.name)}, which would not run before it"
    for name in sorted(needs.names - scopes.names_for(node)):
        yield f"{quoted(name)}, which would not be in scope"
