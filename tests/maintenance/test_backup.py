"""Backups of an installation that runs and deploys, restored into another data directory."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.utils.html import strip_tags

from tests.deployments.fakes import document
from tests.local_cloudflare.support.control import Control, Fault, controlled
from tests.support import warm_wrangler
from tests.support.installation import PASSWORD, Installation
from tests.support.patience import PATIENCE
from tests.support.plain_http import request
from tests.support.platform_fixture import start_platform
from tests.targets.cloudflare.accounts import wait_until

SECRET = "of-a-secret-variable"
PLAIN = "of-a-plain-variable"


@dataclass(frozen=True, slots=True)
class BackedUp:
    """An installation, the workflow that it deployed, its backup, and its cookies of a session."""

    installation: Installation
    workflow: str
    file: Path
    session: str


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackedUp]:
    """A backup that is made while the server deploys.

    One deployment has succeeded, another one of the same workflow uploads, and a third one waits.
    """
    folder = Path(tmp_path_factory.mktemp("backed-up"))
    variables = {warm_wrangler.VARIABLE: "", "AWAITSTEP_DEPLOY_TIMEOUT": str(PATIENCE)}
    whole = Installation(folder / "data", more_env=variables)
    whole.migrate()
    platform = start_platform(whole.data_dir, port=whole.local_cloudflare_port)
    try:
        whole.start_server()
        whole.create_user("deployer")
        workflow = whole.import_document(document())
        for name, value, *more in (("TOKEN", SECRET, "--secret"), ("PLAIN", PLAIN)):
            whole.manage("set_variable", name, "-", *more, stdin=value)
        whole.manage("deploy_workflow", workflow)
        held = controlled(platform.api_base_url, platform.token)
        with whole.client() as client, held as control:
            start_and_hold_deployment(whole, client, workflow, control)
            client.post(f"/workflows/{workflow}/deploy/")
            statuses = [row["status"] for row in history(whole)]
            assert statuses == ["queued", "running", "succeeded"]
            whole.manage("backup", str(folder / "backup.zip"))
            control.faults()
            session = client.cookies["awaitstep_session"]
        yield BackedUp(whole, workflow, folder / "backup.zip", session)
    finally:
        whole.stop()
        platform.running.stop()


def start_and_hold_deployment(
    whole: Installation, client: Any, workflow: str, control: Control
) -> None:
    """Press Deploy, and wait for the upload, which gets no reply until the faults change."""
    control.faults(Fault(method="PUT", path="/workers/scripts/", hang=True))
    client.post(f"/workflows/{workflow}/deploy/")

    def is_uploading() -> bool:
        newest = history(whole)[0]
        assert newest["status"] in ("queued", "running"), newest
        return bool(sum(control.fired()))

    wait_until(is_uploading)


def history(installation: Installation) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = installation.json("list_deployments", "--json")
    return rows


def variables(installation: Installation) -> str:
    code = (
        "from workflows.models import EnvironmentVariable as V;"
        "print(*(v.value for v in V.objects.order_by('name')))"
    )
    return installation.manage("shell", "-v", "0", "-c", code, check=False).stdout.strip()


@pytest.fixture
def empty(tmp_path: Path, backed_up: BackedUp) -> Iterator[Installation]:
    """An empty data directory with the keys of the installation that was backed up."""
    other = Installation(tmp_path / "data")
    shutil.copytree(backed_up.installation.data_dir / "keys", other.data_dir / "keys")
    yield other
    other.stop()


def test_a_backup_that_is_made_during_a_deployment_restores_everything(
    backed_up: BackedUp, empty: Installation
) -> None:
    done = empty.manage("restore", str(backed_up.file))

    waited, ran, succeeded = history(empty)
    assert [row["status"] for row in (waited, ran, succeeded)] == [
        "cancelled",
        "interrupted",
        "succeeded",
    ]
    assert ran["stage"] == "DEPLOYING"
    assert "it was running when the restored backup was made" in ran["message"]
    assert "It was waiting when the restored backup was made" in waited["message"]
    assert variables(empty) == f"{PLAIN} {SECRET}"
    assert f"Interrupted, because it was running: #{ran['id']}" in done.stdout
    assert f"Cancelled, because it was waiting: #{waited['id']}" in done.stdout
    assert "All secrets can be decrypted" in done.stdout


def test_the_server_starts_after_a_restore_and_knows_users_but_no_sessions(
    backed_up: BackedUp, empty: Installation
) -> None:
    empty.manage("restore", str(backed_up.file))
    empty.start_server(AWAITSTEP_LOCAL_CLOUDFLARE="false")

    with empty.client() as client:
        page = client.get(f"/workflows/{backed_up.workflow}/deployments/")
        trail = client.get("/admin/audit/entry/")
    cookie = {"Cookie": f"awaitstep_session={backed_up.session}"}
    earlier = request("GET", f"http://127.0.0.1:{empty.port}/", headers=cookie)

    assert page.status_code == 200
    assert "Interrupted" in strip_tags(page.text)
    assert "backup restored" in trail.text
    assert earlier.status_code == 302


def test_without_the_key_the_secrets_are_unreadable_and_named(
    backed_up: BackedUp, tmp_path: Path
) -> None:
    other = Installation(tmp_path / "data")

    done = other.manage("restore", str(backed_up.file))

    assert "No key of this installation decrypts these secrets" in done.stdout
    assert "the value of the environment variable TOKEN" in done.stdout
    assert SECRET not in variables(other)
    assert len(history(other)) == 3
    other.stop()


def test_a_backup_has_no_secret_key_or_session(backed_up: BackedUp) -> None:
    keys = [
        file.read_text().strip() for file in (backed_up.installation.data_dir / "keys").iterdir()
    ]
    assert len(keys) == 2

    with ZipFile(backed_up.file) as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())

    assert b"TOKEN" in content
    for hidden in (*keys, SECRET, PLAIN, PASSWORD, backed_up.session):
        assert hidden.encode() not in content
    assert backed_up.file.stat().st_mode & 0o777 == 0o600


def test_a_database_is_replaced_only_on_request_and_kept(
    backed_up: BackedUp, empty: Installation
) -> None:
    empty.migrate()
    empty.manage("set_variable", "MINE", "1")

    refused = empty.manage("restore", str(backed_up.file), check=False)
    assert refused.returncode == 1
    assert "--replace" in refused.stderr
    assert history(empty) == []

    empty.manage("restore", str(backed_up.file), "--replace")

    (former,) = empty.data_dir.glob("db.sqlite3.before-restore-*")
    with closing(sqlite3.connect(former)) as database:
        names = database.execute("SELECT name FROM workflows_environmentvariable").fetchall()
    assert names == [("MINE",)]
    assert len(history(empty)) == 3


def test_a_damaged_database_is_replaced_and_kept_with_its_log(
    backed_up: BackedUp, empty: Installation
) -> None:
    database = empty.data_dir / "db.sqlite3"
    database.write_bytes(b"not a database" * 1000)
    database.with_name("db.sqlite3-wal").write_bytes(b"a log")

    empty.manage("restore", str(backed_up.file), "--replace")

    former, log = sorted(empty.data_dir.glob("db.sqlite3.before-restore-*"))
    assert former.read_bytes().startswith(b"not a database")
    assert (log.name, log.read_bytes()) == (f"{former.name}-wal", b"a log")
    assert len(history(empty)) == 3


def test_the_database_of_a_running_server_is_not_replaced(backed_up: BackedUp) -> None:
    running = backed_up.installation

    refused = running.manage("restore", str(backed_up.file), "--replace", check=False)

    assert refused.returncode == 1
    assert "AwaitStep is running with this database" in refused.stderr
    assert not list(running.data_dir.glob("*before-restore*"))


def test_a_backup_of_an_earlier_version_is_migrated(empty: Installation, tmp_path: Path) -> None:
    earlier = Installation(tmp_path / "earlier")
    earlier.migrate()
    earlier.import_document(document())
    for app, name in (("runs", "0010"), ("deployments", "0005"), ("audit", "0002")):
        earlier.manage("migrate", "-v", "0", app, name)
    earlier.manage("backup", str(tmp_path / "earlier.zip"))

    done = empty.manage("restore", str(tmp_path / "earlier.zip"))

    assert "Applied " in done.stdout
    assert empty.manage("migrate", "--check").returncode == 0
    assert empty.json("list_deployments", "--json") == []
    earlier.stop()


def test_a_backup_of_a_newer_version_is_refused_and_changes_nothing(
    empty: Installation, tmp_path: Path
) -> None:
    newer = Installation(tmp_path / "newer")
    newer.migrate()
    with closing(sqlite3.connect(newer.data_dir / "db.sqlite3")) as database, database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('runs', '9999_later', '2030-01-01')"
        )
    newer.manage("backup", str(tmp_path / "newer.zip"))

    refused = empty.manage("restore", str(tmp_path / "newer.zip"), check=False)

    assert refused.returncode == 1
    assert "runs.9999_later" in refused.stderr
    assert "Update AwaitStep" in refused.stderr
    assert not (empty.data_dir / "db.sqlite3").exists()
    newer.stop()


def test_a_backup_does_not_overwrite_a_file(backed_up: BackedUp, tmp_path: Path) -> None:
    existing = tmp_path / "mine"
    existing.write_text("mine")

    refused = backed_up.installation.manage("backup", str(existing), check=False)

    assert refused.returncode == 1
    assert existing.read_text() == "mine"
