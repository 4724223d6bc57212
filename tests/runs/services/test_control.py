"""Starting, changing and answering runs when a target refuses or does not answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from audit.models import Entry
from audit.trail import Actor
from runs.models import Run
from runs.services import control
from targets.cloudflare.errors import Cause, DeployError
from tests.runs.examples import live_deployment, make_run
from tests.runs.fake_api import FakeApi, refusal
from tests.support.audit_entries import entries
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
ADA = Actor(None, "ada")
SCHEDULED_ID = "wf 0/5 * * * * #2"


def test_a_started_run_is_indexed_even_if_it_cannot_be_read(
    fake_api: FakeApi,
) -> None:
    fake_api.refusals["GET"] = [refusal(429, retry_after="300")]

    started = control.trigger(live_deployment(), {}, by=ADA, reason="why not")

    assert (started.is_new, started.run.instance_id) == (True, fake_api.bodies[0]["instance_id"])
    assert (started.run.status, started.run.version_id) == ("queued", "v-one")
    assert Entry.objects.get(action="run started").reason == "why not"


@pytest.mark.parametrize("id_", ["order-7", ""])
def test_a_start_whose_answer_was_lost_is_found_by_its_id(fake_api: FakeApi, id_: str) -> None:
    fake_api.refusals["POST"] = [refusal(500)]

    started = control.trigger(live_deployment(), {}, by=ADA, instance_id=id_)

    assert (started.is_new, started.answer["status"]) == (True, "waiting")
    assert Entry.objects.get(action="run started").subject_id == started.run.instance_id


def test_an_existing_id_starts_no_run_and_is_not_in_the_audit_trail(fake_api: FakeApi) -> None:
    fake_api.refusals["POST"] = [refusal(400)]

    started = control.trigger(live_deployment(), {}, by=ADA, instance_id="order-7")

    assert not started.is_new
    assert not entries().exists()


def terminate(run: Run) -> Run:
    return control.change(run, "terminate", by=ADA)


def answer(run: Run) -> Run:
    return control.send_event(run, "go", {}, by=ADA).run


@pytest.mark.parametrize(
    ("done", "action"), [(terminate, "run: terminate"), (answer, "event sent")]
)
def test_an_action_succeeds_even_if_the_run_cannot_be_read_afterwards(
    fake_api: FakeApi, done: Callable[[Run], Run], action: str
) -> None:
    fake_api.refusals["GET"] = [refusal(403)]

    done(make_run(instance_id="once"))

    assert entries().get().action == action


@pytest.mark.parametrize("payload", [None, 0, False, "", [], {}, {"a": None}])
def test_an_event_is_sent_with_exactly_its_payload(fake_api: FakeApi, payload: object) -> None:
    control.send_event(make_run(), "go", payload, by=ADA)

    sent = [content for content in fake_api.contents if content]
    assert list(map(json.loads, sent)) == [payload]


def test_a_refused_action_is_not_in_the_audit_trail(fake_api: FakeApi) -> None:
    fake_api.refusals["PATCH"] = [refusal(409)]

    with pytest.raises(DeployError):
        terminate(make_run())

    assert not entries().exists()


@pytest.mark.parametrize("action", ["pause", "restart", "delete"])
def test_the_id_of_a_scheduled_run_is_escaped(fake_api: FakeApi, action: str) -> None:
    run = make_run(instance_id=SCHEDULED_ID)

    control.change(run, action, by=ADA)
    control.send_event(run, "go", {}, by=ADA)

    assert len(fake_api.requests) > 1
    for _, path in fake_api.requests:
        segments = path.split("/")
        assert segments[segments.index("instances") + 1].startswith("wf%200%2F5%20")
        assert "%20%232" in path


def test_a_restart_sends_the_step_to_start_at(fake_api: FakeApi) -> None:
    control.change(make_run(), "restart", by=ADA, from_step="charge #2")

    start_at = {"name": "charge", "count": 2}
    assert fake_api.bodies[0] == {"status": "restart", "from": start_at}


@pytest.mark.parametrize("payload", [float("nan"), [float("inf")], "x" * control.LARGEST_PAYLOAD])
def test_an_invalid_payload_is_not_sent(fake_api: FakeApi, payload: Any) -> None:
    live = live_deployment()

    with pytest.raises(control.Refused):
        control.trigger(live, payload, by=ADA)
    with pytest.raises(control.Refused):
        control.send_event(make_run(live), "go", payload, by=ADA)

    assert fake_api.requests == []


@pytest.mark.parametrize(
    ("cause", "headline"),
    [
        (Cause.PERMISSION, "Nothing was sent"),
        (Cause.UNREACHABLE, "No answer: it may have been sent"),
    ],
)
def test_a_page_claims_that_nothing_was_done_only_if_that_is_certain(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch, cause: Cause, headline: str
) -> None:
    def refuse(*_args: object, **_more: object) -> None:
        raise DeployError("Try again.", cause=cause)

    monkeypatch.setattr(control, "send_event", refuse)

    page = admin_client.post(f"/runs/{make_run().pk}/event/", {"type": "go", "payload": "{}"})

    assert f"{headline} Try again." in text(page)
