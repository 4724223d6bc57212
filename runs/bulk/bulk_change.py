"""One action on many runs: counted and confirmed first, performed by a worker, its progress kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.core import signing
from django.db.models import Q

from audit import trail
from audit.trail import Actor, Subject
from runs import statuses
from runs.bulk.tasks import perform
from runs.index.listing import Filters, filtered
from runs.models import BulkChange
from runs.services import control
from runs.services.control import Refused

MOST: Final = 10_000
_SALT: Final = "runs.bulk.bulk_change"
_VALID: Final = 24 * 3600  # seconds that a page may be open before it is confirmed


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The runs that an action would be about, one more than it may be at most.

    `left_out` is how many fit the filter too, and are in a state that does not allow the action.
    """

    ids: list[int]
    left_out: int


def found(action: str, filters: Filters) -> Found:
    """Return the runs that fit and allow the action; raises Refused for a filter that is unread."""
    if filters.problem:
        raise Refused(f"{filters.problem} Nothing was changed.")
    fitting = filtered(filters)
    allowing = fitting.filter(_allows(action), gone_at=None)
    ids = list(allowing.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
    left_out = fitting.count() - (allowing.count() if len(ids) > MOST else len(ids))
    return Found(ids=ids, left_out=left_out)


def _allows(action: str) -> Q:
    """Say by its status whether a run allows the action."""
    known = [status for status in statuses.KNOWN if action in statuses.actions(status)]
    allowed = Q(status__in=known)
    return allowed | ~Q(status__in=statuses.KNOWN) if action in statuses.actions("") else allowed


def confirmation(action: str, filters: Filters, ids: list[int]) -> str:
    """Return what a person confirms: the runs that were counted, whatever fits the filter later."""
    return signing.dumps([action, filters.query(), ids], salt=_SALT, compress=True)


def ask(confirmed: str, *, by: Actor, reason: str) -> BulkChange:
    """Put what was confirmed into the queue; raises Refused for none or too many."""
    action, query, ids = _confirmed(confirmed)
    if action not in control.ACTIONS:
        raise Refused(f"A run can be told to {', '.join(control.ACTIONS)}; not to {action}.")
    if not ids:
        raise Refused("No run that fits the filter allows it: nothing was changed.")
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


def _confirmed(confirmed: str) -> Any:
    try:
        return signing.loads(confirmed, salt=_SALT, max_age=_VALID)
    except signing.BadSignature:
        raise Refused("Look again which runs fit, and confirm that. Nothing was changed.") from None
