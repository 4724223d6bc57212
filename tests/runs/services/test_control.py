"""Starting, changing and answering runs: what is told when a target answers only in part."""

from __future__ import annotations

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
from tests.runs.fake_target import FakeTarget, refusal
from tests.support.page_text import text

pytestmark = pytest.mark.django_db
ADA = Actor(None, "ada")
BY_CRON = "wf 0/5 * * * * #2"


def test_a_started_run_is_indexed_even_if_it_cannot_be_read(
    answering: FakeTarget,
) -> None:
    answering.refuses["GET"] = [refusal(429, retry_after="300")]

    started = control.trigger(live_deployment(), {}, by=ADA, reason="why not")

    assert (started.is_new, started.run.instance_id) == (True, answering.bodies[0]["instance_id"])
    assert (started.run.status, started.run.version_id) == ("queued", "v-one")
    assert Entry.objects.get(action="run started").reason == "why not"


@pytest.mark.parametrize("id_", ["order-7", ""])
def test_a_start_whose_answer_was_lost_is_found_by_its_id(answering: FakeTarget, id_: str) -> None:
    answering.refuses["POST"] = [refusal(500)]

    started = control.trigger(live_deployment(), {}, by=ADA, instance_id=id_)

    assert (started.is_new, started.answer["status"]) == (True, "waiting")
    assert Entry.objects.get(action="run started").subject_id == started.run.instance_id


def test_an_existing_id_starts_no_run_and_is_not_in_the_audit_trail(answering: FakeTarget) -> None:
    answering.refuses["POST"] = [refusal(400)]

    started = control.trigger(live_deployment(), {}, by=ADA, instance_id="order-7")

    assert not started.is_new
    assert not Entry.objects.exists()


def terminated(run: Run) -> Run:
    return control.change(run, "terminate", by=ADA)


def answered(run: Run) -> Run:
    return control.send_event(run, "go", {}, by=ADA).run


@pytest.mark.parametrize(
    ("done", "action"), [(terminated, "run: terminate"), (answered, "event sent")]
)
def test_an_action_succeeds_even_if_the_run_cannot_be_read_afterwards(
    answering: FakeTarget, done: Callable[[Run], Run], action: str
) -> None:
    answering.refuses["GET"] = [refusal(403)]

    done(make_run(instance_id="once"))

    assert Entry.objects.get().action == action


def test_a_refused_action_is_not_in_the_audit_trail(answering: FakeTarget) -> None:
    answering.refuses["PATCH"] = [refusal(409)]

    with pytest.raises(DeployError):
        terminated(make_run())

    assert not Entry.objects.exists()


@pytest.mark.parametrize("action", ["pause", "restart", "delete"])
def test_the_id_of_a_scheduled_run_is_escaped(
    answering: FakeTarget, action: str
) -> None:
    run = make_run(instance_id=BY_CRON)

    control.change(run, action, by=ADA)
    control.send_event(run, "go", {}, by=ADA)

    assert len(answering.asked) > 1
    for _, path in answering.asked:
        segments = path.split("/")
        assert segments[segments.index("instances") + 1].startswith("wf%200%2F5%20")
        assert "%20%232" in path


def test_a_restart_sends_the_step_to_start_at(answering: FakeTarget) -> None:
    control.change(make_run(), "restart", by=ADA, from_step="charge #2")

    begin = {"name": "charge", "count": 2}
    assert answering.bodies[0] == {"status": "restart", "from": begin}


@pytest.mark.parametrize("payload", [float("nan"), [float("inf")], "x" * control.LARGEST_PAYLOAD])
def test_an_invalid_payload_is_not_sent(answering: FakeTarget, payload: Any) -> None:
    live = live_deployment()

    with pytest.raises(control.Refused):
        control.trigger(live, payload, by=ADA)
    with pytest.raises(control.Refused):
        control.send_event(make_run(live), "go", payload, by=ADA)

    assert answering.asked == []


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
