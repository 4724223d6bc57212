"""TOML as wrangler reads it, version 1.1, prepared for `tomllib`, which reads 1.0.

`tomllib` does not report the lines of keys, and has no bounds: its time is quadratic in the parts of a
dotted key, and its depth of recursion is that of the values. The text is therefore read twice: here to
find the lines and to check the bounds, then by `tomllib`, which decides what is TOML.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from workflows.documents.projects.wrangler.bounds import (
    MAX_KEYS,
    MAX_NESTING,
    Path,
    too_deep,
    too_many_keys,
)

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*+)*+")
_SPACES: Final = re.compile(r"[ \t]*+")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]++")
_BASIC: Final = re.compile(r'"(?:[^"\\\n]|\\.)*+"')
_LITERAL: Final = re.compile(r"'[^'\n]*+'")
_LONG_BASIC: Final = re.compile(r'"""(?:[^"\\]|\\[\s\S]|""?(?!"))*+"""(?:""?)?')
_LONG_LITERAL: Final = re.compile(r"'''(?:[^']|''?(?!'))*+'''(?:''?)?")
_SCALAR: Final = re.compile(r"[^\s,\]}\[{#\"'=][^,\]}\[{#\"'=\n]*+")
_NEW_ESCAPE: Final = re.compile(r"\\(?:e|x([0-9A-Fa-f]{2})|[\s\S])")


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlText:
    """A text for `tomllib`, and the lines of its keys, tables and items in the original.

    `text` ends after a line that cannot be read, or `is_whole`. `joined` are the lines in it that
    consist of several lines of the original, once for each line break that is missing.
    """

    text: str
    lines: dict[Path, int]
    joined: tuple[int, ...]
    is_whole: bool

    def original_line(self, line: int) -> int:
        """Return the line in the original of a line in `text`."""
        return line + bisect_left(self.joined, line)


def toml_text(text: str) -> TomlText:
    """Return a text that `tomllib` can read quickly; raises TooComplex."""
    scanner = _Scanner(text)
    try:
        scanner.scan()
    except _Broken:
        return scanner.result(is_whole=False)
    return scanner.result(is_whole=True)


class _Broken(Exception):
    """The text cannot be read from here on."""


class _Scanner:
    """Reads statement by statement; `_table` is the path of the last header.

    `_edits` replace parts of the text, in their order: what only TOML 1.1 allows.
    """

    def __init__(self, text: str) -> None:
        self.position = 0
        self._text = text
        self._lines: dict[Path, int] = {}
        self._line = 1
        self._counted = 0
        self._table: Path = ()
        self._arrays: dict[Path, int] = {}
        self._edits: list[tuple[int, int, str]] = []

    def scan(self) -> None:
        """Read the whole text; raises _Broken and TooComplex."""
        self._take(_BLANK)
        while self.position < len(self._text):
            if self._next() == "[":
                self._header()
            else:
                self._pair(self._table)
            self._take(_BLANK)

    def result(self, *, is_whole: bool) -> TomlText:
        """Return the text up to the end of the line that was reached."""
        end = self._text.find("\n", self.position) + 1 or len(self._text)
        pieces: list[str] = []
        joined: list[int] = []
        position, line = 0, 1
        for start, stop, replacement in self._edits:
            kept = self._text[position:start]
            line += kept.count("\n")
            breaks = replacement.count("\n")
            joined += [line] * (self._text.count("\n", start, stop) - breaks)
            line += breaks
            pieces += [kept, replacement]
            position = stop
        text = "".join([*pieces, self._text[position:end]])
        return TomlText(text=text, lines=self._lines, joined=tuple(joined), is_whole=is_whole)

    def _next(self) -> str:
        return self._text[self.position : self.position + 1]

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self.position)
        if found is None:
            raise _Broken
        self.position = found.end()
        return found[0]

    def _expect(self, mark: str) -> None:
        if not self._text.startswith(mark, self.position):
            raise _Broken
        self.position += len(mark)

    def _here(self) -> int:
        self._line += self._text.count("\n", self._counted, self.position)
        self._counted = self.position
        return self._line

    def _record(self, path: Path) -> None:
        """Keep the line of a path, whose first mention counts; raises TooComplex."""
        self._lines.setdefault(path, self._here())
        if len(path) > MAX_NESTING:
            raise too_deep(self._line)
        if len(self._lines) > MAX_KEYS:
            raise too_many_keys(self._line)

    def _header(self) -> None:
        is_array = self._text.startswith("[[", self.position)
        self._expect("[[" if is_array else "[")
        path: Path = ()
        *parents, name = self._key()
        for part in parents:
            path = self._inside((*path, part))
        path = (*path, name)
        self._record(path)
        if is_array:
            self._arrays[path] = self._arrays.get(path, -1) + 1
        self._table = self._inside(path)
        self._expect("]]" if is_array else "]")

    def _inside(self, path: Path) -> Path:
        """Return the path of a table, or of the last table in an array of tables."""
        self._record(path)
        if path in self._arrays:
            path = (*path, self._arrays[path])
            self._record(path)
        return path

    def _key(self) -> list[str]:
        parts = [self._key_part()]
        while self._next() == ".":
            self.position += 1
            parts.append(self._key_part())
            if len(parts) > MAX_NESTING:
                raise too_deep(self._here())
        return parts

    def _key_part(self) -> str:
        self._take(_SPACES)
        mark = self._next()
        if mark == '"':
            part = _unescaped(self._quoted(_BASIC))
        elif mark == "'":
            part = self._take(_LITERAL)[1:-1]
        else:
            part = self._take(_BARE)
        self._take(_SPACES)
        return part

    def _pair(self, table: Path) -> None:
        path = table
        for part in self._key():
            path = (*path, part)
            self._record(path)
        self._expect("=")
        self._take(_SPACES)
        self._value(path)

    def _value(self, path: Path) -> None:
        mark = self._next()
        if mark == "[":
            self._items(path)
        elif mark == "{":
            self._members(path)
        elif mark in ("'", '"'):
            self._string(mark)
        else:
            self._take(_SCALAR)

    def _string(self, mark: str) -> None:
        is_long = self._text.startswith(mark * 3, self.position)
        if mark == "'":
            self._take(_LONG_LITERAL if is_long else _LITERAL)
        else:
            self._quoted(_LONG_BASIC if is_long else _BASIC)

    def _quoted(self, pattern: re.Pattern[str]) -> str:
        """Take a string with escapes, and return it with those of TOML 1.0."""
        start = self.position
        text = self._take(pattern)
        plain = _NEW_ESCAPE.sub(_old_escape, text) if "\\" in text else text
        if plain != text:
            self._edits.append((start, self.position, plain))
        return plain

    def _items(self, path: Path) -> None:
        self._expect("[")
        self._take(_BLANK)
        index = 0
        while self._next() != "]":
            self._record((*path, index))
            self._value((*path, index))
            index += 1
            self._take(_BLANK)
            if self._next() != "]":
                self._expect(",")
                self._take(_BLANK)
        self.position += 1

    def _members(self, path: Path) -> None:
        """Take an inline table; TOML 1.0 allows no line breaks, comments and last commas in it."""
        self._expect("{")
        self._blank(self.position)
        while self._next() != "}":
            self._pair(path)
            self._blank(self.position)
            if self._next() != "}":
                self._comma()
        self.position += 1

    def _comma(self) -> None:
        comma = self.position
        self._expect(",")
        self._take(_BLANK)
        self._blank(comma if self._next() == "}" else comma + 1)

    def _blank(self, start: int) -> None:
        """Take what is between two values, and replace it from `start` with a space."""
        self._take(_BLANK)
        if self._text[start : self.position].strip(" \t"):
            self._edits.append((start, self.position, " "))


def _old_escape(found: re.Match[str]) -> str:
    if found[0] == "\\e":
        return "\\u001b"
    return f"\\u00{found[1]}" if found[1] else found[0]


def _unescaped(text: str) -> str:
    """Return the text of a string in double quotes; its escapes are those of JSON, and `\\U`."""
    if "\\" not in text:
        return text[1:-1]
    plain = re.sub(r"\\(?:U([0-9A-Fa-f]{8})|.)", _json_escape, text)
    try:
        return str(json.loads(plain, strict=False))
    except ValueError:
        raise _Broken from None


def _json_escape(found: re.Match[str]) -> str:
    if not found[1]:
        return found[0]
    with suppress(ValueError, OverflowError):
        return json.dumps(chr(int(found[1], 16)))[1:-1]
    raise _Broken
