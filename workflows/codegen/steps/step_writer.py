"""Writes durable steps: their names, retry policies, callbacks and variables."""

from __future__ import annotations

from collections.abc import Iterator

from workflows.codegen.analysis.inputs import member
from workflows.codegen.analysis.step_names import HELPER
from workflows.codegen.steps.settings_writer import Plan, SettingsWriter
from workflows.codegen.text.writer import Piece, Writer
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import INFERRED, Call, NodeType
from workflows.ir.document.step_policy import StepPolicy
from workflows.ir.reading.fields import Code
from workflows.ir.validation.limits import MAX_NAME_INDICES


class StepWriter(SettingsWriter):
    """Writes the parts of durable steps; `_indices` are the counters of the enclosing loops."""

    def __init__(self, plan: Plan, writer: Writer) -> None:
        super().__init__(plan, writer)
        self._indices: list[str] = []
        self._callbacks: dict[str, str] = {}

    def step_name(self, node: Node, *, part: str = "") -> str:
        """Return the expression of a step's name, which is unique in each iteration of a loop.

        `part` is a variable that distinguishes several steps of one node.
        """
        if len(self._indices) > MAX_NAME_INDICES:
            self.add_helper(HELPER)
        return self._plan.step_names.expression(node, self._indices, part=part)

    def assign(self, node: Node) -> list[Piece]:
        """Return the assignment before a node's value, or nothing if no one reads it."""
        if node.id not in self._plan.usage.used:
            return []
        variable = self._plan.variables[node.id]
        return [f"{variable} = " if self._is_hoisted(node) else f"const {variable} = "]

    def unique_name(self, prefix: str, node: Node) -> str:
        """Return a new name from the prefix and the node's variable."""
        return self._plan.names.unique(f"{prefix}_{self._plan.variables[node.id]}")

    def child_binding(self, call: Call) -> str:
        """Return the binding of the Worker that a node calls."""
        return f"env.{self._plan.children[call].name}"

    def template_function(self, type_: NodeType) -> str:
        """Return the function that runs a custom type's template."""
        return self._plan.templates[type_.name, type_.version]

    def inputs(self, node: Node) -> str:
        """Return the object of outputs that a custom node receives."""
        variables = self._plan.variables
        members = [member(id_, variables[id_]) for id_ in self._plan.inputs[node.id]]
        return f"{{ {', '.join(members)} }}" if members else "{}"

    def start_callback(self, node: Node) -> None:
        """Write the first line of the function that a durable step runs."""
        passed = "".join(f", {name}: any" for name in self._passed(node))
        name = self.callback_name(node)
        returned = ": Promise<any>" if node.id in self._plan.untyped else ""
        self.line(f"const {name} = async (ctx: WorkflowStepContext{passed}){returned} => {{")

    def callback_name(self, node: Node) -> str:
        """Return the name of the function that the node's step runs."""
        if node.id not in self._callbacks:
            self._callbacks[node.id] = self.unique_name("run", node)
        return self._callbacks[node.id]

    def policy(self, policy: StepPolicy) -> None:
        """Write a step's configuration in full, without relying on defaults."""
        delay, timeout = self.duration(policy.delay), self.duration(policy.timeout)
        backoff = f', backoff: "{policy.backoff}" }},'
        self.line("{")
        self.line(f"  retries: {{ limit: {policy.limit}, delay: ", *delay, backoff)
        self.line("  timeout: ", *timeout, ",")
        self.line("},")

    def _type(self, node: Node) -> str:
        if node.id in self._plan.usage.raced:
            return "any"
        if node.type.output == INFERRED:
            return f"Awaited<ReturnType<typeof {self.callback_name(node)}>> | undefined"
        return str(node.type.output)

    def _is_hoisted(self, node: Node) -> bool:
        region_id, _ = self._plan.ir.structure.locations[node.id]
        return self._plan.usage.is_hoisted(node.id, region_id)

    def _moves(self, node: Node) -> bool:
        """Whether the callback moves to the declaration, whose type is inferred from it."""
        if not self._is_hoisted(node):
            return False
        return node.type.output == INFERRED and node.id not in self._plan.usage.raced

    def _passed(self, node: Node) -> list[str]:
        """Return the names from regions that a moved callback uses but can no longer see."""
        if not self._moves(node):
            return []
        local = (
            name
            for region_id in self._crossed(node)
            for name in self._scopes.inner_names(region_id)
        )
        names = dict.fromkeys(local)
        used = self._names_in(node) if names else set()
        return [name for name in names if name in used]

    def _crossed(self, node: Node) -> Iterator[int]:
        """Return the regions between the node and the declaration of its variable."""
        structure, level = self._plan.ir.structure, self._plan.usage.level[node.id]
        return structure.enclosing(structure.locations[node.id][0], until=level)

    def _names_in(self, node: Node) -> set[str]:
        used = {reference.root for field in node.fields for reference in field.references}
        for field in node.fields:
            if isinstance(field, Code):
                used |= self._plan.syntaxes[node.id, field.path].names
        return used
