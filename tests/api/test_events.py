"""POST /api/events/<type>: permissions, payloads, and which workflows are started."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from audit.models import Entry
from audit.trail import Actor
from deployments.pipeline.stages import Status
from runs.models import Run
from runs.services.control import LARGEST_PAYLOAD
from runs.services.event_triggers import NoListener, start_runs
from runs.sync.call_budget import Budget
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.runs.fake_api import FakeApi, refusal
from workflows.models import Workflow

PAID: dict[str, Any] = {"trigger": {"type": "event", "eventType": "paid"}}
URL = "/api/events/paid"
ADA = Actor(None, "ada")


@pytest.fixture
def client(db: None, settings: Settings) -> Client:
    """A client of a superuser."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    client = Client()
    client.force_login(User.objects.create_superuser("ada", password="x"))
    return client


def live_listener(**fields: Any) -> Workflow:
    """Return a live workflow that `paid` starts; its target does not respond."""
    workflow = make_workflow(**PAID)
    make_deployment(workflow=workflow, **{"status": Status.SUCCEEDED.value} | fields)
    return workflow


def post(client: Client, body: Any = "{}", url: str = URL, **headers: str) -> tuple[int, Any]:
    answer = client.post(url, body, content_type="application/json", headers=headers)
    return answer.status_code, answer.json()


def test_an_event_needs_a_session_and_the_permission_to_start_runs(client: Client) -> None:
    user = User.objects.create_user("bob", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="add_deployment"))
    client.force_login(user)

    anonymous, bob = post(Client()), post(client)

    assert anonymous[0] == 401
    assert anonymous[1]["detail"] == "Send an API key in the header Authorization, or log in."
    assert bob[0] == 403
    assert "runs.trigger_run is missing" in bob[1]["error"]


def test_a_request_from_another_site_is_refused(client: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies

    assert strict.post(URL, "{}", content_type="application/json").status_code == 403


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ("{", 400, "The body is not JSON"),
        ("[NaN]", 400, "NaN is not a JSON value"),
        ('{"a": 1, "a": 2}', 400, 'an object has the key "a" twice'),
        (b"\xff", 400, "The body is not JSON"),
        ("[" * 50_000, 400, "The body is nested too deeply"),
        ("[" * 600 + "]" * 600, 400, "The body must not nest values more than 500 levels deep"),
        ('{"id": 9007199254740993}', 400, "id in the body is 9007199254740993, a whole number"),
        ('{"id": "\\ud800"}', 400, "id in the body contains a lone surrogate"),
        ("9" * 5_000, 400, "The body is a number that is too large"),
        (json.dumps("x" * 100 * 1024), 413, "The body is larger than 100 KB"),
    ],
)
def test_an_invalid_body_is_refused(client: Client, body: Any, status: int, message: str) -> None:
    actual_status, response = post(client, body)

    assert actual_status == status
    assert message in response["error"]


def test_an_invalid_event_type_is_refused(client: Client) -> None:
    status, response = post(client, url="/api/events/not%20a%20type")

    assert (status, response["error"]) == (
        400,
        'The event\'s type must be 1-100 letters, digits, - or _, not "not a type".',
    )


def test_an_idempotency_key_that_is_too_long_is_refused(client: Client) -> None:
    status, response = post(client, **{"Idempotency-Key": "k" * 256})

    assert (status, response["error"]) == (400, "The Idempotency-Key has more than 255 characters.")


def test_an_event_that_starts_nothing_is_not_found(client: Client) -> None:
    make_workflow(**PAID)  # never deployed

    status, response = post(client)

    assert status == 404
    assert 'No deployed workflow is started by the event "paid"' in response["error"]


def test_a_user_with_the_permission_raises_an_event_and_it_is_in_the_audit_trail(
    client: Client, fake_api: FakeApi
) -> None:
    eve = User.objects.create_user("eve", is_staff=True)
    eve.user_permissions.add(Permission.objects.get(codename="trigger_run"))
    client.force_login(eve)
    workflow = live_listener(target=make_target())

    status, response = post(client, '{"sum": 7}', **{"Idempotency-Key": "once"})

    ((run,),) = (response["data"],)
    assert (status, run["workflowId"]) == (202, workflow.pk)
    entry = Entry.objects.get(action="run started")
    assert (entry.actor_name, entry.detail["event"]) == ("eve", "paid")
    assert entry.subject_id == run["instanceId"][:64]
    assert Run.objects.get().instance_id == run["instanceId"]
    assert fake_api.bodies[0]["params"] == '{"sum": 7}'


def test_a_repeated_idempotency_key_starts_no_second_run(client: Client, fake_api: FakeApi) -> None:
    live_listener(target=make_target())
    key = {"Idempotency-Key": "once"}
    first = post(client, **key)
    fake_api.refusals["POST"] = [refusal(400)]

    assert post(client, **key) == first
    assert Entry.objects.filter(action="run started").count() == 1


def test_a_payload_that_is_too_large_for_a_run_is_an_error(db: None, fake_api: FakeApi) -> None:
    live_listener(target=make_target())

    (raised,) = start_runs("paid", "x" * LARGEST_PAYLOAD, by=ADA)

    assert "the limit is 1,048,576 bytes" in raised.error
    assert fake_api.requests == []


def test_an_unreachable_target_is_reported_with_its_workflow(client: Client) -> None:
    workflow = live_listener(target=make_target())

    status, response = post(client)

    assert (status, response["error"]) == (502, "No run could be started. Try again.")
    (detail,) = response["details"]
    assert detail["workflowId"] == workflow.pk
    assert "No response from" in detail["error"]


def test_only_the_live_deployment_counts(db: None) -> None:
    workflow = live_listener(target=make_target())
    other = workflow.ir | {"trigger": {"type": "event", "eventType": "sold"}}
    make_deployment(workflow=workflow, status=Status.SUCCEEDED.value, ir=other)
    make_deployment(workflow=workflow, status=Status.FAILED.value)

    with pytest.raises(NoListener):
        start_runs("paid", {}, by=ADA)


def test_a_deleted_workflow_is_not_started(db: None) -> None:
    live_listener(target=make_target()).delete()

    with pytest.raises(NoListener):
        start_runs("paid", {}, by=ADA)


def test_the_number_of_queries_does_not_grow_with_the_listeners(db: None) -> None:
    target = make_target()
    queries = []
    for _ in range(3):
        live_listener(target=target)
        with CaptureQueriesContext(connection) as captured:
            raised = start_runs("paid", {}, by=ADA)
        queries.append(len(captured))

    assert [bool(run.error) for run in raised] == [True, True, True]
    assert queries[1] == queries[2] <= 5
    assert Budget(target.account_id).used == 2 * (1 + 2 + 3)


def test_a_workflow_that_was_taken_down_is_not_started(db: None) -> None:
    target = make_target()
    workflow = live_listener(target=target)
    make_deployment(
        workflow=workflow, target=target, status=Status.SUCCEEDED.value, action="takedown"
    )

    with pytest.raises(NoListener):
        start_runs("paid", {}, by=ADA)


def test_a_partially_live_workflow_is_started(db: None) -> None:
    live_listener(target=make_target(), status=Status.PARTIAL.value)

    assert start_runs("paid", {}, by=ADA)


@pytest.mark.parametrize("event_type", [".", "..", "x" * 200_000, "a%20b", "%00"])
def test_an_invalid_event_type_is_a_bad_request(client: Client, event_type: str) -> None:
    status, answer = post(client, url=f"/api/events/{event_type}")

    assert status == 400
    assert "must be 1-100 letters" in answer["error"]


def test_a_form_with_files_is_not_a_payload(client: Client) -> None:
    answer = client.post(URL, {"a": "b"})

    assert answer.status_code == 415
    assert answer.json()["error"] == "The body must be JSON, not a form with files."
