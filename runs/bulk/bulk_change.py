"""One action on many runs: counted and confirmed, then performed in the background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.core import signing
from django.db.models import Q

from audit import trail
from audit.trail import Actor, Subject
from runs import statuses
from runs.bulk.tasks import perform
from runs.index.listing import Filters, listed
from runs.models import BulkChange
from runs.services import control
from runs.services.control import Refused

MAX_RUNS: Final = 10_000
_SALT: Final = "runs.bulk.bulk_change"
_MAX_AGE: Final = 24 * 3600  # seconds for which an open page can still be confirmed


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingRuns:
    """The runs that an action would change, at most MAX_RUNS + 1.

    `left_out` counts the runs that match the filter but whose state does not allow the action.
    """

    ids: list[int]
    left_out: int


def matching_runs(action: str, filters: Filters) -> MatchingRuns:
    """Return the runs that match and allow the action. Raises Refused for an invalid filter."""
    if filters.problem:
        raise Refused(f"{filters.problem} Nothing was changed.")
    matching = listed(filters)
    allowing = matching.filter(_allows(action), gone_at=None)
    ids = list(allowing.order_by("pk").values_list("pk", flat=True)[: MAX_RUNS + 1])
    if len(ids) > MAX_RUNS:  # too many, so the rest is not counted
        return MatchingRuns(ids=ids, left_out=0)
    return MatchingRuns(ids=ids, left_out=matching.count() - len(ids))


def _allows(action: str) -> Q:
    """The runs whose status allows the action; unknown statuses allow what "" allows."""
    allowing = [status for status in statuses.KNOWN if action in statuses.actions(status)]
    allowed = Q(status__in=allowing)
    return allowed | ~Q(status__in=statuses.KNOWN) if action in statuses.actions("") else allowed


def sign(action: str, filters: Filters, ids: list[int]) -> str:
    """Return a signed token for exactly these runs, whatever matches the filter later."""
    return signing.dumps([action, filters.query(), ids], salt=_SALT, compress=True)


def enqueue(token: str, *, by: Actor, reason: str, rollback: bool = False) -> BulkChange:
    """Enqueue a confirmed change; with `rollback`, terminated runs are undone first.

    Raises Refused for no runs, too many, or an invalid token.
    """
    action, query, ids = _read(token)
    control.check_action(action)
    if not ids:
        raise Refused("No matching run allows this action. Nothing was changed.")
    if len(ids) > MAX_RUNS:
        raise Refused(f"More than {MAX_RUNS:,} runs match. Narrow the filter. Nothing was changed.")
    change = BulkChange.objects.create(
        action=action,
        rolls_back=rollback and action == "terminate",
        query=query,
        reason=reason,
        by=by.user,
        by_name=by.name,
        total=len(ids),
        run_ids=ids,
    )
    subject = Subject("runs", str(change.pk), str(change))
    detail = {"rollback": True} if change.rolls_back else {}
    trail.record(
        f"runs: {action}", subject, by=by, reason=reason, runs=len(ids), filter=query, **detail
    )
    perform.enqueue(change.pk)
    return change


def _read(token: str) -> Any:
    try:
        return signing.loads(token, salt=_SALT, max_age=_MAX_AGE)
    except signing.BadSignature:
        raise Refused(
            "This confirmation is not valid. Check the matching runs and confirm again. "
            "Nothing was changed."
        ) from None
