"""The page of a run and its actions, against the embedded platform."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from audit.models import Entry
from audit.trail import Actor
from deployments.models import Deployment
from runs.models import Run, RunDetails, Watcher
from runs.services import control as controls
from runs.sync.poller import Poller
from targets.models import Target
from tests.deployments.factories import make_deployment, make_workflow
from tests.local_cloudflare.support.control import Control, Fault
from tests.runs.examples import START, attempted_step, live_deployment, make_run
from tests.runs.fake_api import FakeApi
from tests.runs.sync.test_poller import poll_until
from tests.support.page_text import markup, text
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target, deploy, edit_workflow
from tests.workflows.ir.documents import chain, node

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]
ADA = Actor(None, "ada")
NASTY = "<img src=x onerror=alert(1)>"


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


def waiting_run(target: Target, **data: Any) -> Run:
    """A run that waits for the event `go`; its node has these settings."""
    workflow = make_workflow()
    (step,) = workflow.ir["nodes"]
    settings = {"eventType": "go", "timeout": "1 hour", **data}
    workflow.ir = {**workflow.ir, "nodes": [{**step, "type": "wait_for_event", "data": settings}]}
    live = deploy(edit_workflow(workflow), target)
    run = controls.trigger(live, {"who": NASTY}, by=ADA).run
    return poll_until(until_status="waiting", run=run, poller=Poller())


def ended_run(target: Target, code: str, *, status: str = "complete", **policy: Any) -> Run:
    """A run that ended a while ago, so that its page reads it from the target."""
    workflow = make_workflow(code)
    workflow.ir["nodes"][0]["data"] |= policy
    run = controls.trigger(deploy(edit_workflow(workflow), target), {"n": 1}, by=ADA).run
    poll_until(until_status=status, run=run, poller=Poller())
    RunDetails.objects.update(fetched_at=START)
    return run


def test_a_run_shows_its_steps_payload_output_and_picture(
    admin_client: Client, target: Target
) -> None:
    run = ended_run(target, f"return {{ said: {NASTY!r}, list: [1, 2] }};")

    page = admin_client.get(f"/runs/{run.pk}/")

    html = page.content.decode()
    for word in (
        "Complete",
        "Only step",
        "Done",
        "n 1",
        "2 items",
        "Payload",
        "Code of this version",
    ):
        assert word in text(page)
    assert NASTY not in html
    assert 'class="timeline-bar timeline-done"' in html
    assert "data-picture" in html
    assert Watcher.objects.filter(channel=f"run-{run.pk}").exists()


def test_a_failure_comes_first_with_its_step_and_a_restart(
    admin_client: Client, target: Target
) -> None:
    run = ended_run(target, "throw new Error('sold out');", status="errored", retryLimit=0)

    page = admin_client.get(f"/runs/{run.pk}/")

    content = text(page)
    assert "Failed at Only step" in content
    assert "sold out" in content[: content.index("Steps 1")]
    assert "Restart from this step" in content
    assert f"/runs/{run.pk}/restart/?from=Only%20step" in page.content.decode()


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "times"),
    [("Error: internal error; reference = h3p1spm5", 1), ("Error: sold out", 0)],
)
def test_an_internal_error_of_the_embedded_platform_is_explained(
    admin_client: Client, error: str, times: int
) -> None:
    fields = {"status": "errored", "is_open": False, "ended_at": START}
    run = make_run(make_deployment(), error=error, **fields)

    content = text(admin_client.get(f"/runs/{run.pk}/"))

    assert error in content
    assert content.count("a request to a host that cannot be reached") == times


def test_a_wait_is_answered_by_a_shortcut(admin_client: Client, target: Target) -> None:
    schema = {"properties": {"approved": {"type": "boolean"}}}
    run = waiting_run(target, schema=schema)
    page = text(admin_client.get(f"/runs/{run.pk}/"))
    assert "Approve Reject" in page
    assert "times out in" in page

    answer = {"type": "go", "answer": '{"approved": true}', "reason": "looks fine"}
    admin_client.post(f"/runs/{run.pk}/event/", answer)

    poll_until(until_status="complete", run=run, poller=Poller())
    assert Entry.objects.get(action="event sent").reason == "looks fine"


def test_the_types_of_events_are_suggested_with_the_awaited_one_first(admin_client: Client) -> None:
    types = ("approved", "{{ a.type }}", "go", "approved")
    waits = (node(f"w{n}", "wait_for_event", eventType=type_) for n, type_ in enumerate(types))
    run = make_run(live_deployment(ir=chain(node("a"), *waits)), waits_for="go", status="waiting")

    page = markup(admin_client.get(f"/runs/{run.pk}/event/"))

    assert '<option value="go"><option value="approved"></datalist>' in page
    assert "waits for<code>go</code>,<code>approved</code>." in page


def test_an_answer_that_is_not_json_is_kept_and_not_sent(
    admin_client: Client, target: Target, control: Control
) -> None:
    run = waiting_run(target)
    control.forget_calls()

    page = admin_client.post(f"/runs/{run.pk}/event/", {"type": "go", "payload": '{"a": 1,,}'})

    assert "The payload is not JSON" in text(page)
    assert "line 1, column 9" in text(page)
    assert "{&quot;a&quot;: 1,,}" in page.content.decode()
    assert control.writes() == []


def test_a_waiting_run_is_listed_and_answered_from_the_list(
    admin_client: Client, target: Target
) -> None:
    run = waiting_run(target)

    page = admin_client.get("/runs/waiting/")
    sent = admin_client.post(f"/runs/{run.pk}/event/", {"type": "go", "next": "waiting"})

    assert run.instance_id in text(page)
    assert "times out in 59 m" in text(page)
    assert sent["Location"] == "/runs/waiting/"
    poll_until(until_status="complete", run=run, poller=Poller())
    assert "No runs are waiting for an event" in text(admin_client.get("/runs/waiting/"))


@pytest.mark.long
@pytest.mark.parametrize(
    ("action", "status"), [("pause", "paused"), ("terminate", "terminated"), ("delete", "waiting")]
)
def test_a_run_is_changed_from_its_page(
    admin_client: Client, target: Target, action: str, status: str
) -> None:
    run = waiting_run(target)
    confirmation = text(admin_client.get(f"/runs/{run.pk}/{action}/"))

    answer = admin_client.post(f"/runs/{run.pk}/{action}/", {"reason": "stuck"})

    assert run.instance_id in confirmation
    assert answer["Location"] == f"/runs/{run.pk}/"
    run.refresh_from_db()
    assert (run.status, bool(run.gone_at)) == (status, action == "delete")
    assert Entry.objects.get(action=f"run: {action}").reason == "stuck"


def test_a_restart_offers_the_steps_and_shows_what_would_be_lost(
    admin_client: Client, target: Target
) -> None:
    run = ended_run(target, "return 1;")

    page = text(admin_client.get(f"/runs/{run.pk}/restart/?from=Only step"))
    admin_client.post(f"/runs/{run.pk}/restart/", {"from": "Only step"})

    assert "the beginning Only step" in page
    assert "may happen twice" in page
    assert Entry.objects.get(action="run: restart").detail["from"] == "Only step"


def test_a_restart_starts_at_a_step_whose_name_has_blanks_at_its_ends(
    admin_client: Client, fake_api: FakeApi
) -> None:
    run = make_run(status="errored")

    admin_client.post(f"/runs/{run.pk}/restart/", {"from": " charge ", "reason": " stuck "})

    sent = [body for body in fake_api.bodies if body and "from" in body]
    assert [body["from"]["name"] for body in sent] == [" charge "]


def test_an_action_that_the_status_forbids_is_not_sent(
    admin_client: Client, target: Target, control: Control
) -> None:
    run = ended_run(target, "return 1;")
    control.forget_calls()

    page = admin_client.post(f"/runs/{run.pk}/pause/", follow=True)

    assert "you cannot pause a run that is complete" in text(page)
    assert control.writes() == []


def test_a_failing_target_leaves_the_page_with_stored_data(
    admin_client: Client, target: Target, control: Control
) -> None:
    run = ended_run(target, "throw new Error('sold out');", status="errored", retryLimit=0)
    control.faults(Fault(path="/instances", status=400, code=10013, message="we fail"))

    page = text(admin_client.get(f"/runs/{run.pk}/"))

    assert "This page may be outdated." in page
    assert "we fail" in page
    assert "sold out" in page


@pytest.mark.long
def test_a_hanging_target_times_out_soon(
    admin_client: Client, target: Target, control: Control
) -> None:
    run = ended_run(target, "return 1;")
    control.faults(Fault(path="/instances", hang=True))

    page = text(admin_client.get(f"/runs/{run.pk}/"))

    assert "This page may be outdated." in page


def test_a_run_of_a_target_that_cannot_be_reached_is_shown(admin_client: Client) -> None:
    run = make_run(status="waiting")

    page = text(admin_client.get(f"/runs/{run.pk}/"))

    assert "The steps could not be read from the target." in page


@pytest.mark.long
def test_a_truncated_output_can_be_loaded_whole(admin_client: Client, target: Target) -> None:
    run = ended_run(target, "return { long: 'x'.repeat(5000), last: 'the end' };")
    page = admin_client.get(f"/runs/{run.pk}/")
    assert "Load the full output" in text(page)

    whole = admin_client.get(f"/runs/{run.pk}/step/", {"name": "Only step-1"})

    assert (
        "the end" not in text(page)[text(page).index("Name on the target") :].split("Settings")[0]
    )
    assert "the end" in text(whole)


@pytest.mark.long
def test_half_a_character_in_an_output_is_replaced(admin_client: Client, target: Target) -> None:
    run = ended_run(target, "return { cut: '\U0001f600'.slice(0, 1) };")
    addresses = (f"/runs/{run.pk}/", f"/runs/{run.pk}/values/output/")

    pages = [admin_client.get(address).content.decode() for address in addresses]
    pages.append(text(admin_client.get(f"/runs/{run.pk}/step/", {"name": "Only step-1"})))

    assert all("\ufffd" in page for page in pages)


def test_a_failed_run_shows_newer_live_and_draft_versions(admin_client: Client) -> None:
    run = make_run(status="errored", is_open=False)
    target = run.target
    assert run.workflow
    edit_workflow(run.workflow, code="return 2;")

    drafted = text(admin_client.get(f"/runs/{run.pk}/"))
    copy_live(run.deployment, version_number=2)
    edit_workflow(run.workflow, code="return 3;")
    both = text(admin_client.get(f"/runs/{run.pk}/"))
    copy_live(run.deployment, version_number=3)
    live = text(admin_client.get(f"/runs/{run.pk}/"))

    newer = f"This run started with v1. v3 is live on {target.name} now"
    assert "This run started with v1. The draft v2 is not deployed there." in drafted
    assert f"v2 is live on {target.name} now. The draft v3 is not deployed there." in both
    assert f"{newer}." in live


def test_newer_versions_do_not_concern_a_healthy_run(admin_client: Client) -> None:
    run = make_run(status="complete", is_open=False)
    assert run.workflow
    edit_workflow(run.workflow, code="return 2;")
    copy_live(run.deployment, version_number=2)

    assert "This run started with" not in text(admin_client.get(f"/runs/{run.pk}/"))


def test_an_http_request_is_called_by_its_name(admin_client: Client) -> None:
    ping = node("ping", "http_request", url="https://example.com/", method="GET")
    deployment = live_deployment(workflow=make_workflow(**chain(ping)))
    run = make_run(deployment, status="complete", is_open=False)
    step = attempted_step((0, 1, True), name="ping-1")
    RunDetails.objects.create(run=run, data={"status": "complete", "steps": [step]})

    page = text(admin_client.get(f"/runs/{run.pk}/"))

    assert "Kind HTTP request" in page
    assert "ping HTTP request" in page


def copy_live(deployment: Deployment | None, **fields: Any) -> None:
    """Save a copy of the deployment with other fields."""
    assert deployment
    deployment.pk = None
    for name, value in fields.items():
        setattr(deployment, name, value)
    deployment.save()


@pytest.mark.long
def test_a_long_run_is_paginated_and_its_picture_loaded_last(
    admin_client: Client, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ended_run(target, "return 1;")
    steps = [attempted_step((n, n + 1, True), name=f"work-{n}") for n in range(2000)]
    steps.append(attempted_step((2000, 2001, False), name="Only step-1", success=False))
    data = {"status": "complete", "params": {}, "output": "", "steps": steps}
    monkeypatch.setattr("runs.sync.poller.describe", lambda *_args: data)

    page = admin_client.get(f"/runs/{run.pk}/?steps=1")
    picture = admin_client.get(f"/runs/{run.pk}/picture/", headers={"HX-Request": "true"})

    assert page.content.decode().count('class="timeline-row') == 300
    assert "Failed: Only step" in text(page)
    assert f'hx-get="/runs/{run.pk}/picture/"' in page.content.decode()
    assert "data-picture" in picture.content.decode()


def test_a_restart_offers_the_requested_step_among_many(
    admin_client: Client, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ended_run(target, "return 1;")
    steps = [attempted_step((n, n + 1, True), name=f"work [{n}]-1") for n in range(2000)]
    data = {"status": "complete", "params": {}, "output": "", "steps": steps}
    monkeypatch.setattr("runs.sync.poller.describe", lambda *_args: data)

    page = admin_client.get(f"/runs/{run.pk}/restart/", {"from": "work [1999]"})

    assert page.context["from_step"] == "work [1999]"
    assert '<option value="work [1999]" selected>' in page.content.decode()
