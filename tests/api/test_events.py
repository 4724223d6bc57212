"""POST /api/events/<type>: who may, with what, and which workflows it means."""

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
from runs.services.event_triggers import NoListener, raise_event
from runs.sync.call_budget import Budget
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.runs.fake_target import FakeTarget, refusal
from workflows.models import Workflow

PAID: dict[str, Any] = {"trigger": {"type": "event", "eventType": "paid"}}
URL = "/api/events/paid"
ADA = Actor(None, "ada")


@pytest.fixture
def client(db: None, settings: Settings) -> Client:
    """Somebody who may deploy."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    client = Client()
    client.force_login(User.objects.create_superuser("ada", password="x"))
    return client


def listening(**fields: Any) -> Workflow:
    """A workflow that is live and started by `paid`, on a target where nothing answers."""
    workflow = make_workflow(**PAID)
    make_deployment(workflow=workflow, **{"status": Status.SUCCEEDED.value} | fields)
    return workflow


def post(client: Client, body: Any = "{}", url: str = URL, **headers: str) -> tuple[int, Any]:
    answer = client.post(url, body, content_type="application/json", headers=headers)
    return answer.status_code, answer.json()


def test_an_event_needs_a_session_and_the_right_to_start_runs(client: Client) -> None:
    bob_ = User.objects.create_user("bob", is_staff=True)
    bob_.user_permissions.add(Permission.objects.get(codename="add_deployment"))
    client.force_login(bob_)

    anonymous, bob = post(Client()), post(client)

    assert anonymous == (401, {"error": "Log in first: this call needs a session."})
    assert bob[0] == 403
    assert "You may not start runs" in bob[1]["error"]


def test_a_request_from_another_site_is_refused(client: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies

    assert strict.post(URL, "{}", content_type="application/json").status_code == 403


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ("{", 400, "The body is not JSON"),
        ("[NaN]", 400, "NaN is not a JSON value"),
        (b"\xff", 400, "The body is not JSON"),
        ("[" * 50_000, 400, "The body is not JSON"),
        (json.dumps("x" * 100 * 1024), 413, "The body is larger than 100 KB"),
    ],
)
def test_a_body_that_is_no_payload_is_refused(
    client: Client, body: Any, status: int, sentence: str
) -> None:
    answered, told = post(client, body)

    assert answered == status
    assert sentence in told["error"]


def test_a_type_that_no_event_has_is_refused(client: Client) -> None:
    status, told = post(client, url="/api/events/not%20a%20type")

    assert (status, told["error"]) == (
        400,
        'The event\'s type must be 1-100 letters, digits, - or _, not "not a type".',
    )


def test_a_key_has_an_end(client: Client) -> None:
    status, told = post(client, **{"Idempotency-Key": "k" * 256})

    assert (status, told["error"]) == (400, "The Idempotency-Key has more than 255 characters.")


def test_an_event_that_starts_nothing_is_told(client: Client) -> None:
    make_workflow(**PAID)  # never deployed

    status, told = post(client)

    assert status == 404
    assert 'No deployed workflow is started by the event "paid"' in told["error"]


def test_whoever_may_start_runs_raises_an_event_and_is_on_the_trail(
    client: Client, answering: FakeTarget
) -> None:
    eve = User.objects.create_user("eve")
    eve.user_permissions.add(Permission.objects.get(codename="trigger_run"))
    client.force_login(eve)
    workflow = listening(target=make_target())

    status, told = post(client, '{"sum": 7}', **{"Idempotency-Key": "once"})

    ((run,),) = (told["data"],)
    assert (status, run["workflowId"]) == (202, workflow.pk)
    entry = Entry.objects.get(action="run started")
    assert (entry.actor_name, entry.detail["event"]) == ("eve", "paid")
    assert entry.subject_id == run["instanceId"][:64]
    assert Run.objects.get().instance_id == run["instanceId"]
    assert answering.bodies[0]["params"] == '{"sum": 7}'


def test_the_same_key_starts_no_second_run(client: Client, answering: FakeTarget) -> None:
    listening(target=make_target())
    key = {"Idempotency-Key": "once"}
    first = post(client, **key)
    answering.refuses["POST"] = [refusal(400)]

    assert post(client, **key) == first
    assert Entry.objects.filter(action="run started").count() == 1


def test_a_payload_that_no_run_takes_is_told(db: None, answering: FakeTarget) -> None:
    listening(target=make_target())

    (raised,) = raise_event("paid", "x" * LARGEST_PAYLOAD, by=ADA)

    assert "a run takes 1,048,576" in raised.error
    assert answering.asked == []


def test_a_target_that_fails_is_told_for_its_workflow(client: Client) -> None:
    workflow = listening(target=make_target())

    status, told = post(client)

    assert (status, told["error"]) == (502, "No run could be started: try again.")
    (detail,) = told["details"]
    assert detail["workflowId"] == workflow.pk
    assert "Nothing answers at" in detail["error"]


def test_only_what_is_live_counts(db: None) -> None:
    workflow = listening(target=make_target())
    other = workflow.ir | {"trigger": {"type": "event", "eventType": "sold"}}
    make_deployment(workflow=workflow, status=Status.SUCCEEDED.value, ir=other)
    make_deployment(workflow=workflow, status=Status.FAILED.value)

    with pytest.raises(NoListener):
        raise_event("paid", {}, by=ADA)


def test_a_deleted_workflow_is_started_by_nothing(db: None) -> None:
    listening(target=make_target()).delete()

    with pytest.raises(NoListener):
        raise_event("paid", {}, by=ADA)


def test_listeners_are_found_and_their_calls_counted_at_once(db: None) -> None:
    target = make_target()
    queries = []
    for _ in range(3):
        listening(target=target)
        with CaptureQueriesContext(connection) as asked:
            raised = raise_event("paid", {}, by=ADA)
        queries.append(len(asked))

    assert [bool(one.error) for one in raised] == [True, True, True]
    assert queries[1] == queries[2] <= 5
    assert Budget(target.account_id).used == 2 * (1 + 2 + 3)


def test_what_was_taken_down_is_started_by_nothing(db: None) -> None:
    target = make_target()
    workflow = listening(target=target)
    make_deployment(
        workflow=workflow, target=target, status=Status.SUCCEEDED.value, action="takedown"
    )

    with pytest.raises(NoListener):
        raise_event("paid", {}, by=ADA)


def test_what_is_live_but_for_a_part_is_started(db: None) -> None:
    listening(target=make_target(), status=Status.PARTIAL.value)

    assert raise_event("paid", {}, by=ADA)
