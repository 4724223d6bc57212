"""Settings of a Workflow: retention, schedules and jurisdiction. See test_concurrency.py and api/test_settings.py for others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.local_cloudflare.support.control import Control, controlled
from tests.local_cloudflare.support.projects import Project
from tests.local_cloudflare.support.workers import (
    deploy_worker,
    deploy_workflow,
    describe_run,
    start_run,
    wait_for_status,
    wait_until,
    workflow_binding,
)
from tests.support.platform_fixture import Platform, error_codes, start_platform

NAME = "kept"
DAY = 86_400_000

CODE = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {
  async run({ payload, schedule, instanceId }, step) {
    if (payload.fails) throw new Error("as asked");
    if (payload.waits) await step.waitForEvent("ear", { type: "call", timeout: "1 hour" });
    return { schedule, instanceId, payload };
  }
}
export default {
  async fetch(request, env) {
    const options = await request.json();
    if (!Array.isArray(options)) return Response.json((await env.WORKFLOW.create(options)).id);
    const { created } = await env.WORKFLOW.createBatch({ instances: options });
    return Response.json(created.map(({ id }) => id));
  },
};
"""


@pytest.fixture(scope="module")
def sweeping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform that looks for instances to delete all the time."""
    folder = tmp_path_factory.mktemp("sweeping")
    platform = start_platform(folder, environment={"LOCAL_CLOUDFLARE_RETENTION_SECONDS": "0.1"})
    deploy_workflow(platform, NAME, CODE)
    yield platform
    platform.running.stop()


@pytest.fixture
def retaining(sweeping: Platform) -> Iterator[Platform]:
    """Each test starts with a Workflow that keeps everything."""
    assign(sweeping)
    yield sweeping
    assign(sweeping)


def assign(platform: Platform, name: str = NAME, **settings: Any) -> httpx.Response:
    body = {"script_name": name, "class_name": "Flow", **settings}
    return platform.api("PUT", f"workflows/{name}", json=body)


def assigned(platform: Platform, name: str = NAME, **settings: Any) -> None:
    response = assign(platform, name, **settings)
    assert response.status_code == 200, response.text


def message_of(response: httpx.Response) -> str:
    return str(response.json()["errors"][0]["message"])


def create(platform: Platform, **body: Any) -> str:
    response = platform.api("POST", f"workflows/{NAME}/instances", json={"params": {}, **body})
    assert response.status_code == 200, response.text
    return str(response.json()["result"]["id"])


def ids(platform: Platform, name: str = NAME) -> list[str]:
    for _ in range(100):  # the list cannot be read at the moment at which runs are deleted
        response = platform.api("GET", f"workflows/{name}/instances?per_page=100")
        if response.status_code == 200:
            break
    return [row["id"] for row in response.json()["result"]]


def wait_until_gone(platform: Platform, *instances: str) -> None:
    wait_until(lambda: not {*instances} & {*ids(platform)})


def newest_version(platform: Platform) -> dict[str, Any]:
    versions: list[dict[str, Any]] = platform.api("GET", f"workflows/{NAME}/versions").json()[
        "result"
    ]
    return versions[0]


def test_instances_are_deleted_when_their_retention_is_over(retaining: Platform) -> None:
    kept = start_run(retaining, NAME)
    assigned(retaining, default_retention={"success_retention": 1, "error_retention": "3 days"})

    done, failed = start_run(retaining, NAME), start_run(retaining, NAME, fails=True)
    waiting = start_run(retaining, NAME, waits=True)

    wait_until_gone(retaining, done)
    wait_for_status(retaining, NAME, failed, "errored")
    wait_for_status(retaining, NAME, waiting, "waiting")
    assert {kept, failed, waiting} <= {*ids(retaining)}, "the version of the older run keeps it"
    path = f"workflows/{NAME}/instances/{waiting}/status"
    assert retaining.api("PATCH", path, json={"status": "terminate"}).status_code == 200
    wait_until_gone(retaining, waiting)
    assert failed in ids(retaining)


def test_errors_have_a_retention_of_their_own(retaining: Platform) -> None:
    assigned(retaining, default_retention={"error_retention": "1 second"})

    done, failed = start_run(retaining, NAME), start_run(retaining, NAME, fails=True)

    wait_until_gone(retaining, failed)
    assert done in ids(retaining)


def test_the_retention_of_an_instance_replaces_that_of_its_workflow(retaining: Platform) -> None:
    assigned(retaining, default_retention={"success_retention": 1})

    kept = create(retaining, instance_retention={"success_retention": "1 day"})
    gone = create(retaining)

    wait_until_gone(retaining, gone)
    assert kept in ids(retaining)


def test_a_worker_sets_the_retention_of_instances(retaining: Platform) -> None:
    soon, late = {"successRetention": 1}, {"successRetention": "1 day"}

    def post(body: Any) -> Any:
        response = retaining.fetch(NAME, method="POST", json=body)
        assert response.status_code == 200, response.text
        return response.json()

    gone = post({"id": "gone", "retention": soon})
    kept = post({"id": "kept", "retention": late})
    batch = [{"retention": soon}, {"id": "batched"}, {"id": "late", "retention": late}]
    first, *others = post(batch)
    again = post([{"id": "kept", "retention": soon}])

    wait_until_gone(retaining, gone, first)
    assert again == [], "an instance that exists keeps its retention"
    assert {kept, *others} <= {*ids(retaining)}


def test_a_version_records_its_settings(retaining: Platform) -> None:
    retention = {"success_retention": "1 day", "error_retention": "2 weeks"}
    assigned(retaining, default_retention=retention, limits={"steps": 5}, concurrency={"limit": 2})

    version = newest_version(retaining)
    assigned(retaining, default_retention=retention, limits={"steps": 5}, concurrency={"limit": 2})

    assert version["default_retention"] == {"success_retention": DAY, "error_retention": 14 * DAY}
    assert (version["limits"], version["concurrency"]) == ({"steps": 5}, {"limit": 2})
    assert newest_version(retaining)["id"] == version["id"], "nothing has changed"
    assigned(retaining)
    assert "default_retention" not in newest_version(retaining)


@pytest.mark.parametrize("duration", ["31 days", 0, -1, "soon", True, [], ""])
def test_a_retention_has_limits(retaining: Platform, duration: Any) -> None:
    of_workflow = assign(retaining, default_retention={"error_retention": duration})
    body = {"instance_retention": {"success_retention": duration}}
    of_instance = retaining.api("POST", f"workflows/{NAME}/instances", json=body)

    for response in (of_workflow, of_instance):
        assert response.status_code == 400, response.text
        assert "up to 30 days" in message_of(response)


@pytest.fixture
def minutes(retaining: Platform) -> Iterator[Control]:
    with controlled(retaining.api_base_url, retaining.token) as control:
        yield control


def test_a_schedule_creates_an_instance(retaining: Platform, minutes: Control) -> None:
    crons = ["0 8 * * MON-FRI", "*/5 * * * *"]
    assigned(retaining, schedules=[{"cron": cron} for cron in crons])
    before = {*ids(retaining)}

    minutes.minute("2026-11-20T08:01:00Z")
    minutes.minute("2026-11-20T08:05:00Z")
    minutes.minute("2026-11-20T08:05:00Z")
    minutes.minute("2026-11-21T08:03:00Z")

    wait_until(lambda: len({*ids(retaining)} - before) >= 1)
    [created] = {*ids(retaining)} - before
    assert created == "*/5 * * * *-1795161900000"
    response = retaining.api("GET", f"workflows/{NAME}/instances/{quote(created, safe='')}")
    run = response.json()["result"]
    schedule = {"cron": "*/5 * * * *", "scheduledTime": 1795161900000}
    assert (run["trigger"], run["schedule"]) == ({"source": "cron"}, schedule)
    wait_for_status(retaining, NAME, created, "complete")
    output = json.loads(describe_run(retaining, NAME, created).output)
    assert output == {"schedule": schedule, "instanceId": created, "payload": {}}
    listed = retaining.api("GET", f"workflows/{NAME}/instances?per_page=100").json()["result"]
    assert {row["id"]: row["trigger_source"] for row in listed}[created] == "cron"


def test_the_next_time_of_each_schedule_is_shown(retaining: Platform) -> None:
    crons = ["0 0 1 1 *", "0 0 L-30 * *", "0 0 30 2 *"]
    assigned(retaining, schedules=[{"cron": cron} for cron in crons])

    workflow = retaining.client().workflows.get(NAME, account_id=retaining.account_id)

    assert workflow is not None
    first, second, never = [each.next_instance for each in workflow.schedules or []]
    assert first[5:] == "01-01T00:00:00.000Z"
    assert second[8:] == "01T00:00:00.000Z"
    assert never == ""
    assigned(retaining)
    without = retaining.client().workflows.get(NAME, account_id=retaining.account_id)
    assert without is not None
    assert without.schedules is None


def test_the_schedules_of_workflows_have_limits(retaining: Platform) -> None:
    every_day = {"cron": "0 8 * * *"}

    invalid = assign(retaining, schedules=[{"cron": "8 o'clock"}])
    too_long = assign(retaining, schedules=[{"cron": f"{','.join('0' * 200)} * * * *"}])
    too_many = assign(retaining, schedules=[every_day] * 101)

    assert "8 o'clock" in message_of(invalid)
    assert {invalid.status_code, too_long.status_code, too_many.status_code} == {400}
    assert "100 schedules" in message_of(too_many)


def test_a_jurisdiction_is_fixed_when_the_workflow_is_created(platform: Platform) -> None:
    deploy_worker(platform, "european", CODE, workflow_binding("european"))
    assigned(platform, "european", jurisdiction="eu")

    changed = assign(platform, "european", jurisdiction="us")

    assert (changed.status_code, error_codes(changed)) == (409, [10209])
    assert 'has the jurisdiction "eu"' in message_of(changed)
    assigned(platform, "european")
    workflow = platform.api("GET", "workflows/european").json()["result"]
    assert workflow["jurisdiction"] == "eu"
    assert assign(platform, "european", jurisdiction="moon").status_code == 400
    deploy_workflow(platform, "anywhere", CODE)
    assert error_codes(assign(platform, "anywhere", jurisdiction="eu")) == [10209]


def test_wrangler_deploys_the_settings_of_a_workflow(project: Project) -> None:
    name, platform = project.name, project.platform
    settings = {
        "limits": {"steps": 50},
        "concurrency": {"limit": 3},
        "schedules": ["0 8 * * *"],
        "default_retention": {"success_retention": "1 day", "error_retention": "2 days"},
        "jurisdiction": "eu",
    }
    binding = {"binding": "WORKFLOW", "name": name, "class_name": "Flow"}
    project.write(CODE, workflows=[{**binding, **settings}])
    project.deploy()

    workflow = platform.api("GET", f"workflows/{name}").json()["result"]
    assert workflow["limits"] == {"steps": 50}
    assert workflow["concurrency"] == {"limit": 3}
    assert workflow["default_retention"] == {"success_retention": DAY, "error_retention": 2 * DAY}
    assert [schedule["cron"] for schedule in workflow["schedules"]] == ["0 8 * * *"]
    assert workflow["jurisdiction"] == "eu"

    project.write(CODE, workflows=[{**binding, "jurisdiction": "us"}])
    refused = project.wrangler("deploy")
    assert refused.exit_code != 0
    assert "different jurisdiction" in refused.stdout + refused.stderr


@pytest.mark.parametrize("place", ["weur", "apac-ne"])
def test_a_location_hint_is_accepted(retaining: Platform, place: str) -> None:
    create(retaining, location_hint=place)


def test_an_unknown_location_hint_is_refused(retaining: Platform) -> None:
    body = {"location_hint": "moon"}
    response = retaining.api("POST", f"workflows/{NAME}/instances", json=body)

    assert response.status_code == 400
    assert "location_hint" in message_of(response)
