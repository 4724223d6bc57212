"""Many runs at the same time, with two kills, compared with `wrangler dev`; runs that wait; and many Workers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from bench.deploy import uploaded_files
from bench.storms.account import Account
from bench.storms.usage import Usage
from bench.storms.wrangler_dev import wrangler_dev
from bench.timed_deploy import import_sample, query, timed_deploy
from tests.support.installation import Installation

METHOD = """
Method: runs of the sample, started in batches of 100 as fast as the platform accepts them. After a third of
them, its workerd gets SIGKILL; after two thirds, so does the platform, which is started again. "wrangler
dev" runs the same files, gets one request for each run, is not killed, and has as long as the platform
took. Memory is the resident memory of the platform and its Workers, files are those of the process with
the most, both read twice a second.

Runs that wait for an event were started like the others; their memory and files are read when all wait.
Workers are uploaded through the API, one after the other, each with a Workflow of its own."""

WAITING = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {
  run(event, step) {
    return step.waitForEvent("ear", { type: "call", timeout: "1 hour" });
  }
}
export default { fetch: () => new Response("hello") };
"""
_POLL_SECONDS = 1.0
_STUCK_SECONDS = 600.0
_IDLE_SECONDS = 180.0


def measure(folder: Path, *, runs: int) -> None:
    """Measure with this many runs, two fifths as many that wait, and a fiftieth as many Workers."""
    print(METHOD)
    with _installation(folder) as installation:
        name, files = _deployed_sample(installation, folder)
        account = Account(installation)
        seconds = _storm(account, name, runs)
        _compare(files, folder / "dev", runs=runs, seconds=seconds)
        _wait(account, runs * 2 // 5)
        _many_workers(account, max(runs // 50, 1))


@contextmanager
def _installation(folder: Path) -> Iterator[Installation]:
    folder.mkdir()
    installation = Installation(folder / "installation")
    try:
        installation.migrate()
        installation.start_platform()
        installation.start_server()
        installation.create_user("deployer")
        yield installation
    finally:
        installation.stop()


def _deployed_sample(installation: Installation, folder: Path) -> tuple[str, Path]:
    """Return the name of the sample's Workflow, and the files of a Worker with the same code."""
    with installation.client() as client:
        deployment = timed_deploy(client, import_sample(installation)).deployment
    sql = "SELECT worker_name FROM deployments_deployment WHERE id = ?"
    ((name,),) = query(installation, sql, deployment)
    files = uploaded_files(installation, deployment, folder=folder / "files", name="storm")
    return str(name), files


def _storm(account: Account, workflow: str, runs: int) -> float:
    started = time.monotonic()
    kills = [lambda: account.kill_worker(workflow), account.kill_platform]
    complete, progress = 0, started
    with account.watched.watching() as watched:
        starting = Thread(target=account.start_runs, args=(workflow, runs, {}))
        starting.start()
        while complete < runs and time.monotonic() - progress < _STUCK_SECONDS:
            time.sleep(_POLL_SECONDS)
            if complete != (complete := account.counts(workflow)["complete"]):
                progress = time.monotonic()
            if kills and complete >= runs * (3 - len(kills)) // 3:
                kills.pop(0)()
        starting.join()
    seconds = time.monotonic() - started
    print(f"\n  embedded platform: {complete:,} of {runs:,} runs in {seconds:.0f} s, with 2 kills")
    print(f"  at most {watched.peak}")
    return seconds


def _compare(files: Path, home: Path, *, runs: int, seconds: float) -> None:
    with wrangler_dev(files, home=home) as dev, dev.watched.watching() as watched:
        started, done = dev.finished_runs(runs, seconds=seconds)
    print(
        f"\n  wrangler dev: {done:,} of {started:,} started runs in {seconds:.0f} s, without a kill"
    )
    print(f"  at most {watched.peak}")


def _wait(account: Account, runs: int) -> None:
    account.upload("waiting", WAITING)
    before = account.watched.read()
    with account.watched.watching() as watched:
        account.start_runs("waiting", runs, {})
        while account.counts("waiting")["waiting"] < runs:
            time.sleep(_POLL_SECONDS)
    now = _settled(account, before)
    print(f"\n  {runs:,} runs that wait: {now}\n  at most {watched.peak}")


def _settled(account: Account, before: Usage) -> Usage:
    """Return what is in use when the runs have left memory, or after a minute."""
    deadline = time.monotonic() + 60
    while (now := account.watched.read()).files > 2 * before.files and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return now


def _many_workers(account: Account, workers: int) -> None:
    started = time.monotonic()
    with account.watched.watching() as watched:
        for number in range(workers):
            account.upload(f"worker-{number}", WAITING)
        seconds = time.monotonic() - started
        few = account.watched.seconds_until(16, limit=_IDLE_SECONDS)
        idle = account.watched.seconds_until(0, limit=_IDLE_SECONDS)
    print(f"\n  {workers} Workers uploaded in {seconds:.0f} s, at most {watched.peak}")
    print(f"  at most 16 processes after {few:.0f} s, none after {few + idle:.0f} s")
