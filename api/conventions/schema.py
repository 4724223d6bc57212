"""The base of what is received and sent: names in JSON are `camelCase`."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from ninja import Schema
from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

Item = TypeVar("Item")


class ApiSchema(Schema):
    """What is sent, or a query."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class BodySchema(ApiSchema):
    """What is received; a field that is not known is a mistake."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", strict=True
    )


class ListOf(ApiSchema, Generic[Item]):
    """A page of a list. Without a `nextCursor`, it is the last one."""

    data: list[Item]
    next_cursor: str | None


def listed(items: list[Any], next_cursor: str | None = None) -> dict[str, Any]:
    """Return a page as an operation returns it."""
    return {"data": items, "next_cursor": next_cursor}
