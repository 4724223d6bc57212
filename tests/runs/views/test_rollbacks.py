"""Rollbacks of runs: on their pages, and when runs are terminated."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from audit.models import Entry
from audit.trail import Actor
from runs.bulk import bulk_change, tasks
from runs.index.listing import Filters
from runs.models import BulkChange, Run, RunDetails
from runs.services import control
from runs.sync.poller import Poller
from targets.models import Target
from tests.deployments.factories import make_workflow
from tests.runs.examples import START, attempted_step, live_deployment, make_run, waiting_step
from tests.runs.fake_api import FakeApi
from tests.runs.sync.test_poller import poll_until
from tests.support.page_text import text
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target, deploy, edit_workflow
from tests.workflows.ir.documents import chain, node

ADA = Actor(None, "ada")
BOOKING = chain(
    node("seat", name="Book a seat", rollback="return;"),
    node("meal", name="Order a meal", rollback="return;"),
    node("call", "wait_for_event", eventType="go", timeout="1 hour"),
)
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


def test_a_terminated_run_shows_what_has_been_undone(admin_client: Client, target: Target) -> None:
    live = deploy(edit_workflow(make_workflow(**BOOKING)), target)
    run = control.trigger(live, {}, by=ADA).run
    poll_until(until_status="waiting", run=run, poller=Poller())
    dialog = text(admin_client.get(f"/runs/{run.pk}/terminate/"))

    admin_client.post(f"/runs/{run.pk}/terminate/", {"rollback": "1"})

    assert "2 steps can be undone, in this order: Order a meal , Book a seat" in dialog
    assert Entry.objects.get(action="run: terminate").detail["rollback"] is True
    poll_until(until_status="terminated", run=run, poller=Poller())
    RunDetails.objects.update(fetched_at=START)
    page = admin_client.get(f"/runs/{run.pk}/")
    assert "2 steps have been undone: Order a meal , Book a seat" in text(page)
    assert "Rollback of Book a seat" in text(page)
    assert "Done · rolled back" in text(page)
    assert "has undone: Order a meal , Book a seat" in text(
        admin_client.get(f"/runs/{run.pk}/restart/")
    )


def failed_run(*rollbacks: Any) -> Run:
    workflow = make_workflow(**chain(*BOOKING["nodes"][:2], node("bad", name="Fail")))
    run = make_run(live_deployment(workflow=workflow), status="errored", is_open=False)
    names = {"Book a seat-1": True, "Order a meal-1": True, "Fail-1": False}
    steps = [attempted_step((at, at + 1, ok), name=name, success=ok)
             for at, (name, ok) in enumerate(names.items())]  # fmt: skip
    data = {"status": "errored", "steps": [*steps, *rollbacks]}
    RunDetails.objects.create(run=run, data=data)
    return run


def rollback(name: str, *, success: bool) -> Any:
    return attempted_step((5, 6, success), name=name, type="rollback", success=success)


def test_a_failed_rollback_is_shown_with_the_steps_that_are_not_undone(
    admin_client: Client,
) -> None:
    run = failed_run(rollback("Order a meal-1", success=False))

    page = text(admin_client.get(f"/runs/{run.pk}/"))

    assert "Failed at Fail" in page
    assert "The rollback of Order a meal failed Error: busy Not undone: Book a seat" in page
    assert "Done · rollback failed" in page


def test_a_rollback_is_a_step_of_its_own_with_the_node_that_it_undoes(
    admin_client: Client,
) -> None:
    run = failed_run(
        *(rollback(f"{name}-1", success=True) for name in ("Order a meal", "Book a seat"))
    )

    page = text(admin_client.get(f"/runs/{run.pk}/?step=4"))

    assert "Kind Rollback Name on the target Order a meal-1" in page
    assert "Node meal" in page
    assert "2 steps have been undone" in page


def test_a_run_without_rollbacks_offers_none(admin_client: Client) -> None:
    run = make_run(live_deployment(workflow=make_workflow(**chain(node("a")))), status="waiting")
    RunDetails.objects.create(run=run, data={"status": "waiting", "steps": [waiting_step()]})

    dialog = text(admin_client.get(f"/runs/{run.pk}/terminate/"))

    assert "No step of this run has a rollback" in dialog
    assert "Run the rollbacks first" not in dialog


def test_only_a_termination_can_run_rollbacks(fake_api: FakeApi) -> None:
    with pytest.raises(control.Refused, match="Only a termination"):
        control.change(make_run(), "restart", by=ADA, rollback=True)

    assert fake_api.requests == []


@pytest.mark.parametrize(("action", "sent"), [("terminate", True), ("pause", None)])
def test_many_runs_can_be_terminated_with_their_rollbacks(
    fake_api: FakeApi, admin_client: Client, action: str, sent: Any
) -> None:
    confirmed = bulk_change.sign(action, Filters(), [make_run().pk])

    response = admin_client.post(
        "/runs/bulk/", {"action": action, "confirmed": confirmed, "rollback": "1"}
    )
    change = BulkChange.objects.get()
    tasks.perform.func(change.pk)

    assert response["Location"] == change.get_absolute_url()
    assert [body.get("rollback") for body in fake_api.bodies if body] == [sent]
