"""What the emitters of node types write with: lines, names, values, regions and durable steps."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from workflows.codegen.children import Child
from workflows.codegen.literals import comment, literal
from workflows.codegen.naming import Names
from workflows.codegen.syntax import Syntax
from workflows.codegen.usage import Usage
from workflows.codegen.values import access, code_pieces, json_pieces, text_pieces
from workflows.codegen.writer import Piece, Writer
from workflows.ir.document import Node, WorkflowIR
from workflows.ir.fields import Code, Duration, Field, Json
from workflows.ir.node_types import INFERRED, Call
from workflows.ir.policy import StepPolicy
from workflows.ir.references import Reference
from workflows.ir.scope import Scopes
from workflows.ir.structure import Region, Step

_ROOTS = {"trigger": "event.payload", "event": "event", "env": "env"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that is decided before the first line is written.

    `variables` are by node id, `syntaxes` by node id and path of the field, `blanks` hold for each
    code the parts (start and end in bytes) that move to the head of the module.
    """

    ir: WorkflowIR
    variables: Mapping[str, str]
    syntaxes: Mapping[tuple[str, str], Syntax]
    usage: Usage
    names: Names
    children: Mapping[Call, Child]


class Emitter:
    """Writes the tree of a workflow; `helpers` collects what its nodes need beside it."""

    def __init__(self, plan: Plan, writer: Writer) -> None:
        self.helpers: list[str] = []
        self._plan = plan
        self._writer = writer
        self._scopes = Scopes(plan.ir.nodes, plan.ir.structure)
        self._step: Step | None = None
        self._flags: dict[str, str] = {}
        self._callbacks: dict[str, str] = {}

    # What is written

    def line(self, *pieces: Piece) -> None:
        self._writer.line(*pieces)

    def indented(self) -> AbstractContextManager[None]:
        return self._writer.indented()

    def code(self, code: Code) -> None:
        """Write the body of a function: byte for byte, never indented."""
        self._writer.verbatim(*code_pieces(self._syntax(code), self._resolve))

    def use(self, helper: str) -> None:
        """Have the module hold the helper's source, once."""
        if helper not in self.helpers:
            self.helpers.append(helper)

    def comment(self, text: str) -> str:
        return f" {comment(text)}"

    # Values

    def value(self, field: Field) -> list[Piece]:
        """Return the expression that a setting is."""
        if isinstance(field, Code):
            return self._expression(field)
        if isinstance(field, Json):
            return json_pieces(field, self._resolve)
        return text_pieces(field, self._resolve)

    def _expression(self, code: Code) -> list[Piece]:
        syntax = self._syntax(code)
        pieces = code_pieces(syntax, self._resolve)
        if syntax.needs_lines:
            return ["(\n", *pieces, "\n)"]
        found = syntax.expression
        is_sequence = found is not None and found.type == "sequence_expression"
        return ["(", *pieces, ")"] if is_sequence else pieces

    def duration(self, duration: Duration) -> list[Piece]:
        """Return milliseconds or words; words that are computed have no type that fits."""
        if isinstance(duration.value, int):
            return [str(duration.value)]
        pieces = self.value(duration.value)
        return [*pieces, " as any"] if duration.value.references else pieces

    def step_name(self, node: Node) -> str:
        return literal(node.name)

    def _resolve(self, reference: Reference) -> str:
        ir, root = self._plan.ir, reference.root
        place, _ = ir.structure.where[self._writer.node_id]
        if root in self._scopes.names_at(place):
            return f"{root}{access(reference.path)}"
        if root not in ir.nodes:
            return f"{_ROOTS[root]}{access(reference.path)}"
        if ir.nodes[root].type.output is None:
            return "undefined"
        return f"{self._plan.variables[root]}{access(reference.path)}"

    def _syntax(self, code: Code) -> Syntax:
        return self._plan.syntaxes[self._writer.node_id, code.path]

    # Durable steps

    def assign(self, node: Node) -> list[Piece]:
        """Return what stands before a node's value, so that others can read it."""
        if node.id not in self._plan.usage.used:
            return []
        variable = self._plan.variables[node.id]
        return [f"{variable} = " if self._is_hoisted(node) else f"const {variable} = "]

    def child(self, call: Call) -> str:
        """Return the name in `env` of the Worker that a node calls."""
        return self._plan.children[call].name

    def begin_callback(self, node: Node) -> None:
        """Write the head of the function that a durable step runs."""
        self.line("const ", self.callback_name(node), " = async (ctx: WorkflowStepContext) => {")

    def callback_name(self, node: Node) -> str:
        if node.id not in self._callbacks:
            wish = f"run_{self._plan.variables[node.id]}"
            self._callbacks[node.id] = self._plan.names.unique(wish)
        return self._callbacks[node.id]

    def durable_step(self, node: Node, policy: StepPolicy) -> None:
        """Write the call that runs the node's callback as a step of its own."""
        if node.type.callback and not self._moves(node):
            node.type.callback(node, self)
        self.line(*self.assign(node), "await step.do(")
        with self.indented():
            self.line(self.step_name(node), ",")
            self._policy(policy)
            self.line(self.callback_name(node), ",")
        self.line(");")

    def _policy(self, policy: StepPolicy) -> None:
        self.line("{")
        with self.indented():
            delay = self.duration(policy.delay)
            self.line(
                f"retries: {{ limit: {policy.limit}, delay: ", *delay,
                f', backoff: "{policy.backoff}" }},',
            )  # fmt: skip
            self.line("timeout: ", *self.duration(policy.timeout), ",")
        self.line("},")

    # The tree

    def region(self, region: Region) -> None:
        """Write the steps of a region, one level in; then the container's lines go on."""
        container = self._writer.node_id
        with self.indented():
            self.steps(region)
        self._writer.mark(container)

    def regions(self, node: Node) -> tuple[Region, ...]:
        """Return the regions of the container that is being written, in the order of its labels."""
        step = self._step
        return step.regions if step and step.node_id == node.id else ()

    def steps(self, region: Region) -> None:
        for position, step in enumerate(region.steps):
            if position:
                self.line()
            self._declare(region.place, position)
            self._container(step) if step.regions else self._leaf(step)
        if region.goes_on_at:
            self.line(f"{self._flag(region.goes_on_at)} = true;")

    def _leaf(self, step: Step) -> None:
        node = self._node(step)
        self._emit(node, step)

    def _container(self, step: Step) -> None:
        """Write a container, then what several of its regions lead to."""
        for shared in step.shared:
            self._writer.mark(step.node_id)
            self.line(f"let {self._flag(shared.steps[0].node_id)} = false;")
        node = self._node(step)
        self._emit(node, step)
        for shared in step.shared:
            self._writer.mark(step.node_id)
            self.line(f"if ({self._flag(shared.steps[0].node_id)}) {{")
            self.region(shared)
            self.line("}")

    def _node(self, step: Step) -> Node:
        node = self._plan.ir.nodes[step.node_id]
        self._writer.mark(node.id)
        return node

    def _emit(self, node: Node, step: Step) -> None:
        before, self._step = self._step, step
        if not node.type.callback:
            self.line(comment(node.name))
        if node.type.emit:
            node.type.emit(node, self)
        self._step = before

    def _declare(self, place: int, position: int) -> None:
        """Declare here the values of inner nodes that are used beyond their own region."""
        for id_ in self._plan.usage.hoisted.get((place, position), ()):
            node = self._plan.ir.nodes[id_]
            self._writer.mark(id_)
            if self._moves(node) and node.type.callback:
                node.type.callback(node, self)
            self.line(f"let {self._plan.variables[id_]}: {self._type(node)};")

    def _type(self, node: Node) -> str:
        if node.type.output == INFERRED:
            return f"Awaited<ReturnType<typeof {self.callback_name(node)}>>"
        return str(node.type.output)

    def _is_hoisted(self, node: Node) -> bool:
        own, _ = self._plan.ir.structure.where[node.id]
        return self._plan.usage.is_hoisted(node.id, own)

    def _moves(self, node: Node) -> bool:
        """Whether the callback stands with the declaration, because it gives it its type."""
        return node.type.output == INFERRED and self._is_hoisted(node)

    def _flag(self, head: str) -> str:
        if head not in self._flags:
            self._flags[head] = self._plan.names.unique(f"reached_{self._plan.variables[head]}")
        return self._flags[head]
