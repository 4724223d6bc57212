"""Deploys from request to COMPLETED, compared with `npx wrangler deploy` of the same files."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from bench import spares
from bench.figures import table
from bench.spares import Pair, Round
from bench.timed_deploy import TimedDeploy, import_sample, query, stage_timestamps
from deployments.pipeline.stages import HAPPY_PATH
from tests.support.installation import Installation
from toolchain.embedded_platform import ACCOUNT_ID
from toolchain.node_tools import MODULES, NODE, NPM_CLI
from workflows.compilation.typescript import compile_module

METHOD = """\
Method: the sample with one secret, on the embedded platform. A deploy is timed from sending
POST /api/workflows/<id>/deploy-stream to receiving COMPLETED. "npx" is the wall time of
`npx wrangler deploy --secrets-file secrets.json` with the worker.js and wrangler.json of that
deploy under another Worker name, without a compile cache. Each round does one of each; the first
round is a warm-up and is not counted. Every program but the spare is newly started in every round."""
LIMIT = 0.45
LIMIT_WITHOUT = 1.0


def measure(pair: Pair, *, rounds: int, folder: Path) -> None:
    """Time first deploys and redeploys, and print the figures."""
    print(f"{METHOD}\n{spares.METHOD}")
    with pair.clients() as clients:
        for kind, fresh in (("First deploy", True), ("Redeploy", False)):
            done = list(_rounds(pair, clients, rounds=rounds, folder=folder, fresh=fresh))[1:]
            spares.print_rounds(kind, done, limit=LIMIT, limit_without=LIMIT_WITHOUT)
            _print_details(pair.with_spare, kind, [each.with_spare for each in done])
    spares.print_memory(pair.with_spare)


def _print_details(installation: Installation, kind: str, deploys: Sequence[TimedDeploy]) -> None:
    print_stages(installation, kind, deploys)
    lags = {"row written to event received": _lags(installation, deploys)}
    table(f"{kind}: events, seconds", lags)


def print_stages(installation: Installation, kind: str, deploys: Sequence[TimedDeploy]) -> None:
    """Print how long each stage took."""
    table(f"{kind}: stages, seconds", _stages(installation, deploys))


def _rounds(
    pair: Pair,
    clients: tuple[httpx.Client, httpx.Client],
    *,
    rounds: int,
    folder: Path,
    fresh: bool,
) -> Iterator[Round]:
    """Yield `rounds` and a warm-up round before them."""
    workflows = import_sample(pair.with_spare), import_sample(pair.without)
    for number in range(rounds + 1):
        if fresh and number:
            workflows = import_sample(pair.with_spare), import_sample(pair.without)
        with_spare, without = spares.timed_deploys(pair, clients, workflows)
        name = f"bare-{number}" if fresh else "bare"
        files = uploaded_files(pair.without, without.deployment, folder=folder / "bare", name=name)
        npx = npx_deploy(pair.without, files, "--secrets-file", "secrets.json")
        yield Round(with_spare=with_spare, without=without, npx=npx)


def npx_deploy(installation: Installation, files: Path, *options: str) -> float:
    """Return the wall time of `npx wrangler deploy` in the folder."""
    token = installation.data_dir / "local_cloudflare" / "token"
    env = {
        "PATH": f"{NODE.parent}:/usr/bin:/bin",
        "HOME": str(files),
        "CI": "1",
        "WRANGLER_SEND_METRICS": "false",
        "CLOUDFLARE_API_BASE_URL": f"http://127.0.0.1:{installation.local_cloudflare_port}/client/v4",
        "CLOUDFLARE_ACCOUNT_ID": ACCOUNT_ID,
        "CLOUDFLARE_API_TOKEN": token.read_text().strip(),
    }
    npx = [str(NODE), str(NPM_CLI.with_name("npx-cli.js"))]
    command = [*npx, "wrangler", "deploy", *options]
    started = time.perf_counter()
    subprocess.run(command, cwd=files, env=env, check=True, capture_output=True)  # noqa: S603
    return time.perf_counter() - started


def uploaded_files(installation: Installation, deployment: int, *, folder: Path, name: str) -> Path:
    """Write the files that the deployment uploaded, with another Worker name."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "node_modules").symlink_to(MODULES)
    sql = "SELECT wrangler_json, source FROM deployments_deployment WHERE id = ?"
    ((wrangler_json, source),) = query(installation, sql, deployment)
    config: dict[str, Any] = json.loads(wrangler_json)
    config["name"] = config["workflows"][0]["name"] = name
    script = compile_module(source, folder)
    (folder / "worker.js").write_text(script)
    (folder / "wrangler.json").write_text(json.dumps(config))
    (folder / "secrets.json").write_text('{"TOKEN": "bench"}')
    return folder


def _stages(installation: Installation, deploys: Sequence[TimedDeploy]) -> dict[str, list[float]]:
    """Return the durations of each stage, from the rows."""
    durations: dict[str, list[float]] = {stage.value: [] for stage in HAPPY_PATH[:-1]}
    for deploy in deploys:
        for (stage, start), (_, end) in pairwise(
            stage_timestamps(installation, deploy.deployment).items()
        ):
            durations[stage].append(end - start)
    return durations


def _lags(installation: Installation, deploys: Sequence[TimedDeploy]) -> list[float]:
    return [
        deploy.received[stage] - written
        for deploy in deploys
        for stage, written in stage_timestamps(installation, deploy.deployment).items()
    ]
