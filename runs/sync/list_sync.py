"""Syncing the index with the list of a Workflow's runs: new runs, and changes to known ones.

A listing goes back to where the index is complete. That point moves only when a listing has reached
it; a listing that was interrupted continues at its cursor.
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

PAGE_SIZE: Final = 100
_MAX_PAGES: Final = 200  # in one listing
_MAX_CHANGED: Final = 5_000
_FEW: Final = 5  # open runs that are read one by one


class _ExpiredCursor(DeployError):
    """The target does not accept the cursor of an old listing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """The times of a page of runs, newest first; `cursor` is that of the next page, "" at the end."""

    newest: datetime | None
    oldest: datetime | None
    cursor: str

    def reaches(self, moment: datetime | None) -> bool:
        """Whether the page goes back beyond the moment, at which several runs may have started."""
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

    def page(self, cursor: Any, *, use: Use, status: Any = cloudflare.omit) -> _Page | None:
        """Update the index from a page; None if the target has no such Workflow."""
        self.budget.spend(use)
        self._pages += 1
        with self.call():
            result = _list_runs(self.account, self.workflow_name, cursor, status)
        if result is None:
            return None
        raw_rows, next_cursor = result
        rows = [read_row(raw) for raw in raw_rows]
        self.ids.update(row.instance_id for row in rows)
        kept = writer.within_retention(self.workflow_name, rows)
        writer.apply_rows(self.target, self.workflow_name, kept)
        created = [row.created_at for row in rows]
        return _Page(
            newest=max(created, default=None), oldest=min(created, default=None), cursor=next_cursor
        )

    def may_continue(self) -> bool:
        """Return whether the limits allow another page."""
        return self._pages < _MAX_PAGES and self.budget.allows(self.deeper)

    def open_runs(self) -> dict[str, tuple[int, str]]:
        """Return the key and status, by id, of the indexed open runs that were not listed."""
        runs = Run.objects.filter(
            target=self.target, workflow_name=self.workflow_name, is_open=True
        ).order_by("pk")
        rows = runs.values_list("instance_id", "pk", "status")
        return {id_: (pk, status) for id_, pk, status in rows if id_ not in self.ids}


def sync_new_runs(reader: ListReader) -> None:
    """List runs back to where the index is complete; runs of a deleted Workflow are marked gone."""
    mark, _ = Watermark.objects.get_or_create(
        target=reader.target, workflow_name=reader.workflow_name
    )
    page = reader.page(cloudflare.omit, use=reader.first)
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


def possibly_changed(reader: ListReader) -> list[int]:
    """Return the keys of the open runs that no list has returned and that may have changed.

    If there are many, lists by status show which have changed, and the full list is read where they
    lie close together. If a list by status was interrupted, nothing is known: [].
    """
    unlisted = reader.open_runs()
    if len(unlisted) > _FEW:
        open_statuses = {status for _, status in unlisted.values()}.intersection(statuses.OPEN)
        for status in sorted(open_statuses):
            if not _read_all(reader, status):
                return []
        _read_back(reader, _worth_listing(reader))
        unlisted = reader.open_runs()
    return [pk for pk, _ in unlisted.values()]


def _worth_listing(reader: ListReader) -> datetime | None:
    """Return how far back the full list takes fewer calls than reading each changed run."""
    keys = [pk for pk, _ in reader.open_runs().values()]
    runs = Run.objects.filter(target=reader.target, workflow_name=reader.workflow_name)
    changed = runs.filter(pk__in=keys[-_MAX_CHANGED:]).order_by("-created_at")
    moments = list(changed.values_list("created_at", flat=True))
    while len(moments) > _FEW:
        if runs.filter(created_at__gte=moments[-1]).count() <= len(moments) * PAGE_SIZE // 2:
            return moments[-1]
        moments = moments[: len(moments) // 2]
    return None


def _read_back(reader: ListReader, until: datetime | None) -> None:
    cursor: Any = cloudflare.omit
    while until is not None and reader.may_continue():
        page = reader.page(cursor, use=reader.deeper)
        if page is None or not page.cursor or page.reaches(until):
            return
        cursor = page.cursor


def _read_all(reader: ListReader, status: str) -> bool:
    """List all runs with this status; False if that was interrupted."""
    cursor: Any = cloudflare.omit
    while reader.may_continue():
        page = reader.page(cursor, use=reader.deeper, status=status)
        if page is None or not page.cursor:
            return True
        cursor = page.cursor
    return False


def _list_runs(
    account: Account, workflow: str, cursor: Any, status: Any
) -> tuple[list[dict[str, Any]], str] | None:
    """Return a page of rows and the cursor of the next; None if there is no such Workflow."""
    with account.explained(f"list the runs of {workflow}", needs=SCRIPTS_READ):
        try:  # raw, because the SDK's page does not expose the cursor
            response = account.client.workflows.instances.with_raw_response.list(
                workflow,
                account_id=account.account_id,
                per_page=PAGE_SIZE,
                cursor=cursor,
                status=status,
                direction="desc",
            )
        except cloudflare.NotFoundError as error:
            if is_unknown_account(error):
                raise
            return None
        except cloudflare.BadRequestError:
            if cursor is cloudflare.omit:
                raise
            raise _ExpiredCursor(f"The listing of {workflow}'s runs cannot be continued.") from None
    body = response.http_response.json()
    info = body.get("result_info") or {}
    return list(body.get("result") or []), str(info.get("cursor") or "")
