"""Lists a page at a time: a cursor is the place after the last row, so that new rows shift nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet
from pydantic import Field

from api.conventions.problems import ApiError
from api.conventions.schema import ApiSchema

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 100
_AT: Final = "at"  # marks a time in a cursor: a name can look like one
Row = TypeVar("Row", bound=Model)
Item = TypeVar("Item")


class Paging(ApiSchema):
    """Which page of a list."""

    cursor: str = Field("", description="`nextCursor` of the page before; none for the first page.")
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Rows on a page.")


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of a page, and the cursor of the next one; None if this is the last."""

    rows: list[Any]
    next_cursor: str | None


def page_of(rows: QuerySet[Row], paging: Paging, *, order: Sequence[str], name: str) -> Page:
    """Return a page; `order` are fields that together are unique, each with "-" if it descends.

    `name` is that of the list: a cursor of one list is of no use to another. Raises ApiError.
    """
    rows = rows.order_by(*order)
    if paging.cursor:
        rows = rows.filter(_after(_read(paging.cursor, name, len(order)), order))
    found = list(rows[: paging.limit + 1])
    shown = found[: paging.limit]
    has_more = len(found) > paging.limit
    return Page(shown, _cursor(shown[-1], order, name) if has_more else None)


def _cursor(row: Model, order: Sequence[str], name: str) -> str:
    values = [_value(row, field.removeprefix("-")) for field in order]
    plain = [{_AT: value.isoformat()} if isinstance(value, datetime) else value for value in values]
    return signing.Signer(salt=_salt(name)).sign_object(plain)


def _value(row: Any, field: str) -> Any:
    for part in field.split("__"):
        row = getattr(row, part)
    return row


def _read(cursor: str, name: str, length: int) -> list[Any]:
    try:
        values = signing.Signer(salt=_salt(name)).unsign_object(cursor)
    except (signing.BadSignature, ValueError):
        values = None
    if not isinstance(values, list) or len(values) != length:
        raise ApiError(400, "This cursor is not from this list. Use nextCursor of the page before.")
    return [
        datetime.fromisoformat(value[_AT]) if isinstance(value, dict) else value for value in values
    ]


def _after(values: Sequence[Any], order: Sequence[str]) -> Q:
    """Return the condition for the rows after these values; its first part can use an index."""
    condition = Q()
    for at, field in reversed(list(enumerate(order))):
        name, is_descending = field.removeprefix("-"), field.startswith("-")
        beyond = Q(**{f"{name}__{'lt' if is_descending else 'gt'}": values[at]})
        same = Q(**{name: values[at]})
        condition = beyond | (same & condition) if condition else beyond
    first, is_descending = order[0].removeprefix("-"), order[0].startswith("-")
    return Q(**{f"{first}__{'lte' if is_descending else 'gte'}": values[0]}) & condition


def _salt(name: str) -> str:
    return f"api.cursor.{name}"
