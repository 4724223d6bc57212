"""The keys in addresses: numbers that a database can hold; any other address leads nowhere."""

from __future__ import annotations

import re
from typing import Final

from django.urls import register_converter
from django.urls.converters import IntConverter

_DIGITS: Final = re.compile("[0-9]{1,18}")


class Key(IntConverter):
    regex = _DIGITS.pattern


def read_key(text: str) -> int | None:
    """Return the number that a query or a form names; None where no database could hold it."""
    return int(text) if _DIGITS.fullmatch(text) else None


register_converter(Key, "key")
