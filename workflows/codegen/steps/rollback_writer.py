"""Writes rollbacks: functions that undo a step, and their retries and timeout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from workflows.codegen.steps.step_writer import DELAY_PARAMETERS, StepWriter
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import INFERRED
from workflows.ir.document.step_policy import (
    RETRY_DELAY_CODE,
    ROLLBACK,
    ROLLBACK_PATH,
    can_be_undone,
    rollback_of,
)
from workflows.ir.reading.fields import Code

_NAMES: Final = ("ctx", *ROLLBACK.parameter_names)

OUTPUT_OF: Final = """\
/** What a step returns; any value if it always throws. */
type OutputOf<F extends (...values: any[]) => any> = [Awaited<ReturnType<F>>] extends [never] ? any : Awaited<ReturnType<F>>;
"""


class RollbackWriter(StepWriter):
    """Writes the rollback of a node next to its step."""

    def rollback(self, node: Node, *, output: str = "") -> str:
        """Write the function that undoes the node's step; return its name, "" if there is none.

        `output` is the TypeScript type of what it receives; by default, that of the node's output.
        """
        rollback = rollback_of(node.settings)
        output = output or self._output_type(node)
        if self._plan.slots:
            self._delay_slot(node)
            self._rollback_slot(node, output)
            return ""
        if rollback is None:
            return ""
        name = self.unique_name("undo", node)
        kept = dict(self._changing_outputs(node, rollback.code))
        types = ", ".join(f"{variable}: {type_}" for variable, type_ in kept.items())
        opened, closed = (f"(({types}) => ", f")({', '.join(kept)})") if kept else ("", "")
        parameters = self._rollback_parameters(node, rollback.code, output)
        self.line(f"const {name} = {opened}async ({parameters}): Promise<any> => {{")
        self.code(rollback.code)
        self.line(f"}}{closed};")
        return name

    def rollback_options(self, node: Node, function: str) -> None:
        """Write the members of an object that hold a rollback function, its retries and its timeout."""
        rollback = rollback_of(node.settings)
        if rollback and function:
            self.line(f"rollback: {function},")
            self.line("rollbackConfig:")
            self.policy(rollback.policy)

    def _output_type(self, node: Node) -> str:
        if node.type.output != INFERRED:
            return str(node.type.output)
        if node.id in self._plan.untyped:
            return "any"
        self.add_helper(OUTPUT_OF)
        return f"OutputOf<typeof {self.callback_name(node)}>"

    def _rollback_slot(self, node: Node, output: str) -> None:
        """Write a place for the code, even if there is none, so that its names have their types."""
        if self._plan.slots and can_be_undone(node.type.fields):
            self.line(f"(async ({_pattern(_NAMES, output)}) => {{")
            self.line(self._plan.slots.token(node.id, ROLLBACK_PATH))
            self.line("});")

    def _delay_slot(self, node: Node) -> None:
        """Write a place for the expression of the delay, which is written with the policy otherwise."""
        if self._plan.slots and RETRY_DELAY_CODE in node.type.fields:
            self.line(f"(async ({DELAY_PARAMETERS}) => (")
            self.line(self._plan.slots.token(node.id, f"data.{RETRY_DELAY_CODE.name}"))
            self.line("));")

    def _rollback_parameters(self, node: Node, code: Code, output: str) -> str:
        """Return the parameters: what the platform passes, and names that the code cannot see otherwise.

        A name that the code declares or imports itself cannot be a parameter as well.
        """
        own, aliases = self._syntax(code).own, self.aliases(code)
        taken = own | {binding.local for binding in self._facts(node, code).bindings}
        members = [name for name in _NAMES if name not in taken]
        members += [f"{name}: {aliases[name]}" for name in code.parameters if name in aliases]
        others = {alias: name for name, alias in aliases.items() if name not in code.parameters}
        hidden = {name: self._imported(name) for name in self._hidden_imports(node, [code])}
        passed = "".join(f", {name} = {value}" for name, value in {**others, **hidden}.items())
        return f"{_pattern(members, output)}{passed}"

    def _changing_outputs(self, node: Node, code: Code) -> Iterator[tuple[str, str]]:
        """Yield the outputs that the code reads and that later iterations replace, with their types.

        A rollback runs after the loop around it, and means the outputs of its own iteration.
        """
        names = self._facts(node, code).syntax.names - set(code.parameters)
        roots = {each.root for each in code.references} - set(code.parameters)
        used = {self._ids[name] for name in names & self._ids.keys()} | roots
        for id_ in self._plan.variables:
            if id_ in used and id_ in self._plan.usage.used and self._is_replaced(id_, node):
                yield self._plan.variables[id_], self._type(self._plan.ir.nodes[id_])

    @cached_property
    def _ids(self) -> dict[str, str]:
        """The ids of nodes by their variables."""
        return {variable: id_ for id_, variable in self._plan.variables.items()}

    def _is_replaced(self, id_: str, node: Node) -> bool:
        """Whether the variable is declared outside of a loop around both nodes."""
        structure = self._plan.ir.structure
        common = structure.common(structure.locations[id_][0], structure.locations[node.id][0])
        for region_id in structure.enclosing(common, until=self._plan.usage.level.get(id_, common)):
            container = self._plan.ir.nodes[structure.regions[region_id].owner].type.container
            if container and container.repeats:
                return True
        return False


def _pattern(names: Sequence[str], output: str) -> str:
    """Return the pattern for the argument of a rollback, with its type."""
    type_ = f"{{ ctx: WorkflowStepContext; output: {output}; error: any }}"
    return f"{{ {', '.join(names)} }}: {type_}" if names else f"_: {type_}"
