"""Scripts: the same nodes in one function, whose steps run directly while a request waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from workflows.codegen.analysis.code_reader import ENTRY_PATH, NameUse
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.codegen.steps.break_flow import Frame
from workflows.codegen.steps.emitter import Emitter
from workflows.codegen.steps.plan import Plan
from workflows.codegen.text.literals import member
from workflows.codegen.text.writer import Piece, Writer
from workflows.ir.document.kinds import exports
from workflows.ir.document.model import Node
from workflows.ir.reading.problems import Problem

# With Cloudflare's type alone, the payload would not be assignable to other types.
EVENT: Final = "Readonly<WorkflowEvent<any>> & { payload: any }"


def workflow_only_uses(uses: Iterable[NameUse], settings: ModuleSettings) -> Iterator[Problem]:
    """Yield a problem for each use of entry code and of `env.WORKFLOW`, which only workflows have."""
    if settings.entry_code.strip():
        message = "a script cannot have entry code, as nothing else could run its nodes: remove it"
        yield Problem(path=ENTRY_PATH, message=message)
    for use in uses:
        if use.name == settings.workflow_binding:
            message = f"a script has no workflow of its own: remove env.{use.name}"
            yield Problem(path=use.path, message=message, node_id=use.node_id)


def write_script(plan: Plan, body: Writer) -> Emitter:
    """Write the function that serves a request; return the emitter, which knows its helpers."""
    emitter = _ScriptEmitter(plan, body)
    emitter.add_helper(STEP)
    answer = "Promise<Record<string, unknown>>"
    body.line(
        f"async function runScript(this: {{ env: Env }}, event: {EVENT}, env: Env): {answer} {{"
    )
    with body.indented():
        emitter.run(_ScriptFrame(answer=emitter.answer))
    body.set_node("")
    body.line("}")
    return emitter


@dataclass(frozen=True, slots=True, kw_only=True)
class _ScriptFrame(Frame):
    """A script returns its response at the end or at a `break`."""

    answer: Callable[[], str]

    def on_end(self) -> list[str]:
        return [f"return {self.answer()};"]

    def on_break(self) -> list[str]:
        return self.on_end()


class _ScriptEmitter(Emitter):
    """Tracks which outputs are assigned: a response can only contain those."""

    def __init__(self, plan: Plan, writer: Writer) -> None:
        super().__init__(plan, writer)
        self._exports = exports(plan.ir.nodes.values())
        self._assigned: set[str] = set()

    def assign(self, node: Node) -> list[Piece]:
        self._assigned.add(node.id)
        return super().assign(node)

    def answer(self) -> str:
        """Return the object of exported outputs."""
        return f"{{ {', '.join(self._members())} }}" if self._exports else "{}"

    def _members(self) -> Iterator[str]:
        for id_, name in self._exports.items():
            if id_ in self._assigned:
                yield member(name, self._plan.variables[id_])


STEP: Final = """\
/** Runs each step immediately and once; as in a workflow, its result is a copy. */
const step = {
  async do(name: string, config: any, callback: (ctx: any) => Promise<any>): Promise<any> {
    return structuredClone(await callback({ step: { name, count: 1 }, attempt: 1, config }));
  },
  async sleep(_name: string, milliseconds: number): Promise<void> {
    await (globalThis as any).scheduler.wait(milliseconds);
  },
} as unknown as WorkflowStep;
"""
