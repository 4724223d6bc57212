"""How long runs are kept, and that changes to this are recorded."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from audit.models import Entry
from runs.index import writer
from runs.models import Retention, Run, RunText
from runs.steps.parsing import Row
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.runs.examples import make_run, workflow_of

ADD = "/admin/runs/retention/add/"


def test_a_retention_set_in_the_admin_is_recorded(admin_client: Client) -> None:
    workflow = make_workflow()

    admin_client.post(ADD, {"workflow": workflow.pk, "days": 90, "keeps_details": "on"})

    assert Retention.objects.get().days == 90
    entry = Entry.objects.get(action="retention set")
    assert (entry.subject_id, entry.detail["days"]) == (workflow.pk, 90)


def test_a_removed_retention_is_recorded(admin_client: Client) -> None:
    retention = Retention.objects.create(workflow=make_workflow())

    admin_client.post(f"/admin/runs/retention/{retention.pk}/delete/", {"post": "yes"})

    assert not Retention.objects.exists()
    assert Entry.objects.get(action="retention removed").subject_id == retention.workflow_id


def test_the_payloads_of_a_gone_run_are_deleted_with_it(db: None) -> None:
    run = make_run(status="terminated")
    kept = make_run(make_deployment(target=make_target(name="other")), status="terminated")
    Retention.objects.create(workflow=workflow_of(kept))
    for each in (run, kept):
        RunText.objects.create(run=each, params="who asked")
        writer.mark_gone(each)

    assert [text.run for text in RunText.objects.all()] == [kept]
    assert Run.objects.count() == 2


@pytest.mark.parametrize(("days", "is_kept"), [(10, False), (90, True), (0, True)])
def test_a_retention_decides_which_runs_of_a_target_are_added(
    db: None, settings: Settings, days: int, *, is_kept: bool
) -> None:
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"keep_runs_days": days})
    row = Row(
        instance_id="old",
        status="complete",
        trigger="api",
        version_id="",
        created_at=timezone.now() - timedelta(days=40),
        started_at=None,
        ended_at=None,
    )

    assert bool(writer.within_retention(make_target(), "awaitstep-x", [row])) is is_kept
