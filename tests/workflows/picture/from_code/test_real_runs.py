"""Programs run in workerd, and each step of their runs lights up the node that stands for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.workflows.picture.from_code.sketches import of_files
from tests.workflows.programs.harness.workers import Run, run_all
from workflows.compilation.typescript import compile_modules
from workflows.picture.from_code.model import CodePicture
from workflows.picture.from_code.run_states import CodeRun, run_of_class

HELPERS = """
    import type { WorkflowStep } from "cloudflare:workers";
    export const NAMES = { pack: "pack it" } as const;
    export async function notify(step: WorkflowStep, address: string) {
      await step.do(`mail ${address}`, async () => address);
      if (address.startsWith("x")) return;
      await step.sleep("breathe", 5);
    }
    export class Shelf {
      constructor(private readonly step: WorkflowStep) {}
      async put(item: string) { return await this.step.do(`put ${item}`, async () => item); }
    }
    export default {};
"""
PROGRAMS: dict[str, tuple[str, Any]] = {
    "Sequence": ("""
        const n = await step.do("first", async () => 1);
        await step.sleep("pause", 5);
        await step.sleepUntil("until", new Date(Date.now() + 2000));
        return await step.do("second", { retries: { limit: 1, delay: 5 } }, async () => n + 1);
    """, {}),
    "Branches": ("""
        const kind = await step.do("kind", async () => event.payload.kind);
        if (kind === "card") await step.do("charge", async () => {});
        else if (kind === "cash") await step.do("count", async () => {});
        else return await step.do("refuse", async () => {});
        switch (kind) {
          case "card": await step.do("receipt", async () => {});
          case "cash": await step.do("book", async () => {}); break;
          default: await step.do("never", async () => {});
        }
    """, {"kind": "card"}),
    "Loops": ("""
        for (const item of event.payload.items) {
          await step.do(`item ${item}`, async () => item);
          await step.do("count", async () => 1);
        }
        let attempt = 0;
        while (true) {
          const ok = await step.do(`try ${attempt}`, async () => attempt >= 2);
          if (ok) break;
          attempt++;
          await step.sleep("again", 5);
        }
        do { attempt = await step.do("down", async () => attempt - 1); } while (attempt > 0);
    """, {"items": ["a", "b", "c"]}),
    "Parallel": ("""
        const [a, b] = await Promise.all([
          step.do("a", async () => 1),
          (async () => { await step.sleep("b1", 5); return await step.do("b2", async () => 2); })(),
        ]);
        await Promise.all(event.payload.ids.map((id: number) => step.do(`id ${id}`, async () => id)));
        const late = step.do("late", async () => 3);
        await step.do("meanwhile", async () => 4);
        await late;
        const all: Promise<number>[] = [];
        for (const id of event.payload.ids) all.push(step.do(`pushed ${id}`, async () => id));
        return await Promise.allSettled(all);
    """, {"ids": [1, 2, 3]}),
    "Races": ("""
        await Promise.race([
          step.do("fast", async () => 1),
          step.sleep("slow", 60_000),
        ]);
        await Promise.any([
          step.do("fails", { retries: { limit: 0, delay: 1 } }, async () => { throw new Error("no"); }),
          step.do("works", async () => 2),
        ]);
    """, {}),
    "Errors": ("""
        try {
          await step.do("good", async () => 1);
          await step.do("bad", { retries: { limit: 1, delay: 5 } }, async () => { throw new Error("no"); });
          await step.do("unreached", async () => 2);
        } catch (error) {
          await step.do("handle", async () => 3);
        } finally {
          await step.do("clean up", async () => 4);
        }
        await step.do("optional", { retries: { limit: 0, delay: 1 } }, async () => { throw new Error("x"); })
          .catch(() => step.do("fallback", async () => 5));
    """, {}),
    "Helpers": ("""
        await notify(step, "y@example.com");
        await notify(step, "x@example.com");
        await step.do(NAMES.pack, async () => {});
        const shelf = new Shelf(step);
        await shelf.put("book");
        for (const item of ["cup", "pen"]) await shelf.put(item);
        await this.last(step, { to: step });
    """, {}),
    "Repeated": ("""
        await step.do("save", async () => 1);
        if (event.payload.twice) await step.do("save", async () => 2);
        await step.do("between", async () => 3);
        await step.do("save", async () => 4);
        await step.sleep("save", 5);
    """, {"twice": True}),
    "Events": ("""
        const call = await step.waitForEvent("answer", { type: "call", timeout: "1 hour" });
        if (!call.payload) return;
        try {
          await step.waitForEvent("reminder", { type: "never", timeout: 20 });
        } catch {
          await step.do("no reminder", async () => {});
        }
    """, {}),
    "Recursion": ("""
        const visit = async (node: any): Promise<number> => {
          const own = await step.do(`visit ${node.id}`, async () => node.id as number);
          let sum = own;
          for (const child of node.children ?? []) sum += await visit(child);
          await step.do(`leave ${node.id}`, async () => sum);
          return sum;
        };
        return await visit(event.payload);
    """, {"id": 1, "children": [{"id": 2, "children": [{"id": 3}]}, {"id": 4}]}),
    "Saga": ("""
        const undo: (() => Promise<unknown>)[] = [];
        try {
          await step.do("flight", async () => {});
          undo.push(() => step.do("cancel flight", async () => {}));
          await step.do("hotel", async () => {});
          undo.push(() => step.do("cancel hotel", async () => {}));
          await step.do("pay", { retries: { limit: 0, delay: 1 } }, async () => { throw new Error("no"); });
        } catch {
          for (const cancel of undo.reverse()) await cancel();
        }
    """, {}),
    "Table": ("""
        const handlers: Record<string, (s: WorkflowStep) => Promise<void>> = {
          order: async (s) => { await s.do("order", async () => {}); },
          refund: async (s) => { await s.do("refund 1", async () => {}); await s.do("refund 2", async () => {}); },
        };
        for (const kind of event.payload.kinds) await handlers[kind](step);
        const { do: run } = step;
        await run("unpacked", async () => {});
    """, {"kinds": ["refund", "order"]}),
    "Rollback": ("""
        await step.do("reserve", async () => "seat", { rollback: async () => {} });
        await step.do("charge", async () => "paid", { rollback: async () => {}, rollbackConfig: { timeout: "1 minute" } });
        await step.do("ship", { retries: { limit: 0, delay: 1 } }, async () => { throw new Error("lost"); });
    """, {}),
    "Steps_in_steps": ("""
        await step.do("outer", async () => {
          await step.do("inner", async () => 1);
        });
        await Promise.all(Array.from({ length: 2 }, async (_, worker) => {
          for (const job of event.payload.jobs) await step.do(`job ${job} of ${worker}`, async () => job);
        }));
    """, {"jobs": ["x", "y"]}),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RealRun:
    """A run as the platform reports it, with its picture and the states of its nodes."""

    picture: CodePicture
    instance: Mapping[str, Any]
    run: CodeRun

    @property
    def states(self) -> dict[str, str]:
        assert self.picture.ir
        return {
            self.picture.ir.nodes[id_].name: state.summary for id_, state in self.run.states.items()
        }


def source_of(name: str, body: str) -> str:
    return f"""
import {{ WorkflowEntrypoint, WorkflowEvent, WorkflowStep }} from "cloudflare:workers";
import {{ NAMES, Shelf, notify }} from "./shared.js";
export class {name} extends WorkflowEntrypoint<unknown, any> {{
  async run(event: WorkflowEvent<any>, step: WorkflowStep) {{{dedent(body)}}}
  private async last(s: WorkflowStep, tools: {{ to: WorkflowStep }}) {{
    await s.do("last but one", async () => {{}});
    await tools.to.do("last", async () => {{}});
  }}
}}
export default {{}};
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RealRun]:
    sources = {f"{name}.ts": source_of(name, body) for name, (body, _) in PROGRAMS.items()}
    sources["shared.ts"] = dedent(HELPERS)
    compiled = compile_modules(sources, tmp_path_factory.mktemp("programs"), checks_types=False)
    modules = {Path(name).stem: code for name, code in compiled.items()}
    event = {"type": "call", "payload": {"answer": 42}}
    requests = [
        Run(workflow=name, params=params, event=event if name == "Events" else None)
        for name, (_, params) in PROGRAMS.items()
    ]
    found = {}
    for name, instance in zip(PROGRAMS, run_all(modules, requests), strict=True):
        picture = of_files(sources, main=f"{name}.ts", name=name)
        states = run_of_class(picture, instance["steps"], instance["status"])
        found[name] = RealRun(picture=picture, instance=instance, run=states)
    return found


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_step_of_a_run_has_a_node(runs: dict[str, RealRun], name: str) -> None:
    real = runs[name]

    assert real.instance["steps"], real.instance
    assert real.run.unmatched == ()
    assert real.instance["status"] == ("errored" if name == "Rollback" else "complete")


def test_loops_count_their_iterations(runs: dict[str, RealRun]) -> None:
    nodes = runs["Loops"].run.states

    times = {id_.removeprefix("Loops.ts:"): node.iterations for id_, node in nodes.items()}
    assert times == {
        "6": 3, "7": 3, "8": 3, "11": 3, "12": 3, "13": 0, "13#2": 0, "15": 2, "17": 2, "17#2": 2,
    }  # fmt: skip


def test_arms_that_did_not_run_are_skipped(runs: dict[str, RealRun]) -> None:
    assert {name: state.split(" ")[0] for name, state in runs["Branches"].states.items()} == {
        "kind": "Done",
        "if … else if … else": "Done",
        "charge": "Done",
        "count": "Skipped",
        "refuse": "Skipped",
        "Return": "Skipped",
        "receipt": "Done",
        "book": "Done",
        "never": "Skipped",
    }


def test_failed_steps_lead_to_their_handlers(runs: dict[str, RealRun]) -> None:
    states = runs["Errors"].states

    assert states["bad"].startswith("Failed")
    assert states["bad"].endswith("2 attempts")
    assert states["unreached"] == "Skipped"
    assert states["handle"].startswith("Done")
    assert states["fallback"].startswith("Done")


def test_steps_with_the_same_name_belong_to_the_nodes_in_their_order(
    runs: dict[str, RealRun],
) -> None:
    assert [(call.raw["name"], call.node_id) for call in runs["Repeated"].run.calls] == [
        ("save-1", "Repeated.ts:6"),
        ("save-2", "Repeated.ts:7#2"),
        ("between-1", "Repeated.ts:8"),
        ("save-3", "Repeated.ts:9"),
        ("save-1", "Repeated.ts:10"),
    ]


def test_a_function_that_is_called_twice_has_nodes_for_each_call(runs: dict[str, RealRun]) -> None:
    ids = [call.node_id for call in runs["Helpers"].run.calls]

    assert ids == [
        "shared.ts:5",
        "shared.ts:7",
        "shared.ts:5#2",
        "Helpers.ts:8",
        "shared.ts:11",
        "shared.ts:11#2",
        "shared.ts:11#2",
        "Helpers.ts:15",
        "Helpers.ts:16",
    ]


def test_a_function_that_calls_itself_counts_its_calls(runs: dict[str, RealRun]) -> None:
    states = runs["Recursion"].run.states

    assert [states[f"Recursion.ts:{line}"].iterations for line in (13, 7, 10)] == [4, 4, 4]


def test_steps_that_nobody_waits_for_any_more_are_stopped(runs: dict[str, RealRun]) -> None:
    states = runs["Races"].states

    assert states["fast"].startswith("Done")
    assert states["slow"] == "Stopped"
