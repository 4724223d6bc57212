"""One action on many runs: counted and confirmed first, performed by a worker, its progress kept."""

from __future__ import annotations

import logging
from typing import Final
from urllib.parse import parse_qs

from django.utils import timezone
from django_tasks import task

from audit import trail
from audit.trail import Actor, Subject
from deployments.errors import DeployError, RateLimited
from runs import control
from runs.control import Refused
from runs.listing import Filters, filtered
from runs.models import BulkChange, Run

logger = logging.getLogger(__name__)

MOST: Final = 10_000
_ERRORS: Final = 20
_SAVE_EVERY: Final = 10


def ask(action: str, query: str, *, by: Actor, reason: str) -> BulkChange:
    """Put the action on all runs of a list's query into the queue; raises Refused for none or too many."""
    if action not in control.ACTIONS:
        raise Refused(f"A run can be told to {', '.join(control.ACTIONS)}; not to {action}.")
    found = filtered(Filters.of(_first(query)))
    ids = list(found.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
    if not ids:
        raise Refused("No run fits the filter: nothing was changed.")
    if len(ids) > MOST:
        raise Refused(f"More than {MOST:,} runs fit the filter: narrow it. Nothing was changed.")
    made = BulkChange.objects.create(
        action=action,
        query=query,
        reason=reason,
        by=by.user,
        by_name=by.name,
        total=len(ids),
        run_ids=ids,
    )
    subject = Subject("runs", str(made.pk), str(made))
    trail.record(f"runs: {action}", subject, by=by, reason=reason, runs=len(ids), filter=query)
    perform.enqueue(made.pk)
    return made


def _first(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


@task()
def perform(pk: int) -> None:
    """Make the change for each run; one that is refused keeps no other from its own."""
    bulk = BulkChange.objects.get(pk=pk)
    by = Actor(bulk.by, bulk.by_name)
    for number, run_id in enumerate(bulk.run_ids[bulk.done + bulk.failed :], 1):
        _one(bulk, run_id, by)
        if number % _SAVE_EVERY == 0:
            bulk.save(update_fields=["done", "failed", "errors"])
    bulk.ended_at = timezone.now()
    bulk.save(update_fields=["done", "failed", "errors", "ended_at"])


def _one(bulk: BulkChange, run_id: int, by: Actor) -> None:
    run = Run.objects.select_related("target", "workflow").filter(pk=run_id).first()
    if run is None:
        bulk.done += 1
        return
    try:
        control.change(run, bulk.action, by=by, reason=bulk.reason)
        bulk.done += 1
    except (DeployError, RateLimited) as refused:
        bulk.failed += 1
        if len(bulk.errors) < _ERRORS:
            bulk.errors.append({"run": run.instance_id, "message": str(refused)})
