"""The formats that a field can require for its text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from urllib.parse import urlsplit

from workflows.ir.reading.durations import milliseconds

_EMAIL: Final = re.compile(r"[^@\s<>,;]+@[^@\s<>,;.]+(?:\.[^@\s<>,;.]+)*")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_ISO_DURATION: Final = re.compile(
    r"P(?=.)(?:[0-9]+W|(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?(?:T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:\.[0-9]+)?S)?)?)"
)


@dataclass(frozen=True, slots=True)
class Format:
    """A format: a description that fits into a sentence, and a check for values."""

    description: str
    matches: Callable[[str], bool]


def _is_email(text: str) -> bool:
    return _EMAIL.fullmatch(text) is not None


def is_url(text: str) -> bool:
    """Whether the text is a complete http or https URL."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and text.isprintable()
    except ValueError:
        return False


def _is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def _is_date(text: str) -> bool:
    return _DATE.fullmatch(text) is not None and _can_parse(text, date.fromisoformat)


def _is_date_time(text: str) -> bool:
    return _DATE_TIME.fullmatch(text) is not None and _can_parse(
        text.upper(), datetime.fromisoformat
    )


def _can_parse(text: str, parse: Callable[[str], object]) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _is_duration(text: str) -> bool:
    return milliseconds(text) is not None or _ISO_DURATION.fullmatch(text) is not None


FORMATS: Final[Mapping[str, Format]] = {
    "email": Format("an email address", _is_email),
    "url": Format("a URL that starts with https:// or http://", is_url),
    "uuid": Format("a UUID", _is_uuid),
    "date": Format("a date such as 2026-01-31", _is_date),
    "date-time": Format("a date and time such as 2026-01-31T12:00:00Z", _is_date_time),
    "duration": Format('a duration such as "2 hours" or PT2H', _is_duration),
}
