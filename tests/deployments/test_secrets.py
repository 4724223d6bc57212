"""A secret is found in the running Worker's env, and nowhere else."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.deployments.fakes import document
from tests.deployments.test_main_job import ended_run
from tests.installation import Installation

SENTINEL = "sentinel-7f3a91c2e8d64b05"
CODE = """import { createHash } from "node:crypto";
return createHash("sha256").update(env.TOKEN).digest("hex");"""
FORMS = [SENTINEL.encode(), base64.b64encode(SENTINEL.encode())]


@contextmanager
def process_lists() -> Iterator[list[str]]:
    """Collect the arguments of every process while the body runs."""
    seen: set[str] = set()
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            for process in psutil.process_iter(["cmdline"]):
                seen.update(process.info["cmdline"] or [])

    watcher = threading.Thread(target=look)
    watcher.start()
    found: list[str] = []
    try:
        yield found
    finally:
        done.set()
        watcher.join()
        found.extend(seen)


@pytest.fixture(scope="module")
def arguments(installation: Installation) -> list[str]:
    return []


@pytest.fixture(scope="module")
def workflow(installation: Installation, arguments: list[str]) -> str:
    workflow = installation.import_document(document(CODE))
    command = ["set_variable", "TOKEN", "-", "--workflow", workflow, "--secret"]
    installation.manage(*command, stdin=SENTINEL)
    with process_lists() as seen:
        installation.manage("deploy_workflow", workflow)
    arguments.extend(seen)
    return workflow


def test_the_worker_has_it(installation: Installation, workflow: str) -> None:
    installation.manage("trigger_workflow", workflow)

    run = ended_run(installation, workflow, "latest")

    assert hashlib.sha256(SENTINEL.encode()).hexdigest() in run["steps"][0]["output"]


def test_no_process_had_it_among_its_arguments(workflow: str, arguments: list[str]) -> None:
    assert any("wrangler" in argument for argument in arguments)
    assert not any(SENTINEL in argument for argument in arguments)


def test_no_file_of_the_installation_holds_it(installation: Installation, workflow: str) -> None:
    platforms_own = installation.data_dir / "local_cloudflare"
    files = [path for path in installation.data_dir.rglob("*") if path.is_file()]
    ours = [path for path in files if not path.is_relative_to(platforms_own)]

    holding = [path for path in [*ours, installation.log] if holds(path)]

    assert len(ours) > 2
    assert holding == []
    assert platforms_own.stat().st_mode & 0o777 == 0o700


def holds(path: Path) -> bool:
    data = path.read_bytes()
    return any(form in data for form in FORMS)


def test_no_page_stream_or_export_shows_it(installation: Installation, workflow: str) -> None:
    pk = installation.json("list_deployments", "--workflow", workflow, "--json")[0]["id"]
    paths = ["/", f"/deployments/{pk}/", f"/deployments/{pk}/events/"]
    paths += [f"/deployments/{pk}/{tab}/" for tab in ("output", "code", "wrangler-json")]
    paths += [f"/deployments/{pk}/{tab}/" for tab in ("variables", "snapshot")]
    paths += ["/admin/deployments/deployment/", "/admin/workflows/environmentvariable/"]

    with installation.client() as client:
        answers = {path: client.get(path) for path in paths}

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(
        paths, 200
    )
    for answer in answers.values():
        assert not any(form in answer.content for form in FORMS)
