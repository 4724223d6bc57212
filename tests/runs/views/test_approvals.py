"""Approvals: their forms on the pages, decisions by users and commands, on the embedded platform."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client

from audit.models import Entry
from audit.trail import Actor
from runs.models import Run, RunStep
from runs.services import approvals, control
from runs.services.approvals import Decision
from runs.services.control import Refused
from runs.sync.poller import Poller
from targets.cloudflare.errors import DeployError
from targets.models import Target
from tests.deployments.factories import make_workflow
from tests.local_cloudflare.support.workers import wait_until
from tests.runs.sync.test_poller import poll_until
from tests.support.page_text import markup, text
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target, deploy, edit_workflow
from tests.workflows.ir.documents import chain, node
from workflows.services import set_variable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]
ADA = Actor(None, "ada")
NASTY = "<img src=x onerror=alert(1)>"
SECRET = "sentinel-of-approvals-81f3"
FORM: list[dict[str, Any]] = [
    {"name": "cost center", "label": "Cost center", "required": True},
    {"name": "amount", "type": "number"},
    {"name": "size", "type": "choice", "options": "s\nl"},
    {"name": "urgent", "type": "boolean"},
]
FILLED = {"field-0": "Sales", "field-1": "7.5", "field-2": '"l"', "field-3": "true"}


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


def started(target: Target, *more: dict[str, Any], **data: Any) -> Run:
    """A run that waits for a decision."""
    workflow = make_workflow()
    settings = {"title": "Pay {{ trigger.sum }} EUR?", "fields": FORM, **data}
    approval = node("asked", "human_approval", name="Ask", **settings)
    workflow.ir = {**workflow.ir, **chain(approval, *more)}
    live = deploy(edit_workflow(workflow), target)
    run = control.trigger(live, {"sum": 80, "who": NASTY}, by=ADA).run
    return poll_until(until_status="waiting", run=run, poller=Poller())


def event_of(run: Run) -> str:
    (approval,) = approvals.open_approvals(run)
    return approval.event_type


def output_of(run: Run) -> dict[str, Any]:
    poll_until(until_status="complete", run=run, poller=Poller())
    output: dict[str, Any] = json.loads(run.text.output)
    return output


def test_a_decision_on_the_page_names_the_user_whatever_the_browser_sends(
    admin_client: Client, target: Target
) -> None:
    run = started(target, message="For {{ trigger.who }}", assignedTo="Accounting")
    page = admin_client.get(f"/runs/{run.pk}/")
    forged = {"by": "mallory", "payload": '{"approved": true, "by": "mallory"}'}
    posted = {
        "event": event_of(run),
        "decision": "approve",
        "comment": " fine\r\nby me ",
        **FILLED,
        **forged,
    }

    answer = admin_client.post(f"/runs/{run.pk}/decide/", posted, follow=True)

    assert "Pay 80 EUR?" in text(page)
    assert "Assigned to Accounting" in text(page)
    assert "times out" in text(page)
    assert NASTY not in markup(page)
    assert "Cost center" in text(page)
    assert event_of_page(page) == posted["event"]
    assert "An approval was sent to the run" in text(answer)
    assert output_of(run) == {
        "approved": True, "outcome": "approved", "by": "admin", "comment": "fine\nby me", "escalated": False,
        "fields": {"cost center": "Sales", "amount": 7.5, "size": "l", "urgent": True},
    }  # fmt: skip
    entry = Entry.objects.get(action="approved")
    assert (entry.actor_name, entry.reason) == ("admin", "fine\nby me")


def event_of_page(page: Any) -> str:
    return str(page.content.decode().split('name="event" value="')[1].split('"')[0])


@pytest.mark.long
def test_only_the_first_decision_is_sent_to_a_paused_run(target: Target) -> None:
    run = started(target)
    control.change(run, "pause", by=ADA)
    poll_until(until_status="paused", run=run, poller=Poller())
    event_type = event_of(run)
    approval = Decision(is_approved=True, fields={"cost center": "Sales"})
    approvals.decide(run, event_type, approval, by=ADA)

    with pytest.raises(Refused, match="has already been decided"):
        approvals.decide(run, event_type, Decision(is_approved=False, fields={}), by=ADA)

    control.change(run, "resume", by=ADA)
    assert output_of(run)["outcome"] == "approved"
    assert not Entry.objects.filter(action="rejected").exists()


@pytest.mark.long
def test_a_decision_that_the_target_rejects_can_be_made_again(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = started(target)
    event_type, approval = event_of(run), Decision(is_approved=False, fields={})

    def fail(*_args: object, **_more: object) -> None:
        raise DeployError("busy")

    with monkeypatch.context() as patch:
        patch.setattr(control, "deliver_event", fail)
        with pytest.raises(DeployError, match="busy"):
            approvals.decide(run, event_type, approval, by=ADA)
    approvals.decide(run, event_type, approval, by=ADA)

    assert output_of(run)["outcome"] == "rejected"


@pytest.mark.long
def test_a_rejection_needs_no_fields(admin_client: Client, target: Target) -> None:
    run = started(target, escalateAfter="2 days")
    posted = {"event": event_of(run), "decision": "reject", "next": "waiting"}
    assert "is escalated in" in text(admin_client.get(f"/runs/{run.pk}/"))

    answer = admin_client.post(f"/runs/{run.pk}/decide/", posted)

    assert answer["Location"] == "/runs/waiting/"
    output = output_of(run)
    assert (output["approved"], output["outcome"], output["fields"]) == (False, "rejected", {})


@pytest.mark.long
@pytest.mark.parametrize(
    ("posted", "message"),
    [
        ({"decision": "approve"}, "Cost center is missing"),
        ({"decision": "approve", **FILLED, "field-1": "many"}, "amount is not a number"),
        ({"decision": "approve", **FILLED, "field-2": '"m"'}, "not filled in correctly"),
        ({"decision": "maybe", **FILLED}, "Choose to approve or to reject"),
        ({"decision": "reject", "comment": "x" * 2001}, "The comment has 2,001 characters"),
    ],
)
def test_a_wrong_decision_is_not_sent_and_its_input_is_kept(
    admin_client: Client, target: Target, posted: dict[str, str], message: str
) -> None:
    run = started(target)

    page = admin_client.post(f"/runs/{run.pk}/decide/", {"event": event_of(run), **posted})
    part = admin_client.post(
        f"/runs/{run.pk}/decide/",
        {"event": event_of(run), **posted},
        headers={"HX-Request": "true"},
    )

    assert message in text(page)
    assert message in text(part)
    assert posted.get("field-0", "") in markup(page)
    assert posted.get("comment", "") in text(page)
    assert approvals.open_approvals(run)


def test_an_approval_that_was_decided_cannot_be_decided_again(
    admin_client: Client, target: Target
) -> None:
    again = node("again", "human_approval", name="Ask", title="Really?")
    run = started(target, again, fields=[])
    posted = {"event": event_of(run), "decision": "approve"}
    admin_client.post(f"/runs/{run.pk}/decide/", posted)
    wait_until(lambda: [each.title for each in approvals.open_approvals(run)] == ["Really?"])

    answer = admin_client.post(f"/runs/{run.pk}/decide/", posted, follow=True)

    assert "This approval is closed" in text(answer)
    assert [each.title for each in approvals.open_approvals(run)] == ["Really?"]


def test_only_those_who_may_control_runs_decide(client: Client, target: Target) -> None:
    run = started(target)
    user = User.objects.create_user("viewer", is_staff=True)
    permissions = Permission.objects.filter(codename__in=("view_run", "trigger_run"))
    user.user_permissions.set(permissions)
    client.force_login(user)

    page = client.get(f"/runs/{run.pk}/")
    decision = client.post(
        f"/runs/{run.pk}/decide/", {"event": event_of(run), "decision": "approve", **FILLED}
    )
    payload = {"type": event_of(run), "payload": '{"approved": true}'}
    event = client.post(f"/runs/{run.pk}/event/", payload)

    assert "Pay 80 EUR?" in text(page)
    assert "You need the permission to control runs to decide." in text(page)
    assert 'name="decision"' not in markup(page)
    assert decision.status_code in (302, 403)
    assert "This event decides an approval" in text(event)
    assert approvals.open_approvals(run)


def test_an_event_cannot_pretend_to_be_a_decision(target: Target) -> None:
    run = started(target)

    with pytest.raises(Refused, match="decides an approval"):
        control.send_event(run, event_of(run), {"approved": True, "by": "root"}, by=ADA)


@pytest.mark.long
def test_the_waiting_page_has_the_form_and_an_escalation_changes_it(
    admin_client: Client, target: Target
) -> None:
    run = started(target, escalateAfter=300, escalateTo="Head", escalationMessage="Urgent")
    wait_until(lambda: any(each.is_escalated for each in approvals.open_approvals(run)))

    page = admin_client.get("/runs/waiting/")
    own = admin_client.get(f"/runs/{run.pk}/")

    assert "Escalated: assigned to Head" in text(page)
    assert "Urgent" in text(page)
    assert event_of_page(page) == event_of(run)
    assert "for a decision" in text(own)
    assert "step failed" not in text(own)
    admin_client.post(
        f"/runs/{run.pk}/decide/", {"event": event_of(run), "decision": "approve", **FILLED}
    )
    assert output_of(run)["escalated"] is True
    assert not RunStep.objects.filter(run=run, has_failed=True).exists()


def test_secrets_in_an_approval_are_masked(admin_client: Client, target: Target) -> None:
    workflow = make_workflow()
    set_variable("TOKEN", SECRET, workflow=workflow, is_secret=True)
    approval = node("asked", "human_approval", title="{{ env.TOKEN }}", message="{{ env.TOKEN }}")
    workflow.ir = {**workflow.ir, **chain(approval)}
    run = control.trigger(deploy(edit_workflow(workflow), target), {}, by=ADA).run
    poll_until(until_status="waiting", run=run, poller=Poller())

    pages = [admin_client.get(url) for url in ("/runs/waiting/", f"/runs/{run.pk}/")]
    pages.append(admin_client.get(f"/runs/{run.pk}/decide/?event={event_of(run)}"))

    assert [page.status_code for page in pages] == [200, 200, 200]
    assert all(SECRET not in markup(page) for page in pages)
    assert approvals.open_approvals(run)[0].title != SECRET


def test_lists_say_that_a_run_waits_for_a_decision(admin_client: Client, target: Target) -> None:
    run = started(target)

    pages = [admin_client.get(url) for url in ("/runs/", "/", f"/runs/{run.pk}/event/")]

    assert all("a decision" in text(page) for page in pages)
    assert all("approval-" not in markup(page) for page in pages)


@pytest.mark.long
def test_a_command_decides_in_the_name_of_the_system_user(
    target: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    run = started(target)
    arguments = ["decide_approval", str(run.workflow_id), run.instance_id]

    with pytest.raises((CommandError, SystemExit)):
        call_command(*arguments, "approve", "--fields", "[]")
    with pytest.raises((CommandError, SystemExit)):
        call_command(*arguments, "approve", "--title", "Something else")
    call_command(*arguments, "approve", "--fields", '{"cost center": "X"}', "--comment", "ok")

    assert "approved Pay 80 EUR? in" in capsys.readouterr().out
    output = output_of(run)
    assert output["by"].endswith("command line)")
    assert (output["fields"], output["comment"]) == ({"cost center": "X"}, "ok")


@pytest.mark.long
@pytest.mark.parametrize("fields", [5, [{"label": "x"}], [{"name": "x", "type": ["a"]}]])
def test_a_wait_with_the_event_of_an_approval_does_not_break_the_pages(
    admin_client: Client, target: Target, fields: Any
) -> None:
    workflow = make_workflow()
    event_type = "approval-00000000-0000-4000-8000-000000000000"
    wait = node("asked", "wait_for_event", eventType=event_type, fields=fields)
    workflow.ir = {**workflow.ir, **chain(wait)}
    live = deploy(edit_workflow(workflow), target)
    run = control.trigger(live, {}, by=ADA).run
    poll_until(until_status="waiting", run=run, poller=Poller())

    pages = [
        admin_client.get(f"/runs/{run.pk}/"),
        admin_client.get("/runs/waiting/"),
        admin_client.get(f"/runs/{run.pk}/decide/", {"event": event_type}),
    ]

    assert [page.status_code for page in pages] == [200, 200, 200]
