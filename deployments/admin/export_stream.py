"""The export of the history as a stream: only one batch of rows is in memory at a time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from deployments.admin.history_export import HistoryResource, as_text
from deployments.models import Deployment

BATCH: Final = 200  # rows
_Rows = Iterator[list[list[str]]]
Write = Callable[[list[str], _Rows], Iterator[str]]


def export_response(
    request: HttpRequest, deployments: QuerySet[Deployment], *, write: Write, content_type: str
) -> StreamingHttpResponse:
    """Return the rows, newest first, in the format that `write` yields."""
    resource = HistoryResource()
    rows = ([resource.export_resource(each) for each in batch] for batch in _batches(deployments))
    parts = write(resource.get_export_headers(), rows)
    # Over ASGI, Django would read a plain iterator to its end before it sends the first part.
    content = _in_threads(parts) if isinstance(request, ASGIRequest) else parts
    return StreamingHttpResponse(content, content_type=f"{content_type}; charset=utf-8")


def _batches(deployments: QuerySet[Deployment]) -> Iterator[list[Deployment]]:
    """Yield the rows with a query for each batch, so that a slow download keeps no cursor open."""
    deployments = deployments.order_by("-pk")
    batch = list(deployments[:BATCH])
    while batch:
        yield batch
        batch = list(deployments.filter(pk__lt=batch[-1].pk)[:BATCH])


async def _in_threads(parts: Iterator[str]) -> AsyncIterator[str]:
    read = sync_to_async(lambda: next(parts, ""))
    while part := await read():
        yield part


def csv_parts(headers: list[str], batches: _Rows) -> Iterator[str]:
    """Yield lines whose cells are text to spreadsheets."""
    yield _lines([headers])
    for rows in batches:
        yield _lines([list(map(as_text, row)) for row in rows])


def _lines(rows: list[list[str]]) -> str:
    lines = io.StringIO(newline="")
    csv.writer(lines).writerows(rows)
    return lines.getvalue()


def json_parts(headers: list[str], batches: _Rows) -> Iterator[str]:
    """Yield a list of objects."""
    separator = "["
    for rows in batches:
        objects: list[dict[str, Any]] = [dict(zip(headers, row, strict=True)) for row in rows]
        texts = (json.dumps(each, ensure_ascii=False) for each in objects)
        yield separator + ", ".join(texts)
        separator = ", "
    yield "[]" if separator == "[" else "]"
