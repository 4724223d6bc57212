"""Deploys of a project with many files, compared with `npx wrangler deploy` of the same folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx

from bench.deploy import npx_deploy, print_stages
from bench.figures import ratio, table
from bench.timed_deploy import TimedDeploy, timed_deploy
from tests.support.installation import Installation
from toolchain.node_tools import MODULES

FILES: Final = 200
METHOD: Final = f"""\
Method: a TypeScript project of {FILES} files that import each other, on the embedded platform. "ours" is
the time from sending POST /api/workflows/<id>/deploy-stream to receiving COMPLETED: the type check, the
bundle in a folder of its own, and the upload. "npx" is the wall time of `npx wrangler deploy` in a folder
with the same files and other names, without a type check and without a compile cache. Each round does one
of each; the first round is a warm-up and is not counted. Processes are newly started in every round."""
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


def measure(installation: Installation, *, rounds: int, folder: Path) -> None:
    """Time deploys of the project, and print the figures."""
    print(METHOD)
    with installation.client() as client:
        pairs = list(_rounds(installation, client, rounds=rounds, folder=folder))[1:]
    ours, bare = [deploy.seconds for deploy, _ in pairs], [npx for _, npx in pairs]
    title = f"Deploy of a project of {FILES} files, seconds"
    table(title, {"request to COMPLETED": ours, "npx wrangler deploy": bare})
    ratio("ours / npx", ours, bare, limit=1.2)
    print_stages(installation, "Project", [deploy for deploy, _ in pairs])


def _rounds(
    installation: Installation, client: httpx.Client, *, rounds: int, folder: Path
) -> Iterator[tuple[TimedDeploy, float]]:
    """Yield `rounds` and a warm-up round before them."""
    own, bare = write_project(folder / "project", "bench-own"), folder / "bare-project"
    workflow = installation.manage("import_project", str(own)).stdout.strip()
    for _ in range(rounds + 1):
        ours = timed_deploy(client, workflow)
        shutil.rmtree(bare, ignore_errors=True)
        write_project(bare, "bench-bare")
        (bare / "node_modules").symlink_to(MODULES)
        yield ours, npx_deploy(installation, bare)


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
