"""The interface that node types write code with, and the walk through the tree that calls them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from workflows.codegen.steps.break_flow import Arm, Frame, Iteration, RacingArm
from workflows.codegen.steps.computed_settings import NOT_RETRIED, STORABLE
from workflows.codegen.steps.plan import Plan
from workflows.codegen.steps.rollback_writer import RollbackWriter
from workflows.codegen.text.literals import comment, literal
from workflows.codegen.text.slots import Slots
from workflows.codegen.text.writer import Writer
from workflows.ir.document.kinds import SCRIPT
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import INFERRED
from workflows.ir.document.region_tree import Region, Step
from workflows.ir.document.step_policy import StepPolicy


class Emitter(RollbackWriter):
    """Writes the tree of a workflow; `_frames` are the enclosing regions with a value of their own."""

    def __init__(self, plan: Plan, writer: Writer) -> None:
        super().__init__(plan, writer)
        self._step: Step | None = None
        self._flags: dict[str, str] = {}
        self._frames: list[Frame] = []
        self._set_by: set[str] = set()

    # Durable steps

    def callback(self, node: Node) -> str:
        """Write the node's callback, unless it is already written; return its expression."""
        if node.type.callback and not self._moves(node):
            node.type.callback(node, self)
        name, passed = self.callback_name(node), self._passed(node)
        if passed or self._own_names(node)[1]:
            return f"(ctx: any) => {name}({', '.join(['ctx', *passed.values()])})"
        return name

    def durable_step(self, node: Node, policy: StepPolicy) -> None:
        """Write the call that runs the node's callback as a durable step."""
        callback, rollback = self.callback(node), self.rollback(node)
        if self._plan.slots:  # the types of the platform's call take most of the time to check
            self.line(*self.assign(node), f"await ({callback})(undefined);")
            return
        if node.type.custom or node.type.output == INFERRED:
            self.add_helper(STORABLE)
            callback = f"storable({callback})"
        callback = self.without_retries(policy, callback)
        self.line(*self.assign(node), "await step.do(")
        with self.indented():
            self.line(f"{self.step_name(node)},")
            self.policy(policy, is_sensitive=self.is_sensitive(node))
            self.line(f"{callback},")
            if rollback:
                self.line("{")
                with self.indented():
                    self.rollback_options(node, rollback)
                self.line("},")
        self.line(");")

    def without_retries(self, policy: StepPolicy, callback: str) -> str:
        """Return the callback, with the errors that are not retried made final."""
        if not policy.not_retried or self._plan.ir.kind == SCRIPT:
            return callback
        self.add_helper(NOT_RETRIED)
        return f"withoutRetryOf([{', '.join(map(literal, policy.not_retried))}], {callback})"

    # What containers write

    def regions(self, node: Node) -> tuple[Region, ...]:
        """Return the regions of the container being written, in the order of its labels."""
        step = self._step
        return step.regions if step and step.node_id == node.id else ()

    def region(self, region: Region) -> None:
        """Write the steps of a region, indented, and continue with the container's lines."""
        container = self._writer.node_id
        with self.indented():
            self._steps(region)
        self._writer.set_node(container)

    def iteration(self, node: Node, *, index: str, results: str) -> None:
        """Write the body of a loop; `results` is the list for its values, "" for none.

        Variables that are also read outside the loop are reset in each iteration, like all others.
        """
        body = self.regions(node)[0]
        last, candidates = self._last_value(body)
        frame = Iteration(last=last, candidates=candidates, results=results)
        outer = self._values_read_after([body])
        self._indices.append(index)
        with self.indented():
            if outer:
                self.line(" = ".join([*outer, "undefined;"]))
            self._region_with_value(body, frame)
        self._indices.pop()

    def arms(self, node: Node, *, flag: str = "") -> None:
        """Write concurrent arms as functions that are called, in the order of their edges.

        Each returns its last value, and a `break` sets the flag. Without a flag the arms race: each
        returns an object with its value and whether a `break` left it.
        """
        with self.indented():
            for region in self.regions(node):
                last, candidates = self._last_value(region)
                self.line("(async () => {", self.comment(region.label) if region.label else "")
                with self.indented():
                    if flag:
                        frame: Frame = Arm(last=last, candidates=candidates, flag=flag)
                    else:
                        frame = RacingArm(last=last, candidates=candidates)
                    self._region_with_value(region, frame)
                self.line("})(),")

    def has_break(self, node: Node) -> bool:
        """Whether a `break` leaves a region of the container."""
        return any(self._plan.last_values[region.id].has_break for region in self.regions(node))

    def break_out(self) -> None:
        """Write a `break` out of the innermost loop, or out of the run if there is none."""
        for line in self._frames[-1].on_break():
            self.line(line)

    def break_out_if(self, condition: str, node: Node) -> None:
        """Write a `break` after a container of arms, under the condition that it left one of them."""
        self._set_last_value(node.id)
        self.line(f"if ({condition}) {{")
        with self.indented():
            self.break_out()
        self.line("}")

    def values_read_after(self, node: Node) -> list[str]:
        """Return the variables of a container's regions that are read after it."""
        return self._values_read_after(self.regions(node))

    def uses(self, node: Node, *names: str) -> bool:
        """Whether a setting of the node uses one of these names, or could do so while it is edited."""
        return self._plan.slots is not None or not self._names_in(node).isdisjoint(names)

    @contextmanager
    def preserving_indices(self, names: Sequence[str]) -> Iterator[None]:
        """Keep the indices of outer loops accessible where an inner loop reuses their names."""
        before = list(self._indices)
        for position, index in enumerate(before):
            if index in names:
                copy = self._plan.names.unique(f"outer_{index}")
                self.line(f"const {copy} = {index};")
                self._indices[position] = copy
        yield
        self._indices = before

    def run(self, frame: Frame) -> None:
        """Write the whole tree; the frame determines how the run ends.

        Code outside of steps can use `ctx` too: there, the run counts as the only attempt.
        """
        nodes = self._plan.ir.nodes.values()
        if self._plan.slots or any(
            not node.type.callback and self.uses(node, "ctx") for node in nodes
        ):
            self.line("const ctx = { attempt: 1 };")
        self._region_with_value(self._plan.ir.structure.root, frame)

    def last_value(self) -> tuple[str, frozenset[str]]:
        """Return the variable of the run's last value, and the nodes that assign it."""
        return self._last_value(self._plan.ir.structure.root)

    # The tree

    def _values_read_after(self, regions: Sequence[Region]) -> list[str]:
        crossing = self._plan.usage.crossing
        ids = dict.fromkeys(id_ for region in regions for id_ in crossing.get(region.id, ()))
        return [self._plan.variables[id_] for id_ in ids]

    def _last_value(self, region: Region) -> tuple[str, frozenset[str]]:
        last_value = self._plan.last_values[region.id]
        if last_value.node_id:
            return self._plan.variables[last_value.node_id], last_value.candidates
        return (
            self._plan.names.unique("last") if last_value.candidates else ""
        ), last_value.candidates

    def _region_with_value(self, region: Region, frame: Frame) -> None:
        """Write a region with a value of its own, and its end."""
        container = self._writer.node_id
        if frame.candidates:
            self.line(f"let {frame.last}: any;")
        self._frames.append(frame)
        self._steps(region)
        self._frames.pop()
        self._writer.set_node(container)
        for line in frame.on_end():
            self.line(line)

    def _steps(self, region: Region) -> None:
        for position, step in enumerate(region.steps):
            if position:
                self.line()
            self._declare(region.id, position)
            self._container(step) if step.regions else self._leaf(step)
            self._set_last_value(step.node_id)
        if region.continues_at:
            self.line(f"{self._flag(region.continues_at)} = true;")

    def _set_last_value(self, node_id: str) -> None:
        """Write that this is the last value of the enclosing region, once per node."""
        frame = self._frames[-1]
        if node_id in frame.candidates and node_id not in self._set_by:
            self._set_by.add(node_id)
            self.line(f"{frame.last} = {self._plan.variables[node_id]};")

    def _leaf(self, step: Step) -> None:
        node = self._node(step)
        self._emit(node, step)

    def _container(self, step: Step) -> None:
        """Write a container, then the regions that several of its arms lead to."""
        for shared in step.shared:
            self._writer.set_node(step.node_id)
            self.line(f"let {self._flag(shared.steps[0].node_id)} = false;")
        node = self._node(step)
        self._emit(node, step)
        for shared in step.shared:
            self._writer.set_node(step.node_id)
            self.line(f"if ({self._flag(shared.steps[0].node_id)}) {{")
            self.region(shared)
            self.line("}")

    def _node(self, step: Step) -> Node:
        node = self._plan.ir.nodes[step.node_id]
        self._writer.set_node(node.id)
        return node

    def _emit(self, node: Node, step: Step) -> None:
        before, self._step = self._step, step
        if self._plan.slots:
            self._probe(node, self._plan.slots)
        if not node.type.callback or node.type.container:
            self.line(comment(node.name))
        node.type.emit(node, self)
        self._step = before

    def _probe(self, node: Node, slots: Slots) -> None:
        """Write a place for expressions with the names that the node's settings can use."""
        container = node.type.container
        own = container.own_names(node.settings) if container else ()
        names = "".join(f"let {name} = 0; " for name in own)
        self.line(f"{{ {names}{slots.token(node.id, '')} }}")

    def _declare(self, region_id: int, position: int) -> None:
        """Declare the variables of inner nodes that are used outside their own region."""
        for id_ in self._plan.usage.hoisted.get((region_id, position), ()):
            node = self._plan.ir.nodes[id_]
            self._writer.set_node(id_)
            if self._moves(node) and node.type.callback:
                node.type.callback(node, self)
            keyword = "var" if self._plan.slots else "let"
            self.line(f"{keyword} {self._plan.variables[id_]}: {self._type(node)};")

    def _flag(self, node_id: str) -> str:
        if node_id not in self._flags:
            name = f"reached_{self._plan.variables[node_id]}"
            self._flags[node_id] = self._plan.names.unique(name)
        return self._flags[node_id]
