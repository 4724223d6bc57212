"""Routes, domains, rollbacks and refused deploys with the real wrangler."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.local_cloudflare.support.control import Control, Fault, Token
from tests.local_cloudflare.support.projects import Project
from tests.local_cloudflare.support.workers import HELLO, WORKFLOW, deploy_worker
from tests.local_cloudflare.support.zones import (
    create_record,
    create_route,
    create_zone,
    fetch_host,
    route_patterns,
)

ENV = "export default { fetch(request, env) { return Response.json(env) } }"


def run_wrangler(project: Project, *arguments: str) -> tuple[int | None, str]:
    """Return the exit code and everything printed."""
    result = project.wrangler(*arguments)
    return result.exit_code, result.stdout + result.stderr


@pytest.mark.long
def test_routes_are_set_and_replaced(project: Project) -> None:
    zone = create_zone(project.platform, "wrangled.example")
    by_name = {"pattern": "a.wrangled.example/*", "zone_name": "wrangled.example"}
    by_id = {"pattern": "b.wrangled.example/*", "zone_id": zone}
    project.write(HELLO, workers_dev=False, routes=[by_name, by_id, "c.wrangled.example/*"])
    project.deploy()
    first = route_patterns(project.platform, zone)
    project.write(HELLO, workers_dev=False, routes=[by_id])
    project.deploy()

    assert sorted(first) == [f"{name}.wrangled.example/*" for name in "abc"]
    assert route_patterns(project.platform, zone) == {by_id["pattern"]: project.name}
    assert fetch_host(project.platform, "b.wrangled.example").text == "hello"
    assert project.platform.fetch(project.name).status_code == 404


@pytest.mark.long
def test_the_route_of_another_worker_is_refused(project: Project) -> None:
    deploy_worker(project.platform, "route-owner", HELLO)
    zone = create_zone(project.platform, "owned.example")
    create_route(project.platform, zone, "owned.example/*", "route-owner")
    project.write(HELLO, workers_dev=False, routes=["owned.example/*"])

    exit_code, text = run_wrangler(project, "deploy")

    assert exit_code == 1
    assert '"route-owner" is already assigned to routes' in text


@pytest.mark.long
def test_with_workers_dev_the_api_refuses_the_route_of_another_worker(project: Project) -> None:
    deploy_worker(project.platform, "route-holder", HELLO)
    zone = create_zone(project.platform, "held.example")
    create_route(project.platform, zone, "held.example/*", "route-holder")
    project.write(HELLO, routes=["held.example/*"])

    exit_code, text = run_wrangler(project, "deploy")

    assert exit_code == 1
    assert "[code: 10020]" in text


@pytest.mark.long
def test_a_route_without_its_zone_is_refused(project: Project) -> None:
    project.write(HELLO, workers_dev=False, routes=["nowhere.example/*"])

    exit_code, text = run_wrangler(project, "deploy")

    assert exit_code == 1
    assert "Could not find zone for `nowhere.example`" in text


def test_a_token_for_one_zone_sets_routes_individually(project: Project, control: Control) -> None:
    zone = create_zone(project.platform, "narrowed.example")
    groups = ("Workers Scripts Write", "Workers Routes Write", "Zone Read")
    control.tokens(Token(token="narrow", permissions=groups, zones=(zone,)))
    narrow = replace(project, token="narrow")
    narrow.write(HELLO, routes=["narrowed.example/*"])

    narrow.deploy()

    assert route_patterns(project.platform, zone) == {"narrowed.example/*": project.name}


@pytest.mark.long
def test_the_permission_to_write_scripts_suffices_without_a_zone(
    project: Project, control: Control
) -> None:
    control.tokens(Token(token="scripts", kind="account", permissions=("Workers Scripts Write",)))
    workflow = {"name": project.name, "binding": "WORKFLOW", "class_name": "Flow"}
    project.write(WORKFLOW, workflows=[workflow], triggers={"crons": ["0 0 1 1 *"]})

    line = replace(project, token="scripts").deploy(KEY="value")

    assert line["version_id"] == project.live_version()


def test_the_permission_to_read_scripts_does_not_suffice(
    project: Project, control: Control
) -> None:
    control.tokens(Token(token="reads", permissions=("Workers Scripts Read",)))
    project.write(HELLO)

    exit_code, text = run_wrangler(replace(project, token="reads"), "deploy")

    assert (exit_code, "Authentication error [code: 10000]" in text) == (1, True)
    assert project.platform.api("GET", f"workers/services/{project.name}").status_code == 404


@pytest.mark.long
def test_without_a_subdomain_a_workflow_is_refused(project: Project, control: Control) -> None:
    control.subdomain("")
    workflow = {"name": project.name, "binding": "WORKFLOW", "class_name": "Flow"}
    project.write(WORKFLOW, workflows=[workflow])

    exit_code, text = run_wrangler(project, "deploy")

    assert (exit_code, "register a workers.dev subdomain" in text) == (1, True)
    assert control.writes() == []


@pytest.mark.long
def test_settings_are_kept_with_the_version(project: Project) -> None:
    limits, placement = {"cpu_ms": 100}, {"mode": "smart"}
    project.write(
        HELLO, limits=limits, placement=placement, observability={"enabled": True}, logpush=True
    )
    project.deploy()
    client: Any = project.platform.client().workers.scripts.script_and_version_settings

    settings = client.get(project.name, account_id=project.platform.account_id)

    assert (settings.limits.cpu_ms, settings.placement.mode) == (100, "smart")
    assert (settings.observability.enabled, settings.logpush) == (True, True)
    path = f"workers/scripts/{project.name}/versions/{project.live_version()}"
    version = project.platform.api("GET", path).json()["result"]
    assert version["resources"]["script_runtime"]["limits"] == limits


def test_a_custom_domain_is_attached_and_taken_over(project: Project) -> None:
    create_zone(project.platform, "custom.example")
    deploy_worker(project.platform, "domain-owner", HELLO)
    project.platform.api(
        "PUT",
        "workers/domains",
        json={"hostname": "custom.example", "service": "domain-owner"},
    )
    project.write(
        HELLO.replace("hello", "taken"),
        routes=[{"pattern": "custom.example", "custom_domain": True}],
    )

    project.deploy()

    assert fetch_host(project.platform, "custom.example", "/any").text == "taken"


@pytest.mark.long
def test_a_custom_domain_with_another_record_is_refused(project: Project) -> None:
    zone = create_zone(project.platform, "recorded.example")
    create_record(project.platform, zone, name="recorded.example")
    project.write(HELLO, routes=[{"pattern": "recorded.example", "custom_domain": True}])

    exit_code, text = run_wrangler(project, "deploy")

    assert exit_code == 1
    assert "already has externally managed DNS records" in text
    assert "[code: 100117]" in text


@pytest.mark.long
def test_a_rollback_keeps_the_newest_secrets(project: Project) -> None:
    project.write(ENV, vars={"PLAIN": "old"})
    first = project.deploy(KEY="old")["version_id"]
    project.write(ENV, vars={"PLAIN": "new"})
    project.deploy(KEY="new")

    exit_code, text = run_wrangler(project, "rollback", first, "-m", "back", "-y")

    assert exit_code == 0, text
    assert "* KEY" in text
    assert project.live_version() == first
    assert project.platform.fetch(project.name).json() == {"PLAIN": "old", "KEY": "new"}


def test_strict_refuses_what_the_dashboard_changed(project: Project, control: Control) -> None:
    project.write(HELLO, vars={"PLAIN": "a"})
    project.deploy()
    control.dashboard_edit(project.name)
    project.write(HELLO, vars={"PLAIN": "b"})

    exit_code, text = run_wrangler(project, "deploy", "--strict")

    assert exit_code == 1, text
    assert "Cloudflare Dashboard" in text


@pytest.mark.long
def test_strict_accepts_a_dashboard_edit_without_changes(
    project: Project, control: Control
) -> None:
    project.write(HELLO, vars={"PLAIN": "a"})
    first = project.deploy()
    control.dashboard_edit(project.name)

    second = project.deploy()

    assert first["version_id"] != second["version_id"] == project.live_version()


@pytest.mark.long
def test_the_output_file_has_the_time_to_wait(project: Project, control: Control) -> None:
    busy = Fault(path="/workers/scripts/", status=429, code=10429, headers={"retry-after": "10"})
    control.faults(busy)
    project.write(HELLO)

    exit_code, _ = run_wrangler(project, "deploy")

    assert exit_code == 1
    lines = (project.folder / "output.ndjson").read_text().splitlines()
    failed = json.loads(lines[-1])
    assert (failed["type"], failed["code"], failed["retry_after_ms"]) == (
        "command-failed",
        10429,
        10000,
    )
