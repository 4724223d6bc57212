"""Writing what targets report about runs into the index, and announcing changes to open pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from deployments.history import workflow_names
from deployments.queue.request_factory import secret_values, variables_for
from runs import statuses
from runs.index import attribution, retention, step_times, watchers
from runs.models import Retention, Run, RunChange, RunDetails, RunStep, RunText
from runs.steps.masking import redact_run
from runs.steps.parsing import MAX_STORED_STEPS, Details, Row, StepRow, read_details
from runs.steps.step_nodes import NodeSource, document_of
from targets.models import Target
from workflows.masked_values import masked_values
from workflows.models import Workflow
from workflows.node_types.registered import snapshot

_FIELDS: Final = ("status", "version_id", "started_at", "ended_at", "seconds", "is_open")
_CHANGES_KEPT: Final = timedelta(hours=1)
_CHECK_RECORDED: Final = timedelta(seconds=5)  # listing a run often writes its row less often
_TEXTS_AT_ONCE: Final = 500
_DETAILS_KEPT: Final = timedelta(minutes=5)
_OVERDUE_WAIT: Final = (
    2.0,
    60.0,
)  # shortest and longest seconds until an overdue run is read again


@transaction.atomic
def apply_rows(target: Target, workflow_name: str, rows: Sequence[Row]) -> list[Run]:
    """Update the index from rows of a list; return the runs that are new or have changed."""
    indexed = Run.objects.filter(target=target, workflow_name=workflow_name)
    known = {run.instance_id: run for run in indexed.filter(instance_id__in=_ids(rows))}
    new = [_new(target, workflow_name, row) for row in rows if row.instance_id not in known]
    attribution.assign(target, workflow_name, new)
    Run.objects.bulk_create(new, ignore_conflicts=True)
    new_ids = [run.instance_id for run in new]
    created = list(indexed.filter(instance_id__in=new_ids)) if new else []
    changed = [
        run
        for row in rows
        if (run := known.get(row.instance_id)) is not None and _copy_changes(row, run)
    ]
    now = timezone.now()
    for run in changed:
        run.seen_at = run.checked_at = now
    names = [*_FIELDS, "seen_at", "checked_at", "gone_at", "read_at", "viewed_at"]
    Run.objects.bulk_update(changed, names)
    _mark_checked(known.values(), now)
    announce([*created, *changed])
    return [*created, *changed]


def _mark_checked(runs: Iterable[Run], now: datetime) -> None:
    """Record that the target has reported these runs, unless that was recorded just before."""
    keys = [run.pk for run in runs if run.is_open and run.checked_at < now - _CHECK_RECORDED]
    if keys:
        Run.objects.filter(pk__in=keys).update(checked_at=now)


def _ids(rows: Iterable[Row]) -> list[str]:
    return [row.instance_id for row in rows]


def _values(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _FIELDS}


def _new(target: Target, workflow_name: str, row: Row) -> Run:
    return Run(
        target=target,
        workflow_name=workflow_name,
        instance_id=row.instance_id,
        created_at=row.created_at,
        trigger=row.trigger,
        **_values(row),
    )


def _copy_changes(row: Row, run: Run) -> bool:
    """Copy what differs and return whether anything did; a changed run is read again."""
    values = _values(row)
    if run.gone_at is None and all(getattr(run, name) == value for name, value in values.items()):
        return False
    if run.status != row.status:
        run.viewed_at = None
    for name, value in values.items():
        setattr(run, name, value)
    run.gone_at = None
    run.read_at = None
    return True


def _owner(run: Run) -> str:
    """Return the id of the run's workflow, which may have been deleted."""
    return workflow_names.owner_of(run.target_id, run.workflow_name)


def within_retention(target: Target, workflow_name: str, rows: Sequence[Row]) -> list[Row]:
    """Return the rows that the workflow's retention period keeps.

    This avoids adding rows that it would delete again.
    """
    days = retention.days_of(workflow_names.owner_of(target.pk, workflow_name))
    if not days:
        return list(rows)
    since = timezone.now() - timedelta(days=days)
    return [row for row in rows if row.is_open or row.created_at >= since]


@transaction.atomic
def apply_details(run: Run, data: Mapping[str, Any], *, secrets: Iterable[str]) -> Run:
    """Update the index from one run with its steps, in the format of Cloudflare's API."""
    # Read again in the transaction: a value may have become a secret since.
    secrets = masked_values(_owner(run)).union(secrets)
    details = read_details(data, secrets=secrets, document=_document(run, data))
    _update(run, details)
    texts = {name: getattr(details, name) for name in ("params", "output", "error")}
    RunText.objects.update_or_create(run=run, defaults=texts)
    if not run.is_open:
        _replace_steps(run, details.steps)
        if settings.AWAITSTEP.exports_traces:
            step_times.keep(run, data, details.steps, secrets=secrets)
    keep_details(run, data, secrets=secrets)
    announce([run])
    return run


def mark_unchanged(run: Run, data: Mapping[str, Any]) -> None:
    """Record that the run was read and has not changed; open pages are not notified."""
    details = read_details(data)
    run.read_at, run.due_at = timezone.now(), _next_due(details, run)
    run.waits_since = details.waits_since if run.is_open else None
    changes = {"read_at": run.read_at, "checked_at": run.read_at, "due_at": run.due_at}
    changes |= {"waits_since": run.waits_since}
    Run.objects.filter(pk=run.pk).update(**changes)
    RunDetails.objects.filter(run=run).update(fetched_at=run.read_at)


def _update(run: Run, details: Details) -> None:
    if run.status != details.status:
        run.viewed_at = None
    run.status = details.status
    run.started_at, run.ended_at = details.started_at, details.ended_at
    run.is_open = not statuses.is_final(details.status)
    if run.started_at and run.ended_at:
        run.seconds = max((run.ended_at - run.started_at).total_seconds(), 0)
    run.error = details.error
    run.step_count = len(details.steps)
    run.retries = details.retries
    run.waits_for = details.waits_for if run.is_open else ""
    run.waits_since = details.waits_since if run.is_open else None
    run.due_at = _next_due(details, run)
    run.read_at = run.seen_at = run.checked_at = timezone.now()
    run.save()


def _next_due(details: Details, run: Run) -> datetime | None:
    """Return when the run continues by itself, or when to read an overdue run again.

    The later an overdue run is, the longer the wait, within _OVERDUE_WAIT.
    """
    if not run.is_open or details.due_at is None:
        return None
    now = timezone.now()
    if details.due_at > now:
        return details.due_at
    shortest, longest = _OVERDUE_WAIT
    overdue = (now - details.due_at).total_seconds()
    return now + timedelta(seconds=min(max(overdue, shortest), longest))


def _document(run: Run, data: Mapping[str, Any]) -> NodeSource | None:
    """Return the run's document; None while it is open, when its steps are not stored."""
    is_ended = statuses.is_final(str(data["status"]))
    return document_of(run) if is_ended else None


def _replace_steps(run: Run, steps: Sequence[StepRow]) -> None:
    RunStep.objects.filter(run=run).delete()
    RunStep.objects.bulk_create(
        RunStep(
            run=run,
            name=step.name,
            node_id=step.node_id,
            label=step.label,
            kind=step.kind,
            seconds=step.seconds,
            attempts=step.attempts,
            has_failed=step.has_failed,
        )
        for step in steps[:MAX_STORED_STEPS]
    )


def keep_details(run: Run, data: Mapping[str, Any], *, secrets: Iterable[str]) -> None:
    """Store the whole run, redacted, if a page shows it or the workflow's retention requires it."""
    keeping = Retention.objects.filter(workflow=run.workflow_id, keeps_details=True)
    is_retained = not run.is_open and run.workflow_id is not None and keeping.exists()
    if is_retained or watchers.is_watched(run):
        defaults = {"data": redact_run(data, secrets), "fetched_at": timezone.now()}
        RunDetails.objects.update_or_create(run=run, defaults=defaults)


def secrets_of(run: Run) -> frozenset[str]:
    """Return the secrets that must not be shown or stored with the run.

    Raises DeployError if one cannot be read.
    """
    return secrets_of_workflow(_owner(run))


def secrets_of_workflow(workflow_id: str) -> frozenset[str]:
    """Return the values that the secrets of the workflow have or had; it may have been deleted.

    Raises DeployError if the value of one cannot be read.
    """
    workflow = Workflow.objects.filter(pk=workflow_id).first()
    current = secret_values(variables_for(workflow), snapshot(workflow.ir)) if workflow else ()
    return masked_values(workflow_id).union(current)


def announce(runs: Iterable[Run]) -> None:
    """Notify open pages that the runs have changed."""
    RunChange.objects.bulk_create(RunChange(run=run) for run in runs)


def mark_gone(run: Run) -> None:
    """Record that the target no longer has the run; the row stays, without the payloads."""
    run.gone_at = timezone.now()
    run.is_open = False
    run.save(update_fields=["gone_at", "is_open"])
    retention.remove_texts([run])
    announce([run])


def mark_all_gone(target: Target, workflow_name: str) -> None:
    """Record that the target no longer has any open run of a Workflow, which was deleted."""
    open_runs = Run.objects.filter(target=target, workflow_name=workflow_name, is_open=True)
    runs = list(open_runs)
    open_runs.update(gone_at=timezone.now(), is_open=False)
    for start in range(0, len(runs), _TEXTS_AT_ONCE):
        retention.remove_texts(runs[start : start + _TEXTS_AT_ONCE])
    announce(runs)


def prune() -> None:
    """Delete what open pages needed: old changes, and details that no retention keeps."""
    now = timezone.now()
    RunChange.objects.filter(at__lt=now - _CHANGES_KEPT).delete()
    expired = RunDetails.objects.filter(fetched_at__lt=now - _DETAILS_KEPT)
    keeping = Retention.objects.filter(keeps_details=True).values("workflow")
    expired.exclude(run__is_open=False, run__workflow__in=keeping).delete()
