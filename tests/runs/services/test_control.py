"""Starting, changing and answering runs when a target refuses or does not respond."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from audit.models import Entry
from audit.trail import Actor
from runs.models import Run
from runs.services import control
from targets.cloudflare.errors import Cause, DeployError
from tests.runs.examples import attempted_step, live_deployment, make_run
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

    assert restart_of(fake_api) == {"name": "charge", "count": 2}


def restart_of(fake_api: FakeApi) -> Any:
    """Return the step that the last restart named."""
    return next(body["from"] for body in reversed(fake_api.bodies) if body and "from" in body)


def test_a_restart_starts_at_the_step_with_exactly_the_name(fake_api: FakeApi) -> None:
    names = ("Call-1", "Call-2", "Call #2-1")
    fake_api.steps = [attempted_step((0, 1, True), name=name) for name in names]

    control.change(make_run(), "restart", by=ADA, from_step="Call #2")

    assert restart_of(fake_api) == {"name": "Call #2", "count": 1}
    assert Entry.objects.get(action="run: restart").detail["from"] == "Call #2"


def test_a_restart_at_an_unknown_step_is_refused_with_the_names_of_the_steps(
    fake_api: FakeApi,
) -> None:
    fake_api.steps = [attempted_step((0, 1, True), name=name) for name in ("Call-1", "Call-2")]

    with pytest.raises(control.Refused, match=r"no step 'Cal'\. Its steps are: Call, Call #2\."):
        control.change(make_run(), "restart", by=ADA, from_step="Cal")

    assert fake_api.paths("PATCH") == []


def test_the_command_says_which_of_two_steps_it_means(fake_api: FakeApi) -> None:
    names = ("Call-1", "Call-2", "Call #2-1")
    fake_api.steps = [attempted_step((0, 1, True), name=name) for name in names]
    run, errors = make_run(status="complete"), StringIO()

    def restart(*options: str) -> Any:
        arguments = (run.workflow_id, run.instance_id, "restart", *options, "--yes")
        call_command("control_run", *arguments, stdout=StringIO(), stderr=errors)
        return restart_of(fake_api)

    assert restart("--from", "Call #2") == {"name": "Call #2", "count": 1}
    assert "use --from 'Call' --occurrence 2" in errors.getvalue()
    assert restart("--from", "Call", "--occurrence", "2") == {"name": "Call", "count": 2}
    for wrong in (["--occurrence", "2"], ["--from", "Call", "--occurrence", "0"]):
        with pytest.raises(CommandError, match="--occurrence must be 1 or more"):
            restart(*wrong)


def test_only_a_restart_starts_at_a_step(fake_api: FakeApi) -> None:
    fake_api.steps = [attempted_step((0, 1, True), name="Call-1")]
    run = make_run()

    with pytest.raises(CommandError, match="Only a restart can start from a step"):
        call_command("control_run", run.workflow_id, run.instance_id, "pause", "--from", "x")


def test_the_page_restarts_at_the_occurrence_that_was_chosen(
    fake_api: FakeApi, admin_client: Client
) -> None:
    names = ("Call-1", "Call-2", "Call #2-1")
    fake_api.steps = [attempted_step((0, 1, True), name=name) for name in names]
    run = make_run(status="complete", is_open=False)

    admin_client.post(f"/runs/{run.pk}/restart/", {"from": "Call #2"})
    assert restart_of(fake_api) == {"name": "Call", "count": 2}
    admin_client.post(f"/runs/{run.pk}/restart/", {"from": "Call #2 #1"})
    assert restart_of(fake_api) == {"name": "Call #2", "count": 1}


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
        (Cause.UNREACHABLE, "No response: it may have been sent"),
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
