"""Uploads, versions, deployments, settings and secrets of Workers, through the official SDK."""

from __future__ import annotations

from typing import Any

import cloudflare
import pytest

from tests.local_cloudflare.support.workers import (
    HELLO,
    Binding,
    deploy_worker,
    enable_workers_dev,
    group_pid,
    live_version,
    upload,
    workflow_binding,
)
from tests.support.platform_fixture import Platform, error_codes

SECRET: Binding = {"type": "secret_text", "name": "KEY", "text": "never-shown"}
ENV = "export default { fetch(request, env) { return Response.json(env) } }"


def test_a_worker_is_uploaded_through_the_sdk(platform: Platform) -> None:
    created = platform.client().workers.scripts.update(
        "by-sdk",
        account_id=platform.account_id,
        metadata={"main_module": "w.js", "compatibility_date": "2026-11-01"},
        files=[("w.js", HELLO.encode(), "application/javascript+module")],
    )

    assert created is not None
    assert (created.id, created.last_deployed_from) == ("by-sdk", "api")
    enable_workers_dev(platform, "by-sdk")
    assert platform.fetch("by-sdk").text == "hello"


def test_uploads_are_listed_with_their_versions(platform: Platform) -> None:
    deploy_worker(platform, "listed", HELLO)
    scripts = platform.client().workers.scripts

    names = [script.id for script in scripts.list(account_id=platform.account_id)]
    version = live_version(platform, "listed")
    read = platform.api("GET", f"workers/scripts/listed/versions/{version}").json()["result"]

    assert "listed" in names
    assert (read["id"], read["number"], read["metadata"]["source"]) == (version, 1, "api")


METHODS = "export default { async fetch(request) { await fetch(request) }, queue(batch) {} }"
PROPERTIES = "const w = { scheduled: async (event) => {}, fetch: function () {} }; export default w"
SHORTHAND = "function email() {} function fetch() {} export default { email, fetch }"
SCHEDULED_ONLY = 'export default { async scheduled() { await fetch("https://a.example") } }'


@pytest.mark.parametrize(
    ("code", "handlers"),
    [
        (METHODS, ["fetch", "queue"]),
        (PROPERTIES, ["fetch", "scheduled"]),
        (SHORTHAND, ["fetch", "email"]),
        (SCHEDULED_ONLY, ["scheduled"]),
    ],
    ids=["methods", "properties", "shorthand", "scheduled only"],
)
def test_a_version_names_its_handlers(
    platform: Platform, code: str, handlers: list[str], request: pytest.FixtureRequest
) -> None:
    name = f"handlers-{request.node.callspec.id.replace(' ', '-')}"
    upload(platform, name, code)

    version = live_version(platform, name)
    read = platform.api("GET", f"workers/scripts/{name}/versions/{version}").json()["result"]

    assert read["resources"]["script"]["handlers"] == handlers


def test_a_version_says_what_made_it(platform: Platform) -> None:
    upload(platform, "made-by", HELLO)
    secret = {"name": "KEY", "text": "never-shown", "type": "secret_text"}
    platform.api("PUT", "workers/scripts/made-by/secrets", json=secret)

    items = platform.api("GET", "workers/scripts/made-by/versions").json()["result"]["items"]

    triggers = [item["annotations"]["workers/triggered_by"] for item in items]
    assert triggers == ["secret", "upload"]


def test_an_older_version_goes_live_again(platform: Platform) -> None:
    deploy_worker(platform, "rolled", HELLO)
    first = live_version(platform, "rolled")
    deploy_worker(platform, "rolled", HELLO.replace("hello", "changed"))

    platform.client().workers.scripts.deployments.create(
        "rolled",
        account_id=platform.account_id,
        strategy="percentage",
        versions=[{"percentage": 100, "version_id": first}],
    )

    assert live_version(platform, "rolled") == first
    assert platform.fetch("rolled").text == "hello"


def test_a_missing_worker_is_refused_with_cloudflares_codes(platform: Platform) -> None:
    paths = [
        "workers/services/missing",
        "workers/scripts/missing/settings",
        "workflows/missing",
    ]

    responses = [platform.api("GET", path) for path in paths]

    assert [response.status_code for response in responses] == [404, 404, 404]
    codes = [code for response in responses for code in error_codes(response)]
    assert codes == [10090, 10007, 10200]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("export default {", "SyntaxError"),
        ('throw new Error("broken at start")', "broken at start"),
        ('import missing from "missing"', 'No such module "missing"'),
    ],
)
def test_code_that_does_not_start_is_refused(platform: Platform, code: str, text: str) -> None:
    response = upload(platform, "broken", code)

    error = response.json()["errors"][0]
    assert (response.status_code, error["code"]) == (400, 10021)
    assert text in error["message"]
    assert platform.api("GET", "workers/services/broken").status_code == 404


@pytest.mark.parametrize("module", ["../worker.js", "/worker.js", "sub/../../worker.js"])
def test_a_module_outside_the_worker_is_refused(platform: Platform, module: str) -> None:
    response = upload(platform, "outsider", HELLO, module=module)

    error = response.json()["errors"][0]
    assert (response.status_code, error["code"]) == (400, 10021)
    assert f'"{module}" is outside' in error["message"]


def test_a_missing_workflow_class_is_refused(platform: Platform) -> None:
    response = upload(platform, "no-class", HELLO, workflow_binding("no-class"))

    error = response.json()["errors"][0]
    assert error["code"] == 10021
    assert '"Flow"' in error["message"]


def test_a_binding_without_its_resource_is_refused(platform: Platform) -> None:
    binding: Binding = {"type": "kv_namespace", "name": "KV", "namespace_id": "0" * 32}

    response = upload(platform, "no-kv", HELLO, binding)

    assert (response.status_code, error_codes(response)) == (400, [10041])


def test_a_secret_reaches_the_worker_but_no_response(platform: Platform) -> None:
    deploy_worker(platform, "secretive", ENV, SECRET)
    scripts = platform.client().workers.scripts

    responses = [
        platform.api("GET", f"workers/scripts/secretive/{path}").text
        for path in ("secrets", "settings", "versions", "deployments", "secrets/KEY")
    ]
    listed = scripts.secrets.list("secretive", account_id=platform.account_id)

    assert platform.fetch("secretive").json() == {"KEY": "never-shown"}
    assert not any("never-shown" in response for response in responses)
    assert [(secret.name, secret.type) for secret in listed] == [("KEY", "secret_text")]


def test_secrets_change_through_the_sdk(platform: Platform) -> None:
    deploy_worker(platform, "sdk-secrets", ENV)
    secrets = platform.client().workers.scripts.secrets
    account = platform.account_id

    secrets.update("sdk-secrets", account_id=account, name="A", text="1", type="secret_text")
    secrets.update("sdk-secrets", account_id=account, name="B", text="2", type="secret_text")
    secrets.delete("A", account_id=account, script_name="sdk-secrets")

    assert platform.fetch("sdk-secrets").json() == {"B": "2"}


def test_settings_are_read_and_changed_through_the_sdk(platform: Platform) -> None:
    deploy_worker(platform, "edited-settings", ENV, SECRET)
    settings: Any = platform.client().workers.scripts.script_and_version_settings
    plain = {"type": "plain_text", "name": "A", "text": "1"}
    changed = {"bindings": [plain, {"type": "inherit", "name": "KEY"}]}

    settings.edit("edited-settings", account_id=platform.account_id, settings=changed)
    read = settings.get("edited-settings", account_id=platform.account_id)

    assert read is not None
    assert read.compatibility_date == "2026-11-01"
    assert platform.fetch("edited-settings").json() == {"A": "1", "KEY": "never-shown"}


def test_schedules_are_stored_and_checked(platform: Platform) -> None:
    deploy_worker(platform, "scheduled", HELLO)
    schedules = platform.client().workers.scripts.schedules
    account = platform.account_id

    schedules.update("scheduled", account_id=account, body=[{"cron": "*/5 * * * MON-FRI"}])
    stored = schedules.get("scheduled", account_id=account)

    assert stored is not None
    assert [schedule.cron for schedule in stored.schedules] == ["*/5 * * * MON-FRI"]
    with pytest.raises(cloudflare.BadRequestError):
        schedules.update("scheduled", account_id=account, body=[{"cron": "61 * * * *"}])
    schedules.update("scheduled", account_id=account, body=[])


def test_a_worker_in_use_is_deleted_only_with_force(platform: Platform) -> None:
    deploy_worker(platform, "served", HELLO)
    deploy_worker(platform, "server", HELLO, {"type": "service", "name": "S", "service": "served"})

    refused = platform.api("DELETE", "workers/services/served")
    deleted = platform.api("DELETE", "workers/services/served?force=true")

    assert (refused.status_code, deleted.status_code) == (400, 200)
    assert platform.fetch("server").text == "hello"


def test_an_update_without_changes_restarts_nothing(platform: Platform) -> None:
    deploy_worker(platform, "steady", HELLO)
    before = group_pid(platform, "worker-steady")

    platform.api("POST", "workers/scripts/steady/subdomain", json={"enabled": True})
    platform.api("PATCH", "workers/scripts/steady/script-settings", json={"tags": ["a"]})

    assert group_pid(platform, "worker-steady") == before
