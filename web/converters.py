"""Keys in URLs: numbers that fit the database. Any other key is not found."""

from __future__ import annotations

import re
from typing import Final

from django.http import Http404
from django.urls import register_converter
from django.urls.converters import IntConverter

_DIGITS: Final = re.compile("[0-9]{1,18}")


class Key(IntConverter):
    """A path converter for primary keys: `<key:pk>`."""

    regex = _DIGITS.pattern


def read_key(text: str) -> int | None:
    """Return the key in a query or a form; None if it is not a number that fits the database."""
    return int(text) if _DIGITS.fullmatch(text) else None


def optional_key(text: str) -> int | None:
    """Return the key in a query or a form; None if there is none. Raises Http404 if it is not a key."""
    key = read_key(text)
    if text and key is None:
        raise Http404("This is not a number that fits the database.")
    return key


register_converter(Key, "key")
