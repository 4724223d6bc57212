"""Writing what targets tell of runs into the index, and that it changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from deployments.queue.request_factory import secret_values, variables_for
from runs import statuses
from runs.index import attribution, watchers
from runs.models import Retention, Run, RunChange, RunDetails, RunStep, RunText
from runs.steps.parsing import Details, Row, StepRow, read_details
from targets.cloudflare import naming
from targets.cloudflare.redaction import redact
from targets.models import Target
from workflows.models import Workflow
from workflows.node_types.registered import snapshot

_FIELDS: Final = ("status", "version_id", "started_at", "ended_at", "seconds", "is_open")
_CHANGES_KEPT: Final = timedelta(hours=1)
_GONE_KEPT: Final = timedelta(days=1)
_DETAILS_KEPT: Final = timedelta(minutes=5)
_PATIENCE: Final = (2.0, 60.0)  # seconds until what is overdue is asked for again
_MOST_STEPS: Final = 1000


@transaction.atomic
def apply_rows(target: Target, workflow_name: str, rows: Sequence[Row]) -> list[Run]:
    """Bring the index up to these rows of a list, and return the runs that are new or changed."""
    mine = Run.objects.filter(target=target, workflow_name=workflow_name)
    known = {run.instance_id: run for run in mine.filter(instance_id__in=_ids(rows))}
    new = [_new(target, workflow_name, row) for row in rows if row.instance_id not in known]
    attribution.place(target, workflow_name, new)
    Run.objects.bulk_create(new, ignore_conflicts=True)
    made = list(mine.filter(instance_id__in=[run.instance_id for run in new])) if new else []
    changed = [
        run
        for row in rows
        if (run := known.get(row.instance_id)) is not None and _differs(run, row)
    ]
    for run in changed:
        run.seen_at = timezone.now()
    Run.objects.bulk_update(changed, [*_FIELDS, "seen_at", "gone_at", "read_at"])
    tell([*made, *changed])
    return [*made, *changed]


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


def _differs(run: Run, row: Row) -> bool:
    """Take over what differs and tell whether anything did; what has ended is read once more."""
    values = _values(row)
    if run.gone_at is None and all(getattr(run, name) == value for name, value in values.items()):
        return False
    for name, value in values.items():
        setattr(run, name, value)
    run.gone_at = None
    run.read_at = None
    return True


def worth_keeping(workflow_name: str, rows: Sequence[Row]) -> list[Row]:
    """Return the rows that the workflow's retention does not take away again."""
    mine = Retention.objects.filter(workflow=naming.workflow_id(workflow_name))
    days = mine.values_list("days", flat=True).first()
    if days is None:
        return list(rows)
    since = timezone.now() - timedelta(days=days)
    return [row for row in rows if row.is_open or row.created_at >= since]


@transaction.atomic
def apply_details(run: Run, told: Mapping[str, Any], *, secrets: Iterable[str]) -> Run:
    """Bring the index up to what the target says of one run with its steps."""
    hide = partial(redact, secrets=tuple(secrets))
    details = read_details(told, hide=hide)
    _update(run, details)
    texts = {name: getattr(details, name) for name in ("params", "output", "error")}
    RunText.objects.update_or_create(run=run, defaults=texts)
    if not run.is_open:
        _keep_steps(run, details.steps)
    keep_details(run, told, hide=hide)
    tell([run])
    return run


def confirm(run: Run, told: Mapping[str, Any]) -> None:
    """Write that the run was read and is as it was: that is no news to open pages."""
    run.read_at, run.due_at = timezone.now(), _next_due(read_details(told), run)
    Run.objects.filter(pk=run.pk).update(read_at=run.read_at, due_at=run.due_at)
    RunDetails.objects.filter(run=run).update(asked_at=run.read_at)


def _update(run: Run, details: Details) -> None:
    run.status = details.status
    run.started_at, run.ended_at = details.started_at, details.ended_at
    run.is_open = not statuses.is_final(details.status)
    if run.started_at and run.ended_at:
        run.seconds = max((run.ended_at - run.started_at).total_seconds(), 0)
    run.error = details.error
    run.step_count = len(details.steps)
    run.retries = details.retries
    run.waits_for = details.waits_for if run.is_open else ""
    run.due_at = _next_due(details, run)
    run.read_at = run.seen_at = timezone.now()
    run.save()


def _next_due(details: Details, run: Run) -> datetime | None:
    """Return when the run goes on by itself; where it should have by now, when to look again.

    That is as long from now as it is late, so that it is asked for ever more rarely.
    """
    if not run.is_open or details.due_at is None:
        return None
    now = timezone.now()
    if details.due_at > now:
        return details.due_at
    least, most = _PATIENCE
    late = min(max((now - details.due_at).total_seconds(), least), most)
    return now + timedelta(seconds=late)


def _keep_steps(run: Run, steps: Sequence[StepRow]) -> None:
    RunStep.objects.filter(run=run).delete()
    RunStep.objects.bulk_create(
        RunStep(
            run=run,
            name=step.name,
            kind=step.kind,
            seconds=step.seconds,
            attempts=step.attempts,
            has_failed=step.has_failed,
        )
        for step in steps[:_MOST_STEPS]
    )


def keep_details(run: Run, told: Mapping[str, Any], *, hide: Callable[[str], str]) -> None:
    """Keep the whole run, without secrets, for whoever looks at it, and for its retention."""
    kept = Retention.objects.filter(workflow=run.workflow_id, keeps_details=True)
    is_kept = not run.is_open and run.workflow_id is not None and kept.exists()
    if is_kept or watchers.is_watched(run):
        defaults = {"told": hidden(told, hide), "asked_at": timezone.now()}
        RunDetails.objects.update_or_create(run=run, defaults=defaults)


def hidden(value: Any, hide: Callable[[str], str]) -> Any:
    """Return the value of JSON with each of its texts as `hide` leaves it."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {str(key): hidden(item, hide) for key, item in value.items()}
    if isinstance(value, list):
        return [hidden(item, hide) for item in value]
    return value


def secrets_of(run: Run) -> Sequence[str]:
    """Return the values that nothing kept of the run may show; raises DeployError."""
    return secrets_in(run.workflow) if run.workflow else ()


def secrets_in(workflow: Workflow) -> Sequence[str]:
    """Return the values of the secrets that the workflow's code is given; raises DeployError."""
    return secret_values(variables_for(workflow), snapshot(workflow.ir))


def tell(runs: Iterable[Run]) -> None:
    """Tell open pages that the runs have changed."""
    RunChange.objects.bulk_create(RunChange(run=run) for run in runs)


def mark_gone(run: Run) -> None:
    """Write that the target keeps the run no more; what is known of it stays."""
    run.gone_at = timezone.now()
    run.is_open = False
    run.save(update_fields=["gone_at", "is_open"])
    tell([run])


def mark_all_gone(target: Target, workflow_name: str) -> None:
    """Write of all runs that go on that the target keeps them no more: their Workflow is gone."""
    mine = Run.objects.filter(target=target, workflow_name=workflow_name, is_open=True)
    runs = list(mine)
    mine.update(gone_at=timezone.now(), is_open=False)
    tell(runs)


def prune() -> None:
    """Forget old changes, and the runs that are kept no longer than their target keeps them."""
    now = timezone.now()
    RunChange.objects.filter(at__lt=now - _CHANGES_KEPT).delete()
    for retention in Retention.objects.all():
        old = now - timedelta(days=retention.days)
        Run.objects.filter(
            workflow=retention.workflow_id, created_at__lt=old, is_open=False
        ).delete()
    kept = Retention.objects.values("workflow")
    Run.objects.filter(gone_at__lt=now - _GONE_KEPT).exclude(workflow__in=kept).delete()
    passing = RunDetails.objects.filter(asked_at__lt=now - _DETAILS_KEPT)
    keeping = Retention.objects.filter(keeps_details=True).values("workflow")
    passing.exclude(run__is_open=False, run__workflow__in=keeping).delete()
