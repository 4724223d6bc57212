"""A script: the same nodes in one function, whose steps run at once while a request waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from workflows.codegen.steps.break_flow import Frame
from workflows.codegen.steps.emitter import Emitter
from workflows.codegen.steps.settings_writer import Plan
from workflows.codegen.text.literals import literal
from workflows.codegen.text.writer import Piece, Writer
from workflows.ir.document.kinds import exports
from workflows.ir.document.model import Node
from workflows.ir.reading.identifiers import is_identifier

# Cloudflare's type alone makes the payload an object that nothing else takes.
EVENT: Final = "Readonly<WorkflowEvent<any>> & { payload: any }"


def write_script(plan: Plan, body: Writer) -> Emitter:
    """Write the function that a request runs; return the emitter, which knows its helpers."""
    emitter = _ScriptEmitter(plan, body)
    emitter.add_helper(STEP)
    answer = "Promise<Record<string, unknown>>"
    body.line(
        f"async function runScript(this: {{ env: Env }}, event: {EVENT}, env: Env): {answer} {{"
    )
    with body.indented():
        emitter.run(_Answering(answer=emitter.answer))
    body.mark("")
    body.line("}")
    return emitter


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answering(Frame):
    """A script ends with its answer, wherever a `break` leaves it."""

    answer: Callable[[], str]

    def on_end(self) -> list[str]:
        return [f"return {self.answer()};"]

    def on_break(self) -> list[str]:
        return self.on_end()


class _ScriptEmitter(Emitter):
    """Remembers which outputs are there: what is not written yet cannot be part of an answer."""

    def __init__(self, plan: Plan, writer: Writer) -> None:
        super().__init__(plan, writer)
        self._exports = exports(plan.ir.nodes.values())
        self._assigned: set[str] = set()

    def assign(self, node: Node) -> list[Piece]:
        self._assigned.add(node.id)
        return super().assign(node)

    def answer(self) -> str:
        """Return the object of the outputs by the names that the nodes give them."""
        return f"{{ {', '.join(self._members())} }}" if self._exports else "{}"

    def _members(self) -> Iterator[str]:
        for id_, name in self._exports.items():
            if id_ in self._assigned:
                is_plain = is_identifier(name) and name != "__proto__"
                key = name if is_plain else f"[{literal(name)}]"
                variable = self._plan.variables[id_]
                yield key if key == variable else f"{key}: {variable}"


STEP: Final = """\
/** Runs a step at once, one time; as in a workflow, what it returns is handed on as a copy. */
const step = {
  async do(name: string, config: any, callback: (ctx: any) => Promise<any>): Promise<any> {
    return structuredClone(await callback({ step: { name, count: 1 }, attempt: 1, config }));
  },
  async sleep(_name: string, milliseconds: number): Promise<void> {
    await (globalThis as any).scheduler.wait(milliseconds);
  },
} as unknown as WorkflowStep;
"""
