"""Deploys of a project with many files, compared with `npx wrangler deploy` of the same folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx

from bench import spares
from bench.deploy import npx_deploy, print_stages
from bench.spares import Pair, Round
from toolchain.node_tools import MODULES

FILES: Final = 200
METHOD: Final = f"""\
Method: a TypeScript project of {FILES} files that import each other, on the embedded platform.
A deploy is timed from sending POST /api/workflows/<id>/deploy-stream to receiving COMPLETED: the type check,
the bundle in a folder of its own, and the upload. "npx" is the wall time of `npx wrangler deploy` in a folder
with the same files and other names, without a type check and without a compile cache. Each round does one
of each; the first round is a warm-up and is not counted. Every program but the spare is newly started in
every round."""
LIMIT: Final = 1.2
_CONFIG: Final = """\
name = "{name}"
main = "src/index.ts"
compatibility_date = "2026-11-01"

[[workflows]]
name = "{name}"
binding = "FLOW"
class_name = "Flow"
"""
_MAIN: Final = """\
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import { total } from "./parts/part1";

interface Env {
  FLOW: Workflow;
}

export class Flow extends WorkflowEntrypoint<Env> {
  async run(event: Readonly<WorkflowEvent<{ start: number }>>, step: WorkflowStep) {
    return step.do("add", async () => total({ value: event.payload.start, seen: [] }).value);
  }
}

export default {
  async fetch(_request, env): Promise<Response> {
    return Response.json({ id: (await env.FLOW.create()).id });
  },
} satisfies ExportedHandler<Env>;
"""
_PART: Final = """\
{imports}
export interface State{number} {{
  value: number;
  seen: string[];
}}

/** Part {number} of the sum. */
export function total(state: State{number}): State{number} {{
  const seen = [...state.seen, "part {number}"].filter((name) => name.length > 0);
  if (seen.length > 1000) throw new Error("too many parts");
  return {call}({{ value: state.value + {number}, seen }});
}}
"""


def measure(pair: Pair, *, rounds: int, folder: Path) -> None:
    """Time deploys of the project, and print the figures."""
    print(f"{METHOD}\n{spares.METHOD}")
    with pair.clients() as clients:
        done = list(_rounds(pair, clients, rounds=rounds, folder=folder))[1:]
    spares.print_rounds(f"Deploy of a project of {FILES} files", done, limit=LIMIT)
    print_stages(pair.with_spare, "Project", [each.with_spare for each in done])


def _rounds(
    pair: Pair, clients: tuple[httpx.Client, httpx.Client], *, rounds: int, folder: Path
) -> Iterator[Round]:
    """Yield `rounds` and a warm-up round before them."""
    own, bare = write_project(folder / "project", "bench-own"), folder / "bare-project"
    first, second = (
        each.manage("import_project", str(own)).stdout.strip()
        for each in (pair.with_spare, pair.without)
    )
    for _ in range(rounds + 1):
        with_spare, without = spares.timed_deploys(pair, clients, (first, second))
        shutil.rmtree(bare, ignore_errors=True)
        write_project(bare, "bench-bare")
        (bare / "node_modules").symlink_to(MODULES)
        yield Round(with_spare=with_spare, without=without, npx=npx_deploy(pair.without, bare))


def write_project(folder: Path, name: str) -> Path:
    """Write a project with FILES files."""
    (folder / "src" / "parts").mkdir(parents=True)
    (folder / "wrangler.toml").write_text(_CONFIG.format(name=name))
    (folder / "src" / "index.ts").write_text(_MAIN)
    last = FILES - 2
    for number in range(1, last + 1):
        following = f'import {{ total as next }} from "./part{number + 1}";\n'
        is_last = number == last
        text = _PART.format(
            number=number,
            imports="" if is_last else following,
            call="structuredClone" if is_last else "next",
        )
        (folder / "src" / "parts" / f"part{number}.ts").write_text(text)
    return folder
