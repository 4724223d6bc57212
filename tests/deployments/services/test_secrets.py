"""A secret exists in the running Worker's env and nowhere else."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.deployments.fakes import document
from tests.deployments.services.test_main_job import ended_run
from tests.support import warm_wrangler
from tests.support.files import contents
from tests.support.installation import Installation
from toolchain import process

SENTINEL = "sentinel-7f3a91c2e8d64b05"
CODE = """import { createHash } from "node:crypto";
return createHash("sha256").update(env.TOKEN).digest("hex");"""
FORMS = [SENTINEL.encode(), base64.b64encode(SENTINEL.encode())]


OF_THE_SERVER = {
    "DJANGO_SECRET_KEY": "of-the-server",
    "DATABASE_URL": "of-the-server",
    "AWS_SECRET_ACCESS_KEY": "of-the-server",
}
OF_WRANGLER = {
    *("PATH", "HOME", "LANG", "CI", "NO_COLOR", "NODE_COMPILE_CACHE"),
    *("CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_BASE_URL"),
    *("WRANGLER_OUTPUT_FILE_PATH", "WRANGLER_HIDE_BANNER", "WRANGLER_WRITE_LOGS"),
    *("WRANGLER_SEND_METRICS", "WRANGLER_SEND_ERROR_REPORTS"),
    *process.NETWORK_VARIABLES,
}


@dataclass
class Seen:
    """The arguments of every process, and the environments of the programs of deployments."""

    arguments: set[str] = field(default_factory=set)
    environments: dict[int, dict[str, str]] = field(default_factory=dict)

    def look(self, deploys: Path) -> None:
        for item in psutil.process_iter():
            with suppress(psutil.Error):
                arguments = item.cmdline()
                self.arguments.update(arguments)
                is_wrangler = any("/wrangler/" in argument for argument in arguments)
                if is_wrangler and Path(item.cwd()).is_relative_to(deploys):
                    self.environments[item.pid] = item.environ()


@contextmanager
def watched(deploys: Path) -> Iterator[Seen]:
    """Record all processes repeatedly while the body runs."""
    seen, done = Seen(), threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            seen.look(deploys)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


@pytest.fixture(scope="module")
def deployed(installation: Installation) -> tuple[str, Seen]:
    """A workflow deployed by a process with more secrets in its environment."""
    workflow = installation.import_document(document(CODE))
    command = ["set_variable", "TOKEN", "-", "--workflow", workflow, "--secret"]
    installation.manage(*command, stdin=SENTINEL)
    with pytest.MonkeyPatch.context() as patch:
        # Without the variable, wrangler runs in a new process, whose environment is recorded.
        patch.delenv(warm_wrangler.VARIABLE)
        for name, value in OF_THE_SERVER.items():
            patch.setenv(name, value)
        with watched(installation.data_dir / "deploys") as seen:
            installation.manage("deploy_workflow", workflow)
    return workflow, seen


@pytest.fixture(scope="module")
def workflow(deployed: tuple[str, Seen]) -> str:
    return deployed[0]


@pytest.fixture(scope="module")
def seen(deployed: tuple[str, Seen]) -> Seen:
    return deployed[1]


def test_the_worker_has_the_secret(installation: Installation, workflow: str) -> None:
    installation.manage("trigger_workflow", workflow)

    run = ended_run(installation, workflow, "latest")

    assert hashlib.sha256(SENTINEL.encode()).hexdigest() in run["output"]
    assert run["steps"][0]["output"] == '"[REDACTED]"'


def test_no_process_had_the_secret_in_its_arguments(installation: Installation, seen: Seen) -> None:
    token = (installation.data_dir / "local_cloudflare" / "token").read_text().strip()

    assert any("/wrangler/" in argument for argument in seen.arguments)
    for secret in (SENTINEL, token):
        assert not any(secret in argument for argument in seen.arguments)


def test_wrangler_got_a_minimal_environment_without_the_servers_variables(seen: Seen) -> None:
    assert seen.environments
    for environment in seen.environments.values():
        assert set(environment) <= OF_WRANGLER
        assert not {SENTINEL, *OF_THE_SERVER.values()} & set(environment.values())


def test_a_copy_of_the_database_contains_no_key(installation: Installation, workflow: str) -> None:
    keys = [path.read_text().strip() for path in (installation.data_dir / "keys").iterdir()]
    copy = b"".join(contents(installation.data_dir, "db.sqlite3*").values())

    assert b"TOKEN" in copy
    assert len(keys) >= 2
    assert not any(key.encode() in copy for key in keys)


def test_no_file_of_the_installation_contains_the_secret(
    installation: Installation, workflow: str
) -> None:
    platforms_own = installation.data_dir / "local_cloudflare"

    files = contents(installation.data_dir, "**/*")
    ours = [data for path, data in files.items() if not path.is_relative_to(platforms_own)]
    output = [*ours, installation.log.read_bytes()]

    assert len(ours) > 2
    assert not any(form in data for data in output for form in FORMS)
    assert platforms_own.stat().st_mode & 0o777 == 0o700


def test_no_page_stream_or_export_shows_the_secret(
    installation: Installation, workflow: str
) -> None:
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
