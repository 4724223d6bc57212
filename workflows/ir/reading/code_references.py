"""References in code: only those where an expression is allowed; in strings and comments they are text.

Code is not parsed here, because a parser can be slow. One pass over its tokens, in linear time, finds
what strings, templates, comments and regular expressions are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from workflows.ir.reading.references import Reference, references_in

Span = tuple[int, int]

_TOKEN: Final = re.compile(
    r"""
    (?P<text>//[^\n\r\u2028\u2029]* | /\*(?:[^*]|\*(?!/))*(?:\*/)?
      | "(?:[^"\\\n]|\\.)*"? | '(?:[^'\\\n]|\\.)*'?)
    | (?P<template>`) | (?P<slash>/)
    | (?P<word>[\w$]+) | (?P<blank>\s+) | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_REGEX: Final = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_IN_TEMPLATE: Final = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*", re.DOTALL)
# Words after which a slash starts a regular expression; after any other it divides.
_BEFORE_REGEX: Final = re.compile(
    "await|case|delete|do|else|in|instanceof|new|of|return|throw|typeof|void|yield"
)
_LONGEST: Final = 250_000  # characters; longer code is refused elsewhere


def references_in_code(source: str) -> tuple[tuple[Reference, ...], tuple[Reference, ...]]:
    """Return the references, and what only looks like a reference because it is in a string or a comment."""
    found = references_in(source, has_literals=False)
    if not found or len(source) > _LONGEST:
        return found, ()
    texts = iter(_texts(source))
    start, end = next(texts, (len(source), len(source)))
    in_code: list[Reference] = []
    quoted: list[Reference] = []
    for reference in found:
        while end <= reference.start:
            start, end = next(texts, (len(source), len(source) + 1))
        (quoted if start <= reference.start else in_code).append(reference)
    return tuple(in_code), tuple(quoted)


def _texts(source: str) -> Iterator[Span]:
    """Yield where strings, parts of templates, comments and regular expressions are, in order."""
    scanner = _Scanner(source)
    while scanner.position < len(source):
        start = scanner.position
        if scanner.skip():
            yield start, scanner.position


class _Scanner:
    """Skips one token after another; `_holes` has the open braces inside each surrounding `${`."""

    def __init__(self, source: str) -> None:
        self.position = 0
        self._source = source
        self._previous = ""
        self._holes: list[int] = []
        self._broken_until = 0  # so that broken code takes linear time

    def skip(self) -> bool:
        """Skip a token; return whether it is text."""
        match = _TOKEN.match(self._source, self.position)
        written = match[0] if match else ""
        kind = match.lastgroup if match else None
        if kind == "template" or (written == "}" and self._holes and self._holes[-1] == 0):
            self._template(is_continued=written == "}")
            return True
        self.position += max(len(written), 1)
        if kind == "slash" and self._skip_regex():
            return True
        if kind == "text":
            self._previous = self._previous if written[0] == "/" else '"'
        elif kind != "blank":
            self._count_braces(written)
            self._previous = written
        return kind == "text"

    def _template(self, *, is_continued: bool) -> None:
        """Skip a template up to its next hole, or to its end."""
        if is_continued:
            self._holes.pop()
        inside = _IN_TEMPLATE.match(self._source, self.position + 1)
        self.position = inside.end() if inside else len(self._source)
        is_hole = self._source.startswith("${", self.position)
        if is_hole:
            self._holes.append(0)
        self.position += 2 if is_hole else 1
        self._previous = "(" if is_hole else "`"

    def _skip_regex(self) -> bool:
        may_be_regex = self.position > self._broken_until and _may_be_regex(self._previous)
        regex = _REGEX.match(self._source, self.position - 1) if may_be_regex else None
        if may_be_regex and regex is None:
            line_end = self._source.find("\n", self.position)
            self._broken_until = line_end if line_end >= 0 else len(self._source)
        self.position = regex.end() if regex else self.position
        self._previous = '"' if regex else "/"
        return regex is not None

    def _count_braces(self, mark: str) -> None:
        if self._holes and mark in ("{", "}"):
            self._holes[-1] += 1 if mark == "{" else -1


def _may_be_regex(previous: str) -> bool:
    """Whether a slash after this token starts a regular expression."""
    if not previous or _BEFORE_REGEX.fullmatch(previous):
        return True
    return not re.match(r"[\w$)\]}\"`']", previous)
