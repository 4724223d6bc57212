"""Runs: started, listed, searched, read and controlled by the same services as the pages."""

from __future__ import annotations

from typing import Any

import pytest

from audit.models import Entry
from runs.models import BulkChange, Run
from tests.api.callers import key_client, make_user, superuser_client
from tests.deployments.factories import make_deployment, make_workflow
from tests.runs.examples import attempted_step, live_deployment, make_run, waiting_step, workflow_of
from tests.runs.fake_api import FakeApi, refusal

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]
JSON: dict[str, Any] = {"content_type": "application/json"}


def address_of(run: Run, *parts: str) -> str:
    return "/".join((f"/api/workflows/{run.workflow_id}/runs/{run.pk}", *parts))


def test_a_run_is_started_where_the_workflow_is_live(fake_api: FakeApi) -> None:
    live = live_deployment()
    address = f"/api/workflows/{live.workflow_public_id}/trigger"

    body = {"params": {"order": 7}, "instanceId": "order-7"}
    answer = superuser_client().post(address, body, **JSON)

    run = Run.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": str(run.pk),
        "instanceId": "order-7",
        "status": "queued",
        "isNew": True,
    }
    assert fake_api.bodies[0]["params"] == '{"order": 7}'
    assert Entry.objects.get(action="run started").actor_name == "root"


def test_the_options_of_a_run_are_those_of_the_form(fake_api: FakeApi) -> None:
    address = f"/api/workflows/{live_deployment().workflow_public_id}/trigger"
    client = superuser_client()

    sent = client.post(address, {"successRetention": "3 days", "location": "weur"}, **JSON)
    wrong = client.post(address, {"location": "moon"}, **JSON)

    assert (sent.status_code, wrong.status_code) == (201, 400)
    assert fake_api.bodies[0]["location_hint"] == "weur"


def test_what_cannot_run_is_refused(fake_api: FakeApi) -> None:
    client = superuser_client()
    live = live_deployment()
    address = f"/api/workflows/{live.workflow_public_id}/trigger"

    not_live = client.post(f"/api/workflows/{make_workflow().pk}/trigger", {}, **JSON)
    bad_id = client.post(address, {"instanceId": "a b"}, **JSON)
    too_large = client.post(address, {"params": "x" * 110_000}, **JSON)
    live.ir["kind"] = "script"
    live.save()
    script = client.post(address, {}, **JSON)

    assert [not_live.status_code, bad_id.status_code, too_large.status_code] == [409, 400, 413]
    assert (script.status_code, "is a script" in script.json()["error"]) == (400, True)
    assert not Run.objects.exists()


def test_a_target_that_refuses_is_a_bad_gateway(fake_api: FakeApi) -> None:
    fake_api.refusals["POST"] = [refusal(403)]

    address = f"/api/workflows/{live_deployment().workflow_public_id}/trigger"
    answer = superuser_client().post(address, {}, **JSON)

    assert answer.status_code == 502


def test_a_batch_is_checked_as_a_whole_and_started_in_the_background() -> None:
    address = f"/api/workflows/{live_deployment().workflow_public_id}/trigger-batch"
    client = superuser_client()

    invalid = client.post(address, {"runs": [{"params": 1}, {"id": "a b"}]}, **JSON)
    batch = client.post(address, {"runs": [{"params": 1}, {"id": "two"}]}, **JSON)

    assert "Line 2" in invalid.json()["error"]
    change = BulkChange.objects.get()
    assert (batch.status_code, batch.json()["total"]) == (202, 2)
    assert [start["params"] for start in change.starts] == ["1", "{}"]
    assert client.get(f"/api/batches/{change.pk}").json() == batch.json()


def test_runs_are_listed_searched_and_filtered(fake_api: FakeApi) -> None:
    live = live_deployment()
    runs = [make_run(live, instance_id=f"order-{number}") for number in range(3)]
    Run.objects.filter(pk=runs[0].pk).update(status="errored")
    client = superuser_client()

    page = client.get("/api/runs", {"limit": 2}).json()
    rest = client.get("/api/runs", {"limit": 2, "cursor": page["nextCursor"]}).json()

    shown = [row["instanceId"] for row in (*page["data"], *rest["data"])]
    assert shown == ["order-2", "order-1", "order-0"]
    own = f"/api/workflows/{live.workflow_public_id}/runs"
    for address, query in ((own, {"status": "errored"}), ("/api/runs", {"id": "order-0"})):
        found = client.get(address, query).json()["data"]
        assert [row["id"] for row in found] == [str(runs[0].pk)]
    assert client.get("/api/runs", {"status": "broken"}).status_code == 400
    assert client.get("/api/runs", {"connectionId": "999"}).status_code == 404


def test_a_run_is_read_with_its_steps(fake_api: FakeApi) -> None:
    run = make_run(instance_id="order-7")
    fake_api.steps = [attempted_step((0, 1, False), (2, 3, True)), waiting_step(start=3)]
    fake_api.params = {"order": 7}
    client = superuser_client()

    shown = client.get(address_of(run)).json()

    assert (shown["status"], shown["params"], shown["problem"]) == ("waiting", {"order": 7}, "")
    charge, wait = shown["steps"]
    assert (charge["label"], [each["success"] for each in charge["attempts"]]) == (
        "charge",
        [False, True],
    )
    assert wait["eventType"] == "go"
    by_instance = client.get(f"/api/workflows/{run.workflow_id}/runs/order-7").json()
    assert by_instance["id"] == str(run.pk)


def test_a_run_that_nobody_has_is_not_found(fake_api: FakeApi) -> None:
    run = make_run()
    fake_api.refusals["GET"] = [refusal(404)] * 5

    answer = superuser_client().get(f"/api/workflows/{run.workflow_id}/runs/nothing")

    assert answer.status_code == 404


@pytest.mark.parametrize("action", ["pause", "terminate", "restart"])
def test_a_run_is_controlled(action: str, fake_api: FakeApi) -> None:
    run = make_run()

    answer = superuser_client().post(address_of(run, action), {"reason": "Maintenance"}, **JSON)

    assert (answer.status_code, answer.json()["id"]) == (200, str(run.pk))
    assert Entry.objects.get(action=f"run: {action}").reason == "Maintenance"
    (path,) = fake_api.paths("PATCH")
    assert path.endswith(f"/instances/{run.instance_id}/status")


def test_an_action_that_the_status_forbids_is_a_conflict(fake_api: FakeApi) -> None:
    run = make_run(status="complete", is_open=False)
    client = superuser_client()

    pause = client.post(address_of(run, "pause"), {}, **JSON)
    event = client.post(address_of(run, "events"), {"type": "go"}, **JSON)

    assert (pause.status_code, event.status_code) == (409, 409)
    assert client.delete(address_of(run)).status_code == 204


def test_an_event_is_sent_to_a_run(fake_api: FakeApi) -> None:
    run = make_run(status="waiting")
    client = superuser_client()

    sent = client.post(address_of(run, "events"), {"type": "go", "payload": {"ok": True}}, **JSON)
    bad = client.post(address_of(run, "events"), {"type": "not valid!"}, **JSON)

    assert (sent.status_code, bad.status_code) == (202, 400)
    assert fake_api.bodies[0] == {"ok": True}
    assert sent.json()["note"]


def test_each_call_needs_its_permission(fake_api: FakeApi) -> None:
    run = make_run()
    viewer = key_client(make_user("ada", "runs.view_run"))

    assert viewer.get(address_of(run)).status_code == 200
    trigger = f"/api/workflows/{run.workflow_id}/trigger"
    for address in (trigger, address_of(run, "pause"), address_of(run, "events")):
        assert viewer.post(address, {"type": "go"}, **JSON).status_code == 403
    assert viewer.delete(address_of(run)).status_code == 403


def test_a_restricted_key_sees_only_the_runs_of_its_workflows(fake_api: FakeApi) -> None:
    live = live_deployment()
    elsewhere = make_deployment(target=live.target, worker_name="awaitstep-other")
    own, other = make_run(live), make_run(elsewhere)
    client = superuser_client(workflows=[workflow_of(own).pk])

    assert [row["id"] for row in client.get("/api/runs").json()["data"]] == [str(own.pk)]
    assert client.get(address_of(other)).status_code == 403
