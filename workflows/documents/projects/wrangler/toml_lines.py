"""The lines of keys in TOML, which `tomllib` does not report, and bounds that keep it fast.

The text is read before `tomllib` parses it: the time of `tomllib` is quadratic in the parts of a dotted
key, and its depth of recursion is that of the values.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import Final

MAX_NESTING: Final = 32
"""How deep values can be nested, and how many parts a dotted key can have."""
MAX_KEYS: Final = 5_000

Path = tuple[str | int, ...]

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*+")
_SPACES: Final = re.compile(r"[ \t]*+")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]++")
_BASIC: Final = re.compile(r'"(?:[^"\\\n]|\\.)*+"')
_LITERAL: Final = re.compile(r"'[^'\n]*+'")
_LONG_BASIC: Final = re.compile(r'"""(?:[^"\\]|\\[\s\S]|""?(?!"))*+"""(?:""?)?')
_LONG_LITERAL: Final = re.compile(r"'''(?:[^']|''?(?!'))*+'''(?:''?)?")
_SCALAR: Final = re.compile(r"[^\s,\]}\[{#\"'=][^,\]}\[{#\"'\n]*+")


class TooComplex(Exception):
    """The text has too many keys, or is nested too deeply; `line` is where."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class _Broken(Exception):
    """The text is not TOML from here on, which `tomllib` reports better."""


def toml_lines(text: str) -> dict[Path, int]:
    """Return the line of each key, table and item; raises TooComplex.

    The lines of a text that is not TOML end before the mistake.
    """
    scanner = _Scanner(text)
    with contextlib.suppress(_Broken):
        scanner.scan()
    return scanner.lines


class _Scanner:
    """Reads statement by statement; `_table` is the path of the last header."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._text = text
        self._position = 0
        self._line = 1
        self._counted = 0
        self._table: Path = ()
        self._arrays: dict[Path, int] = {}

    def scan(self) -> None:
        """Read the whole text; raises _Broken and TooComplex."""
        self._take(_BLANK)
        while self._position < len(self._text):
            if self._next() == "[":
                self._header()
            else:
                self._pair(self._table, depth=1)
            self._take(_BLANK)

    def _next(self) -> str:
        return self._text[self._position : self._position + 1]

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._position)
        if found is None:
            raise _Broken
        self._position = found.end()
        return found[0]

    def _expect(self, mark: str) -> None:
        if not self._text.startswith(mark, self._position):
            raise _Broken
        self._position += len(mark)

    def _here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._position)
        self._counted = self._position
        return self._line

    def _record(self, path: Path) -> None:
        self.lines.setdefault(path, self._here())
        if len(self.lines) > MAX_KEYS:
            raise TooComplex(f"has more than {MAX_KEYS:,} keys and items", self._line)

    def _check_depth(self, depth: int) -> None:
        if depth > MAX_NESTING:
            message = f"nests values more than {MAX_NESTING} levels deep"
            raise TooComplex(message, self._here())

    def _header(self) -> None:
        is_array = self._text.startswith("[[", self._position)
        self._expect("[[" if is_array else "[")
        parts = self._key()
        path = (*self._in_arrays(parts[:-1]), parts[-1])
        self._record(path)
        if is_array:
            self._arrays[path] = self._arrays.get(path, -1) + 1
        if path in self._arrays:
            path += (self._arrays[path],)
            self._record(path)
        self._expect("]]" if is_array else "]")
        self._table = path

    def _in_arrays(self, parts: list[str]) -> Path:
        """Return the path of a table, with the index of the last item of each array in it."""
        path: Path = ()
        for part in parts:
            path += (part,)
            self._record(path)
            if path in self._arrays:
                path += (self._arrays[path],)
        return path

    def _key(self) -> list[str]:
        parts = [self._key_part()]
        while self._next() == ".":
            self._position += 1
            parts.append(self._key_part())
            self._check_depth(len(parts))
        return parts

    def _key_part(self) -> str:
        self._take(_SPACES)
        mark = self._next()
        if mark == '"':
            part = _unescaped(self._take(_BASIC))
        elif mark == "'":
            part = self._take(_LITERAL)[1:-1]
        else:
            part = self._take(_BARE)
        self._take(_SPACES)
        return part

    def _pair(self, table: Path, *, depth: int) -> None:
        path = table
        for part in self._key():
            path += (part,)
            self._record(path)
        self._check_depth(depth + len(path) - len(table))
        self._expect("=")
        self._take(_SPACES)
        self._value(path, depth=depth)

    def _value(self, path: Path, *, depth: int) -> None:
        self._check_depth(depth)
        mark = self._next()
        if mark == "[":
            self._items(path, depth=depth + 1)
        elif mark == "{":
            self._members(path, depth=depth + 1)
        elif mark in ("'", '"'):
            is_long = self._text.startswith(mark * 3, self._position)
            basic, literal = (_LONG_BASIC, _LONG_LITERAL) if is_long else (_BASIC, _LITERAL)
            self._take(basic if mark == '"' else literal)
        else:
            self._take(_SCALAR)

    def _items(self, path: Path, *, depth: int) -> None:
        self._expect("[")
        self._take(_BLANK)
        index = 0
        while self._next() != "]":
            self._record((*path, index))
            self._value((*path, index), depth=depth)
            index += 1
            self._separator("]")
        self._position += 1

    def _members(self, path: Path, *, depth: int) -> None:
        self._expect("{")
        self._take(_BLANK)
        while self._next() != "}":
            self._pair(path, depth=depth)
            self._separator("}")
        self._position += 1

    def _separator(self, end: str) -> None:
        self._take(_BLANK)
        if self._next() != end:
            self._expect(",")
            self._take(_BLANK)


def _unescaped(text: str) -> str:
    """Return the text of a string in double quotes; its escapes are those of JSON, and `\\U`."""
    if "\\" not in text:
        return text[1:-1]
    plain = re.sub(r"\\U([0-9A-Fa-f]{8})", lambda found: _character(found[1]), text)
    try:
        return str(json.loads(plain, strict=False))
    except ValueError:
        raise _Broken from None


def _character(code: str) -> str:
    number = int(code, 16)
    if number > 0x10FFFF:
        raise _Broken
    return json.dumps(chr(number))[1:-1]
