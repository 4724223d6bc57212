"""Reading the lists of a Workflow's runs: what is new, and which of the old ones have changed.

A listing goes back to where everything is in the index already. How far that is, is written down
only when a listing has come there: one that was cut short goes on where it stood.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import cloudflare

from runs import statuses
from runs.index import writer
from runs.models import Run, Watermark
from runs.steps.parsing import read_row
from runs.sync.call_budget import Budget, Use
from targets.cloudflare.account import SCRIPTS_READ, Account, is_unknown_account
from targets.cloudflare.errors import DeployError
from targets.models import Target

PAGE: Final = 100
_MOST_PAGES: Final = 200  # of one listing
_MOST_CHANGED: Final = 5_000
_FEW: Final = 5  # open runs that are asked for one by one


class _LostCursor(DeployError):
    """The target does not go on with a listing that was begun long ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """A page of runs, the newest first; `cursor` is that of the next, "" at the end."""

    newest: datetime | None
    oldest: datetime | None
    cursor: str

    def reaches(self, moment: datetime | None) -> bool:
        """Tell whether the page goes back past the moment: others may have begun in the same one."""
        return moment is not None and self.oldest is not None and self.oldest < moment


@dataclass(kw_only=True)
class Walk:
    """One reading of the lists of a Workflow; `ids` are the runs that were told.

    `deeper` is the use that the pages after the first count as. Each call is made within `call`.
    """

    target: Target
    workflow_name: str
    account: Account
    budget: Budget
    first: Use = Use.LISTS
    deeper: Use = Use.READS
    call: Callable[[], AbstractContextManager[None]] = nullcontext
    ids: set[str] = field(default_factory=set)
    _pages: int = 0

    def page(self, cursor: Any, *, use: Use, status: Any = cloudflare.omit) -> _Page | None:
        """Bring the index up to a page; None where the target has no such Workflow."""
        self.budget.spend(use)
        self._pages += 1
        with self.call():
            told = _told(self.account, self.workflow_name, cursor, status)
        if told is None:
            return None
        rows = [read_row(row) for row in told[0]]
        self.ids.update(row.instance_id for row in rows)
        kept = writer.worth_keeping(self.workflow_name, rows)
        writer.apply_rows(self.target, self.workflow_name, kept)
        created = [row.created_at for row in rows]
        return _Page(
            newest=max(created, default=None), oldest=min(created, default=None), cursor=told[1]
        )

    def may_go_on(self) -> bool:
        return self._pages < _MOST_PAGES and self.budget.allows(self.deeper)

    def open_runs(self) -> dict[str, tuple[int, str]]:
        """Return key and status of the runs that go on by the index and were not told, by their id."""
        mine = Run.objects.filter(
            target=self.target, workflow_name=self.workflow_name, is_open=True
        ).order_by("pk")
        rows = mine.values_list("instance_id", "pk", "status")
        return {id_: (pk, status) for id_, pk, status in rows if id_ not in self.ids}


def catch_up(walk: Walk) -> None:
    """Read the list of runs as far back as some may be unknown; a Workflow that is gone has none."""
    mark, _ = Watermark.objects.get_or_create(target=walk.target, workflow_name=walk.workflow_name)
    page = walk.page(cloudflare.omit, use=walk.first)
    if page is None:
        writer.mark_all_gone(walk.target, walk.workflow_name)
        mark.delete()
        return
    newest = page.newest
    while mark.cursor and page.cursor and not page.reaches(mark.begun_at) and walk.may_go_on():
        deeper = walk.page(page.cursor, use=walk.deeper)
        if deeper is None:
            return
        page = deeper
    if not page.cursor:
        _complete(mark, newest or mark.complete_until)
    elif page.reaches(mark.begun_at if mark.cursor else mark.complete_until):
        _reached(mark, newest)
    elif not mark.cursor:
        mark.cursor, mark.begun_at = page.cursor, newest
        mark.save()
    _go_on(walk, mark)


def _reached(mark: Watermark, newest: datetime | None) -> None:
    """What is newer joins what was listed before, be that complete or cut short."""
    if not mark.cursor:
        _complete(mark, newest)
    elif mark.begun_at != newest:
        mark.begun_at = newest
        mark.save()


def _go_on(walk: Walk, mark: Watermark) -> None:
    """List on from where a listing was cut short; each page is written down, for it may be the last."""
    while mark.cursor and walk.may_go_on():
        try:
            page = walk.page(mark.cursor, use=walk.deeper)
        except _LostCursor:
            page = None
        if page is None:
            mark.cursor, mark.begun_at = "", None
            mark.save()
        elif not page.cursor or page.reaches(mark.complete_until):
            _complete(mark, mark.begun_at)
        else:
            mark.cursor = page.cursor
            mark.save()


def _complete(mark: Watermark, until: datetime | None) -> None:
    if mark.cursor or mark.complete_until != until:
        mark.complete_until, mark.cursor, mark.begun_at = until, "", None
        mark.save()


def suspects(walk: Walk) -> list[int]:
    """Return the keys of the open runs that may have changed unseen, which no list has told of.

    Few are worth a call each. Of many, lists of what is open tell which have changed, and where
    these lie together, the list of all tells how; a list that is cut short tells nothing.
    """
    unseen = walk.open_runs()
    if len(unseen) > _FEW:
        for status in sorted({status for _, status in unseen.values()}.intersection(statuses.OPEN)):
            if not _read_all(walk, status):
                return []
        _read_back(walk, _worth_listing(walk))
        unseen = walk.open_runs()
    return [pk for pk, _ in unseen.values()]


def _worth_listing(walk: Walk) -> datetime | None:
    """Return how far back the list of all takes fewer calls than one for each changed run."""
    keys = [pk for pk, _ in walk.open_runs().values()]
    mine = Run.objects.filter(target=walk.target, workflow_name=walk.workflow_name)
    changed = mine.filter(pk__in=keys[-_MOST_CHANGED:]).order_by("-created_at")
    moments = list(changed.values_list("created_at", flat=True))
    while len(moments) > _FEW:
        if mine.filter(created_at__gte=moments[-1]).count() <= len(moments) * PAGE // 2:
            return moments[-1]
        moments = moments[: len(moments) // 2]
    return None


def _read_back(walk: Walk, until: datetime | None) -> None:
    cursor: Any = cloudflare.omit
    while until is not None and walk.may_go_on():
        page = walk.page(cursor, use=walk.deeper)
        if page is None or not page.cursor or page.reaches(until):
            return
        cursor = page.cursor


def _read_all(walk: Walk, status: str) -> bool:
    """Read all runs of this status; False where that was cut short."""
    cursor: Any = cloudflare.omit
    while walk.may_go_on():
        page = walk.page(cursor, use=walk.deeper, status=status)
        if page is None or not page.cursor:
            return True
        cursor = page.cursor
    return False


def _told(
    account: Account, workflow: str, cursor: Any, status: Any
) -> tuple[list[dict[str, Any]], str] | None:
    """Return a page of rows and the cursor of the next; None where there is no such Workflow."""
    with account.explained(f"list the runs of {workflow}", needs=SCRIPTS_READ):
        try:  # raw: the SDK's page keeps the cursor to itself
            answer = account.client.workflows.instances.with_raw_response.list(
                workflow,
                account_id=account.account_id,
                per_page=PAGE,
                cursor=cursor,
                status=status,
                direction="desc",
            )
        except cloudflare.NotFoundError as missing:
            if is_unknown_account(missing):
                raise
            return None
        except cloudflare.BadRequestError:
            if cursor is cloudflare.omit:
                raise
            raise _LostCursor(f"The list of runs of {workflow} was not gone on with.") from None
    told = answer.http_response.json()
    info = told.get("result_info") or {}
    return list(told.get("result") or []), str(info.get("cursor") or "")
