"""Old runs in the index. A workflow's own retention takes precedence over the setting."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from audit.batches import Batch
from runs.models import Retention, Run, RunText


def days_of(workflow_id: str | None) -> int:
    """Return how many days the workflow's runs are kept; 0 if forever."""
    own = Retention.objects.filter(workflow=workflow_id).values_list("days", flat=True).first()
    return settings.AWAITSTEP.keep_runs_days if own is None else own


def old_runs(cursor: str, days: int, before: datetime, size: int) -> Batch:
    """Return ended runs from before the time, then those of each workflow with its own retention."""
    workflow: str
    workflow, at, after = json.loads(cursor) if cursor else ("", "", 0)
    if workflow:
        days = days_of(workflow)
        before = timezone.now() - timedelta(days=days)
        runs = Run.objects.filter(workflow=workflow)
    else:
        runs = Run.objects.all()
    runs = runs if days else runs.none()
    found = list(_after(runs.filter(created_at__lt=before), at, after)[:size])
    own = _with_own_retention() if not workflow else frozenset()
    old = [pk for pk, _, is_open, owner in found if not is_open and owner not in own]
    following: str | None
    if len(found) == size:
        following = json.dumps([workflow, found[-1][1].isoformat(), found[-1][0]])
    else:
        following = _next_workflow(workflow)
    return Batch(keys=old, count=len, remove=_remove, cursor=following)


def _after(runs: QuerySet[Run], at: str, pk: int) -> QuerySet[Run, tuple[int, datetime, bool, str]]:
    if at:
        later = Q(created_at__gt=at) | Q(created_at=at, pk__gt=pk)
        runs = runs.filter(later, created_at__gte=at)
    rows = runs.order_by("created_at", "pk")
    return rows.values_list("pk", "created_at", "is_open", "workflow_id")


def _with_own_retention() -> frozenset[str]:
    return frozenset(Retention.objects.values_list("workflow_id", flat=True))


def _next_workflow(workflow: str) -> str | None:
    """Return the cursor of the next workflow with a retention of its own."""
    following = Retention.objects.filter(workflow__gt=workflow).order_by("workflow")
    pk = following.values_list("workflow_id", flat=True).first()
    return json.dumps([pk, "", 0]) if pk else None


@transaction.atomic
def _remove(keys: Sequence[int]) -> int:
    """Remove runs with their steps; a run that has been restarted in the meantime stays."""
    removed = Run.objects.filter(pk__in=keys, is_open=False).delete()[1]
    return removed.get(Run._meta.label, 0)


def remove_texts(runs: Iterable[Run]) -> None:
    """Remove the payloads of runs that their target has deleted, unless a retention keeps them."""
    keeping = Retention.objects.filter(keeps_details=True).values("workflow")
    texts = RunText.objects.filter(run__in=[run.pk for run in runs])
    texts.exclude(run__workflow__in=keeping).delete()
