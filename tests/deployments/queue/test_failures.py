"""Real failures, as shown on the page, in the history and in the event stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloudflare import Cloudflare

from tests.deployments.fakes import document
from tests.support import warm_wrangler
from tests.support.installation import Installation


def add_target(installation: Installation, name: str, token: str) -> None:
    """Add a target at the embedded platform's address that is not the embedded target."""
    values = {
        "name": name,
        "account_id": account_id(installation),
        "api_token": token,
        "api_base_url": f"http://127.0.0.1:{installation.local_cloudflare_port}/client/v4",
    }
    code = f"from targets.models import Target; Target.objects.create(**{values!r})"
    installation.manage("shell", "-v", "0", "-c", code)


def account_id(installation: Installation) -> str:
    code = "from toolchain.embedded_platform import ACCOUNT_ID; print(ACCOUNT_ID)"
    return installation.manage("shell", "-v", "0", "-c", code).stdout.strip()


def platform_token(installation: Installation) -> str:
    return (installation.data_dir / "local_cloudflare" / "token").read_text().strip()


def failed(installation: Installation, workflow: str, *target: str) -> dict[str, Any]:
    """Deploy, expect a failure, and return its history entry."""
    done = installation.manage("deploy_workflow", workflow, *target, check=False)
    assert done.returncode == 1, done.stdout
    rows = installation.json("list_deployments", "--workflow", workflow, "--json")
    row: dict[str, Any] = rows[0]
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["stage"], last["message"]) == ("FAILED", row["message"])
    assert not list((installation.data_dir / "deploys").glob(f"{row['id']}-*"))
    return row


def is_told(client: httpx.Client, row: dict[str, Any], *words: str) -> None:
    """Check that the page, the admin's history and the stream all contain the text."""
    page = client.get(f"/deployments/{row['id']}/").text
    history = client.get("/admin/deployments/deployment/", params={"q": row["workflow"]})
    stream = client.get(f"/deployments/{row['id']}/events/").text
    assert history.status_code == 200
    assert f"/deployments/{row['id']}/" in history.text
    for word in words:
        assert word in page
        assert word in stream
        assert word in row["message"]


@pytest.fixture(scope="module")
def client(installation: Installation) -> Iterator[httpx.Client]:
    with installation.client() as client:
        yield client


def test_a_wrong_token(installation: Installation, client: httpx.Client) -> None:
    add_target(installation, "wrong-token", "not-the-token")
    workflow = installation.import_document(document())

    row = failed(installation, workflow, "--target", "wrong-token")

    assert row["stage"] == "INITIALIZING"
    is_told(client, row, "rejected the credentials", "API token")


def test_a_missing_binding_id_names_every_variable_to_set(
    installation: Installation, client: httpx.Client
) -> None:
    add_target(installation, "account", platform_token(installation))
    workflow = installation.import_document(document("return [env.MY_KV, env.MY_DB];"))

    row = failed(installation, workflow, "--target", "account")

    assert row["stage"] == "DETECTING_BINDINGS"
    is_told(client, row, "MY_KV_BINDING_ID", "MY_DB_BINDING_ID")


def test_a_type_error_names_the_node_and_the_line(
    installation: Installation, client: httpx.Client
) -> None:
    code = 'const fine = 1;\nconst wrong: number = "text";\nreturn fine + wrong;'
    workflow = installation.import_document(document(code))

    row = failed(installation, workflow)

    assert row["stage"] == "GENERATING_CODE"
    is_told(client, row, "only", "line 2", "TS2322")


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation where wrangler times out immediately."""
    folder = Path(tmp_path_factory.mktemp("hurried"))
    # The loaded wrangler would still write its files for a moment after its client was stopped.
    variables = {"AWAITSTEP_DEPLOY_TIMEOUT": "0.2", warm_wrangler.VARIABLE: ""}
    hurried = Installation(folder / "data", more_env=variables)
    hurried.migrate()
    hurried.start_platform()
    hurried.start_server()
    hurried.create_user("deployer")
    yield hurried
    hurried.stop()


@pytest.mark.long
def test_wrangler_beyond_its_time_limit(hurried: Installation) -> None:
    workflow = hurried.import_document(document())

    row = failed(hurried, workflow)

    assert row["stage"] == "DEPLOYING"
    with hurried.client() as client:
        is_told(client, row, "still running after 0.2 seconds")


@pytest.mark.long
def test_a_target_that_does_not_respond(tmp_path: Path) -> None:
    alone = Installation(tmp_path / "data")
    alone.migrate()
    workflow = alone.import_document(document())

    row = failed(alone, workflow)

    assert row["stage"] == "INITIALIZING"
    assert "Start the embedded platform" in row["message"]


@pytest.mark.long
def test_a_worker_that_was_changed_through_the_api_is_not_overwritten(
    installation: Installation, client: httpx.Client
) -> None:
    workflow = installation.import_document(document())
    installation.manage("deploy_workflow", workflow)
    api = f"http://127.0.0.1:{installation.local_cloudflare_port}/client/v4"
    with Cloudflare(api_token=platform_token(installation), base_url=api) as cloudflare:
        cloudflare.workers.scripts.secrets.update(
            f"awaitstep-{workflow}",
            account_id=account_id(installation),
            name="BY_HAND",
            text="x",
            type="secret_text",
        )

    row = failed(installation, workflow)

    assert row["stage"] == "INITIALIZING"
    is_told(client, row, "last changed through Cloudflare", "Nothing was uploaded")
