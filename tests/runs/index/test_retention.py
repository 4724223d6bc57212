"""How long runs are kept, and that changes to this are recorded."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from audit.models import Entry
from runs.index import writer
from runs.models import Retention, Run
from tests.deployments.factories import make_target, make_workflow
from tests.runs.examples import make_run

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


def test_gone_runs_are_kept_for_the_days_of_their_retention(db: None) -> None:
    kept, other = make_workflow(), make_workflow()
    Retention.objects.create(workflow=kept, days=30)
    now, target = timezone.now(), make_target()
    for workflow, days in ((kept, 10), (kept, 40), (other, 10)):
        Run.objects.create(
            target=target,
            workflow=workflow,
            instance_id=f"{workflow.pk}-{days}",
            status="complete",
            created_at=now - timedelta(days=days),
            is_open=False,
            gone_at=now - timedelta(days=2),
        )

    writer.prune()

    assert [run.instance_id for run in Run.objects.all()] == [f"{kept.pk}-10"]


def test_a_gone_run_is_kept_for_a_day(db: None) -> None:
    run = make_run(status="terminated")
    writer.mark_gone(run)
    writer.prune()
    assert Run.objects.exists()

    Run.objects.update(gone_at=timezone.now() - timedelta(hours=25))
    writer.prune()

    assert not Run.objects.exists()
