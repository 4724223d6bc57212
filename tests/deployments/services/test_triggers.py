"""Every trigger starts a run: request, schedule, message, event and manual start."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from targets.cloudflare import queues
from targets.cloudflare.account import Account
from tests.deployments.fakes import document
from tests.deployments.services.test_main_job import ended_run
from tests.support.embedded_account import account_of, send_message
from tests.support.installation import Installation


def triggered(code: str = "return event.payload;", **trigger: str) -> dict[str, Any]:
    return document(code) | {"trigger": trigger}


def deployed(installation: Installation, source: dict[str, Any]) -> str:
    workflow = installation.import_document(source)
    installation.manage("deploy_workflow", workflow)
    return workflow


def replace(installation: Installation, workflow: str, source: dict[str, Any]) -> None:
    text = json.dumps(source)
    installation.manage("import_workflow", "-", "--workflow", workflow, stdin=text)
    installation.manage("deploy_workflow", workflow)


def output(run: dict[str, Any]) -> Any:
    assert run["status"] == "complete", run
    return json.loads(run["steps"][0]["output"])


def first_run(installation: Installation, workflow: str) -> dict[str, Any]:
    """Wait until there is a run, then until it has ended."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if installation.manage("describe_run", workflow, "latest", check=False).returncode == 0:
            return ended_run(installation, workflow, "latest")
    raise AssertionError("no run has been started")


def sources(installation: Installation, workflow: str) -> set[str]:
    """Return what started the workflow's runs."""
    return {run["trigger"] for run in installation.json("list_runs", workflow, "--json")}


@pytest.fixture(scope="module")
def account(installation: Installation) -> Account:
    return account_of(installation)


def schedules(account: Account, workflow: str) -> list[str]:
    answer = account.client.workers.scripts.schedules.get(
        f"awaitstep-{workflow}", account_id=account.account_id
    )
    return [schedule.cron for schedule in answer.schedules] if answer else []


def taking(account: Account, queue: str) -> set[str]:
    return set(queues.consumers(account, queue) or ())


@pytest.fixture(scope="module")
def client(installation: Installation) -> Iterator[httpx.Client]:
    with installation.client() as client:
        yield client


def test_a_request_with_the_triggers_method_and_path_starts_a_run(
    installation: Installation,
) -> None:
    workflow = deployed(installation, triggered(type="http", method="PUT", path="/orders"))

    started = installation.worker(workflow, "/orders", "PUT", json={"n": 1}).json()

    assert output(ended_run(installation, workflow, started["instanceId"])) == {"n": 1}
    assert sources(installation, workflow) == {"http"}
    assert installation.worker(workflow, "/orders", "POST").status_code == 405
    assert installation.worker(workflow, "/", "PUT").status_code == 404


@pytest.mark.long
def test_a_manual_workflow_is_started_by_a_person_but_not_by_a_request(
    installation: Installation,
) -> None:
    workflow = deployed(installation, triggered(type="manual"))

    answers = [installation.worker(workflow, "/", method) for method in ("GET", "POST")]
    started = installation.json("trigger_workflow", workflow, "--payload", '{"n": 2}')

    assert [answer.status_code for answer in answers] == [404, 404]
    assert "started from its page or through the API" in answers[0].json()["error"]
    assert output(ended_run(installation, workflow, started["id"])) == {"n": 2}


@pytest.mark.long
def test_an_event_starts_a_run_of_each_workflow_that_names_it(
    installation: Installation, client: httpx.Client
) -> None:
    source = triggered(type="event", eventType="paid")
    both = sorted(deployed(installation, source) for _ in range(2))
    deployed(installation, triggered(type="event", eventType="sold"))

    answer = client.post("/api/events/paid", json={"order": 7})

    assert answer.status_code == 202
    started = {item["workflowId"]: item["instanceId"] for item in answer.json()["data"]}
    assert sorted(started) == both
    runs = [ended_run(installation, workflow, run) for workflow, run in started.items()]
    assert [output(run) for run in runs] == [{"order": 7}, {"order": 7}]
    assert sources(installation, both[0]) == {"event"}
    refused = installation.worker(both[0], "/", "POST")
    assert "POST /api/events/paid on AwaitStep" in refused.json()["error"]


@pytest.mark.long
def test_an_event_that_is_raised_twice_with_one_key_starts_one_run(
    installation: Installation, client: httpx.Client
) -> None:
    workflow = deployed(installation, triggered(type="event", eventType="shipped"))
    key = {"Idempotency-Key": "order-7"}

    first, second = (client.post("/api/events/shipped", json={}, headers=key) for _ in range(2))
    other = installation.json("raise_event", "shipped", "--payload", "[1]", "--key", "order-8")

    assert first.json() == second.json()
    assert [answer.status_code for answer in (first, second)] == [202, 202]
    (run,) = other["data"]
    assert run["instanceId"] != first.json()["data"][0]["instanceId"]
    assert output(ended_run(installation, workflow, run["instanceId"])) == [1]


@pytest.mark.long
def test_a_schedule_starts_a_run_until_another_trigger_is_deployed(
    installation: Installation, account: Account
) -> None:
    workflow = deployed(
        installation,
        triggered("return event.payload.schedule;", type="cron", expression="0 8 * * MON"),
    )

    fire = "/cdn-cgi/handler/scheduled?cron=0+8+*+*+MON&time=1767600000000"
    assert installation.worker(workflow, fire, "POST").status_code == 200

    run = first_run(installation, workflow)
    assert output(run) == {"cron": "0 8 * * MON", "scheduledTime": 1_767_600_000_000}
    assert sources(installation, workflow) == {"cron"}
    assert schedules(account, workflow) == ["0 8 * * MON"]
    replace(installation, workflow, triggered(type="manual"))
    assert schedules(account, workflow) == []


@pytest.mark.long
def test_each_message_starts_a_run_until_another_trigger_is_deployed(
    installation: Installation, account: Account
) -> None:
    workflow = deployed(installation, triggered(type="queue", queue="orders-of-a-shop"))

    send_message(account, "orders-of-a-shop", {"order": 7})

    assert output(first_run(installation, workflow)) == {"order": 7}
    assert sources(installation, workflow) == {"queue"}
    assert taking(account, "orders-of-a-shop") == {f"awaitstep-{workflow}"}
    replace(installation, workflow, triggered(type="queue", queue="another-queue"))
    assert taking(account, "orders-of-a-shop") == set()
    assert taking(account, "another-queue") == {f"awaitstep-{workflow}"}


def test_a_queue_with_another_consumer_is_refused_before_the_upload(
    installation: Installation,
) -> None:
    source = triggered(type="queue", queue="taken-queue")
    first = deployed(installation, source)

    second = installation.import_document(source)
    refused = installation.manage("deploy_workflow", second, check=False)

    assert refused.returncode == 1
    *_, stopped, output = map(json.loads, refused.stdout.splitlines())
    assert stopped["stage"] == "DETECTING_BINDINGS"
    assert f'already consumed by "awaitstep-{first}"' in output["message"]


@pytest.mark.long
def test_a_script_can_replace_a_workflow(installation: Installation) -> None:
    workflow = deployed(installation, triggered(type="http"))
    script = triggered("return event.payload.n + 1;", type="http", path="/sum")
    script["nodes"][0]["name"] = "EXPORT_sum"

    replace(installation, workflow, script | {"kind": "script"})

    answer = installation.worker(workflow, "/sum", "POST", json={"n": 1})
    assert (answer.status_code, answer.json()) == (200, {"sum": 2})
