"""The `pattern` of a field, matched by RE2 in time that is linear in the length of the value."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any, Final

import re2

MAX_LENGTH: Final = 1_000
_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False


class InvalidPattern(ValueError):
    """The text is not a regular expression, or is too long or too complex."""


class UnsupportedPattern(ValueError):
    """The text is a regular expression, but RE2 cannot match it."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression and its source."""

    source: str
    _compiled: Any

    def matches(self, value: str) -> bool:
        """Whether any part of the value matches."""
        return self._compiled.search(value) is not None


def read_pattern(source: str) -> Pattern:
    """Return the pattern; raises InvalidPattern and UnsupportedPattern."""
    if len(source) > MAX_LENGTH:
        raise InvalidPattern(f"must have at most {MAX_LENGTH:,} characters, not {len(source):,}")
    try:
        return Pattern(source, re2.compile(source, _OPTIONS))
    except re2.error as error:
        if message := _syntax_error(source):
            raise InvalidPattern(f"must be a regular expression: {message}") from None
        raise UnsupportedPattern(_text(error)) from None


def _syntax_error(source: str) -> str:
    """Return why this is not a regular expression at all; "" if it is one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # about syntax that later Python versions may read differently
            re.compile(source)
    except (re.error, OverflowError, RecursionError) as error:
        return str(error)
    return ""


def _text(error: re2.error) -> str:
    reason = error.args[0]
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
