"""Syncing the index with the list of a Workflow's runs: new runs, and changes to known ones.

A listing goes back to where the index is complete. That point moves only when a listing has reached
it; a listing that was interrupted continues at its cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import cloudflare
from django.db.models import QuerySet
from django.utils import timezone

from runs import statuses
from runs.index import writer
from runs.models import Run, Watermark
from runs.steps.parsing import read_row
from runs.sync.call_budget import Budget, Use
from targets.cloudflare.account import SCRIPTS_READ, Account, is_unknown_account
from targets.cloudflare.errors import DeployError
from targets.models import Target

PAGE_SIZE: Final = 100
_MAX_PAGES: Final = 200  # in one listing
_MAX_CHANGED: Final = 5_000
_FEW: Final = 5  # open runs that are read one by one
_CHECKED_RECENTLY: Final = timedelta(seconds=15)


class _ExpiredCursor(DeployError):
    """The target does not accept the cursor of an old listing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """The times of a page of runs, newest first; `cursor` is that of the next page, "" at the end."""

    newest: datetime | None
    oldest: datetime | None
    cursor: str

    def reaches(self, moment: datetime | None) -> bool:
        """Whether the page goes back beyond this time, at which several runs may have started."""
        return moment is not None and self.oldest is not None and self.oldest < moment


@dataclass(kw_only=True)
class ListReader:
    """Reads pages of a Workflow's runs into the index; `ids` are the runs that were listed.

    Pages after the first count as `deeper`. Each call runs inside `call`.
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

    def page(
        self,
        cursor: Any = cloudflare.omit,
        *,
        use: Use,
        status: Any = cloudflare.omit,
        until: datetime | None = None,
    ) -> _Page | None:
        """Update the index from a page; returns None if the target has no such Workflow.

        `until` is when the newest run of the first page was created.
        """
        self.budget.spend(use)
        self._pages += 1
        date_end = _date_end(until) if until else cloudflare.omit
        filters = {"cursor": cursor, "status": status, "date_end": date_end}
        with self.call():
            result = _list_runs(self.account, self.workflow_name, filters)
        if result is None:
            return None
        raw_rows, next_cursor = result
        rows = [read_row(raw) for raw in raw_rows]
        self.ids.update(row.instance_id for row in rows)
        kept = writer.within_retention(self.target, self.workflow_name, rows)
        writer.apply_rows(self.target, self.workflow_name, kept)
        created = [row.created_at for row in rows]
        return _Page(
            newest=max(created, default=None), oldest=min(created, default=None), cursor=next_cursor
        )

    def may_continue(self) -> bool:
        """Return whether the limits allow another page."""
        return self._pages < _MAX_PAGES and self.budget.allows(self.deeper)

    def unlisted_runs(self) -> list[Run]:
        """Return the indexed open runs that were not listed, newest first."""
        runs = Run.objects.filter(
            target=self.target, workflow_name=self.workflow_name, is_open=True
        )
        rows = runs.only("instance_id", "status", "created_at", "checked_at")
        return [run for run in rows if run.instance_id not in self.ids]


def sync_new_runs(reader: ListReader) -> None:
    """List runs back to where the index is complete; runs of a deleted Workflow are marked gone."""
    mark, _ = Watermark.objects.get_or_create(
        target=reader.target, workflow_name=reader.workflow_name
    )
    page = reader.page(use=reader.first)
    if page is None:
        writer.mark_all_gone(reader.target, reader.workflow_name)
        mark.delete()
        return
    newest = page.newest
    while (
        mark.cursor and page.cursor and not page.reaches(mark.newest_at) and reader.may_continue()
    ):
        next_page = reader.page(page.cursor, use=reader.deeper)
        if next_page is None:
            return
        page = next_page
    if not page.cursor:
        _complete(mark, newest or mark.complete_until)
    elif page.reaches(mark.newest_at if mark.cursor else mark.complete_until):
        _extend(mark, newest)
    elif not mark.cursor:
        mark.cursor, mark.newest_at = page.cursor, newest
        mark.save()
    _continue(reader, mark)


def _extend(mark: Watermark, newest: datetime | None) -> None:
    """Add the newer runs to what was listed before, whether that was complete or interrupted."""
    if not mark.cursor:
        _complete(mark, newest)
    elif mark.newest_at != newest:
        mark.newest_at = newest
        mark.save()


def _continue(reader: ListReader, mark: Watermark) -> None:
    """Continue an interrupted listing; progress is saved after each page."""
    while mark.cursor and reader.may_continue():
        try:
            page = reader.page(mark.cursor, use=reader.deeper)
        except _ExpiredCursor:
            page = None
        if page is None:
            mark.cursor, mark.newest_at = "", None
            mark.save()
        elif not page.cursor or page.reaches(mark.complete_until):
            _complete(mark, mark.newest_at)
        else:
            mark.cursor = page.cursor
            mark.save()


def _complete(mark: Watermark, until: datetime | None) -> None:
    if mark.cursor or mark.complete_until != until:
        mark.complete_until, mark.cursor, mark.newest_at = until, "", None
        mark.save()


def possibly_changed(reader: ListReader) -> tuple[list[int], bool]:
    """Return the keys of open runs that no list has returned and that may have changed.

    If there are many, lists by status show which runs have not changed. The flag says whether all
    runs were checked; if a limit interrupts the check, the next one continues from there.
    """
    runs = reader.unlisted_runs()
    if len(runs) <= _FEW:
        return [run.pk for run in runs], True
    recently = timezone.now() - _CHECKED_RECENTLY
    unchecked = [run for run in runs if run.checked_at < recently]
    if not unchecked:
        return [], True
    names = sorted({run.status for run in unchecked}.intersection(statuses.OPEN))
    ends = [_read_back(reader, name, unchecked[0].created_at) for name in names]
    since = max(filter(None, ends), default=None)
    changed = [run for run in reader.unlisted_runs() if run.checked_at < recently]
    return [run.pk for run in changed if since is None or run.created_at > since], since is None


def _read_back(reader: ListReader, status: str, until: datetime) -> datetime | None:
    """List the runs with this status; if interrupted, return how far back the list got."""
    cursor: Any = cloudflare.omit
    reached = until
    while reader.may_continue():
        page = reader.page(cursor, use=reader.deeper, status=status, until=until)
        if page is None or not page.cursor:
            return None
        cursor, reached = page.cursor, page.oldest or reached
    return reached


def catch_up(reader: ListReader, keys: Sequence[int]) -> list[int]:
    """List the changed runs of a Workflow if that takes fewer calls than reading each of them.

    Each page starts at the newest remaining run, so no page is listed twice after an interruption.
    Return the keys of the remaining runs.
    """
    runs = _runs(reader).filter(pk__in=keys[:_MAX_CHANGED], is_open=True)
    left = list(runs.order_by("-created_at").values_list("created_at", "pk", "instance_id"))
    scattered: list[int] = []
    while reader.may_continue() and (oldest := _worth_listing(reader, [row[0] for row in left])):
        page = reader.page(use=reader.deeper, until=left[0][0])
        end = page.oldest if page and page.oldest and page.cursor else oldest
        end = min(end, left[0][0])  # several runs may have been created at this time
        passed = [row for row in left if row[0] >= end]
        scattered += [pk for _, pk, id_ in passed if id_ not in reader.ids]
        left = left[len(passed) :]
    return scattered + [pk for _, pk, _ in left] + list(keys[_MAX_CHANGED:])


def _worth_listing(reader: ListReader, moments: list[datetime]) -> datetime | None:
    """Return how far back the full list takes fewer calls than reading each changed run."""
    while len(moments) > _FEW:
        between = _runs(reader).filter(created_at__range=(moments[-1], moments[0]))
        if between.count() <= len(moments) * PAGE_SIZE // 2:
            return moments[-1]
        moments = moments[: len(moments) // 2]
    return None


def _runs(reader: ListReader) -> QuerySet[Run]:
    return Run.objects.filter(target=reader.target, workflow_name=reader.workflow_name)


def _date_end(moment: datetime) -> str:
    """Return the end of the time's millisecond, in the API's format."""
    end = moment.astimezone(UTC) + timedelta(milliseconds=1)
    return f"{end:%Y-%m-%dT%H:%M:%S}.{end.microsecond // 1000:03}Z"


def _list_runs(
    account: Account, workflow: str, filters: dict[str, Any]
) -> tuple[list[dict[str, Any]], str] | None:
    """Return a page of rows and the cursor of the next; None if there is no such Workflow."""
    with account.explained(f"list the runs of {workflow}", needs=SCRIPTS_READ):
        try:  # raw, because the SDK's page does not expose the cursor
            response = account.client.workflows.instances.with_raw_response.list(
                workflow,
                account_id=account.account_id,
                per_page=PAGE_SIZE,
                direction="desc",
                **filters,
            )
        except cloudflare.NotFoundError as error:
            if is_unknown_account(error):
                raise
            return None
        except cloudflare.BadRequestError:
            if filters["cursor"] is cloudflare.omit:
                raise
            raise _ExpiredCursor(f"The listing of {workflow}'s runs cannot be continued.") from None
    body = response.http_response.json()
    info = body.get("result_info") or {}
    return list(body.get("result") or []), str(info.get("cursor") or "")
