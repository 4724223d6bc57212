"""Deploying an older version again, or being refused with Cloudflare's reason."""

from __future__ import annotations

import pytest

from tests.local_cloudflare.support.control import Control
from tests.local_cloudflare.support.workers import (
    Binding,
    deploy_version,
    deploy_worker,
    live_version,
    upload,
    workflow_binding,
)
from tests.support.platform_fixture import Platform, error_codes

ENV = "export default { fetch(request, env) { return Response.json({ ...env, code: 1 }) } }"
NEWER = ENV.replace("1 }", "2 }")
FLOW = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {}
"""


def secret(text: str, name: str = "KEY") -> Binding:
    return {"type": "secret_text", "name": name, "text": text}


def plain(text: str) -> Binding:
    return {"type": "plain_text", "name": "PLAIN", "text": text}


def test_changed_secrets_prevent_a_rollback_and_are_named(platform: Platform) -> None:
    deploy_worker(
        platform, "back-secrets", ENV, secret("old"), secret("deleted", "OLD"), secret("1", "SAME")
    )
    first = live_version(platform, "back-secrets")
    deploy_worker(
        platform, "back-secrets", NEWER, secret("new"), secret("x", "MORE"), secret("1", "SAME")
    )
    second = live_version(platform, "back-secrets")

    refused = deploy_version(platform, "back-secrets", first)

    assert error_codes(refused) == [10220]
    assert "The following secrets have changed: KEY, MORE, OLD" in refused.text
    assert live_version(platform, "back-secrets") == second


def test_with_force_the_code_is_rolled_back_and_the_secrets_stay(platform: Platform) -> None:
    deploy_worker(platform, "back-forced", ENV, plain("old"), secret("old"))
    first = live_version(platform, "back-forced")
    deploy_worker(platform, "back-forced", NEWER, plain("new"), secret("new"))

    response = deploy_version(platform, "back-forced", first, "?force=true")

    assert response.status_code == 200
    assert live_version(platform, "back-forced") == first
    assert platform.fetch("back-forced").json() == {"PLAIN": "old", "KEY": "new", "code": 1}
    listed = platform.api("GET", "workers/scripts/back-forced/secrets").json()["result"]
    assert listed == [{"name": "KEY", "type": "secret_text"}]


def test_returning_to_the_newest_version_restores_everything(platform: Platform) -> None:
    deploy_worker(platform, "forth", ENV, secret("old"))
    first = live_version(platform, "forth")
    deploy_worker(platform, "forth", NEWER, secret("new"))
    newest = live_version(platform, "forth")
    deploy_version(platform, "forth", first, "?force=true")

    response = deploy_version(platform, "forth", newest)

    assert response.status_code == 200
    assert platform.fetch("forth").json() == {"KEY": "new", "code": 2}


def test_the_live_version_can_be_deployed_again(platform: Platform) -> None:
    deploy_worker(platform, "again", ENV, secret("old"))
    first = live_version(platform, "again")
    deploy_worker(platform, "again", NEWER, secret("new"))
    deploy_version(platform, "again", first, "?force=true")

    response = deploy_version(platform, "again", first)

    assert response.status_code == 200
    assert platform.fetch("again").json() == {"KEY": "new", "code": 1}


def test_an_upload_after_a_rollback_keeps_the_newest_secrets(platform: Platform) -> None:
    deploy_worker(platform, "kept", ENV, secret("old"))
    first = live_version(platform, "kept")
    deploy_worker(platform, "kept", NEWER, secret("new"))
    deploy_version(platform, "kept", first, "?force=true")

    deploy_worker(platform, "kept", NEWER, {"type": "inherit", "name": "KEY"})

    assert platform.fetch("kept").json() == {"KEY": "new", "code": 2}


def test_a_version_with_a_hundred_newer_ones_is_not_found(
    platform: Platform, control: Control
) -> None:
    deploy_worker(platform, "far-back", ENV)
    first = live_version(platform, "far-back")
    deploy_worker(platform, "far-back", NEWER)
    control.versions("far-back", 99)

    refused = deploy_version(platform, "far-back", first)

    assert (refused.status_code, error_codes(refused)) == (404, [10192])
    assert platform.fetch("far-back").json() == {"code": 2}


@pytest.mark.parametrize(
    ("kind", "setting", "path", "code"),
    [
        ("kv_namespace", "namespace_id", "storage/kv/namespaces", 10041),
        ("d1", "id", "d1/database", 10181),
    ],
)
def test_a_version_whose_resource_was_deleted_is_refused(
    platform: Platform, kind: str, setting: str, path: str, code: int
) -> None:
    name = f"back-{kind}"
    created = platform.api("POST", path, json={"title": name, "name": name}).json()["result"]
    resource = created.get("id") or created["uuid"]
    binding: Binding = {"type": kind, "name": "R", setting: resource}
    deploy_worker(platform, name, ENV, binding)
    first = live_version(platform, name)
    deploy_worker(platform, name, NEWER)
    platform.api("DELETE", f"{path}/{resource}")

    assert error_codes(deploy_version(platform, name, first)) == [code]
    assert platform.fetch(name).json() == {"code": 2}


def test_a_version_describes_its_bindings(platform: Platform) -> None:
    deploy_worker(platform, "read-as-version", ENV, plain("text"), secret("never"))
    version = live_version(platform, "read-as-version")
    path = f"workers/scripts/read-as-version/versions/{version}"
    result = platform.api("GET", path).json()["result"]
    resources = result["resources"]

    assert result["id"] == version
    assert resources["bindings"] == [plain("text"), {"name": "KEY", "type": "secret_text"}]
    assert resources["script_runtime"]["compatibility_date"] == "2026-11-01"


def test_a_workflow_requires_a_subdomain(platform: Platform, control: Control) -> None:
    control.subdomain("")

    refused = upload(platform, "homeless", FLOW + ENV, workflow_binding("homeless"))

    assert error_codes(refused) == [10063]
