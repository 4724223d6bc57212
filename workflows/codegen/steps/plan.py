"""What is decided before the first line is written: names, and where each value is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workflows.codegen.analysis.children import Child
from workflows.codegen.analysis.code_reader import CodeKey
from workflows.codegen.analysis.last_values import LastValues
from workflows.codegen.analysis.reads import Inputs
from workflows.codegen.analysis.step_names import StepNames
from workflows.codegen.analysis.usage import Usage
from workflows.codegen.syntax.code_facts import CodeFacts
from workflows.codegen.text.slots import Slots
from workflows.ir.document.model import WorkflowIR
from workflows.ir.document.node_types import Call
from workflows.ir.reading.identifiers import Names
from workflows.ir.tree.scope import Scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that is decided before the first line is written.

    `variables` are by node id, `codes` by node id and path of the field, `templates` the functions
    of custom types by name and version, `untyped` the nodes whose outputs are typed as any, `sensitive`
    the nodes whose outputs are hidden. With `slots`, the module is for the language server.
    """

    ir: WorkflowIR
    scopes: Scopes
    variables: Mapping[str, str]
    codes: Mapping[CodeKey, CodeFacts]
    usage: Usage
    names: Names
    children: Mapping[Call, Child]
    last_values: LastValues
    step_names: StepNames
    inputs: Inputs
    templates: Mapping[tuple[str, str], str]
    untyped: frozenset[str]
    sensitive: frozenset[str]
    slots: Slots | None = None
