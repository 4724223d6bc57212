"""Finds code that uses the output of a node before that node has run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from workflows.codegen.syntax.parser import Syntax
from workflows.ir.document.model import WorkflowIR
from workflows.ir.reading.problems import Problem
from workflows.ir.tree.scope import Scopes


def uses_before_definition(
    ir: WorkflowIR, variables: Mapping[str, str], syntaxes: Mapping[tuple[str, str], Syntax]
) -> Iterator[Problem]:
    """Yield a problem for each variable that would be read before it has a value.

    Names that the code declares itself are ignored.
    """
    by_variable = {variable: id_ for id_, variable in variables.items()}
    scopes = Scopes(ir.nodes, ir.structure)
    for (node_id, path), syntax in syntaxes.items():
        used = syntax.free_names(by_variable)
        if not used or syntax.tree.root_node.has_error:
            continue
        node = ir.nodes[node_id]
        for name in sorted(used - scopes.names_for(node)):
            refusal = scopes.refusal(node, by_variable[name])
            if refusal:
                mistake = syntax.mistake(syntax.first(name), refusal)
                field_path = f"{node.path}.{path}"
                yield Problem(path=field_path, message=str(mistake), node_id=node_id)
