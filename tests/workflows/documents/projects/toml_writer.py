"""Random TOML with its values, and the line of each key, table and item."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from hypothesis import strategies as st

_Option = TypeVar("_Option")
Path = tuple[str | int, ...]

_TRAPS: Final = [
    "",
    "x = 1",
    "[fake]",
    "[[fake]]\nfake = 2",
    "# no comment",
    "a.b = {",
    "'",
    '"',
    "\\",
    "é😀",
]
_TRIVIA: Final = ["", " ", "\t", "\n", "# comment = 1\n", '\n# [fake] " \' """ {\n  ']


@dataclass(slots=True)
class _Writer:
    """A text that grows; every name and number in it is different."""

    draw: st.DrawFn
    pieces: list[str] = field(default_factory=list)
    line: int = 1
    lines: dict[Path, int] = field(default_factory=dict)
    count: int = 0

    def write(self, text: str) -> None:
        self.pieces.append(text)
        self.line += text.count("\n")

    def pick(self, options: Sequence[_Option]) -> _Option:
        return self.draw(st.sampled_from(options))

    def number(self) -> int:
        self.count += 1
        return self.count

    def record(self, path: Path) -> None:
        self.lines.setdefault(path, self.line)

    def trivia(self) -> None:
        self.write(self.pick(_TRIVIA))

    def key(self) -> str:
        """Write a new key in any style, and return it."""
        name = f"key{self.number()}"
        style = self.pick(["bare", "bare", "basic", "literal", "escaped"])
        if style == "bare":
            self.write(name)
        elif style == "literal":
            name += self.pick(["", " ", ".", "[", "=", "#"])
            self.write(f"'{name}'")
        else:
            name += self.pick(["", ".a", "]", '"', "\\", "é", "😀", "\x1b"])
            text = json.dumps(name) if style == "escaped" else json.dumps(name, ensure_ascii=False)
            self.write(
                text.replace("\\ud83d\\ude00", "\\U0001F600").replace(
                    "\\u001b", self.pick(["\\e", "\\x1b", "\\u001b"])
                )
            )
        return name

    def text(self) -> str:
        """Write a string in any style, and return its value."""
        value = f"text{self.number()}" + self.pick(_TRAPS) + self.pick(_TRAPS)
        styles = ["basic"]
        if "'" not in value:
            styles += ["long literal"] + ([] if "\n" in value else ["literal"])
        if "\\" not in value and '"' not in value:
            styles += ["long basic", "joined"]
        style = self.pick(styles)
        if style == "basic":
            self.write(json.dumps(value, ensure_ascii=False))
        elif style == "joined":
            self.write(f'"""\n\\\n   {value}""\\"\\x41\\e"""')
            return f'{value}"""A\x1b'
        else:
            quote = {"literal": "'", "long literal": "'''", "long basic": '"""'}[style]
            self.write(quote + value + quote)
        return value

    def value(self, path: Path, depth: int) -> Any:
        kinds = ["number", "text", "flag"] + (["array", "table"] if depth < 3 else [])
        kind = self.pick(kinds)
        if kind == "array":
            return self.array(path, depth)
        if kind == "table":
            return self.inline_table(path, depth)
        if kind == "text":
            return self.text()
        value = self.number() if kind == "number" else self.pick([True, False])
        self.write(f"{value:_}" if value is not True and value is not False else str(value).lower())
        return value

    def array(self, path: Path, depth: int) -> list[Any]:
        items: list[Any] = []
        self.write("[")
        for index in range(self.pick([0, 1, 3])):
            self.trivia()
            self.record((*path, index))
            items.append(self.value((*path, index), depth + 1))
            self.trivia()
            self.write(",")
        self.trivia()
        self.write("]")
        return items

    def inline_table(self, path: Path, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        self.write("{")
        count = self.pick([0, 1, 2])
        for index in range(count):
            self.trivia()
            self.pair(path, members, depth + 1)
            self.trivia()
            if index + 1 < count or self.pick([True, False]):
                self.write(",")
        self.trivia()
        self.write("}")
        return members

    def pair(self, path: Path, members: dict[str, Any], depth: int) -> None:
        """Write a key, which may be dotted, and its value."""
        for _ in range(self.pick([0, 0, 0, 1, 2])):
            name = self.key()
            path = (*path, name)
            self.record(path)
            members = members.setdefault(name, {})
            self.write(self.pick([".", " . "]))
        name = self.key()
        self.record((*path, name))
        self.write(self.pick(["=", " = ", "\t= "]))
        members[name] = self.value((*path, name), depth)

    def pairs(self, path: Path, members: dict[str, Any]) -> None:
        for _ in range(self.pick([0, 1, 3])):
            self.write(self.pick(["", "  "]))
            self.pair(path, members, 1)
            self.write(self.pick(["\n", "\r\n", " # comment\n", "\n\n"]))

    def tables(self, header: str, path: Path, members: dict[str, Any], depth: int) -> None:
        """Write tables and arrays of tables, and those in them; `header` is what their headers start with."""
        for _ in range(self.pick([0, 1, 2]) if depth < 3 else 0):
            name = f"table{self.number()}"
            full = f"{header}{name}"
            if self.pick([True, False]):
                self.record((*path, name))
                self.write(f"[{self.pick(['', ' '])}{full}]\n")
                inner = members.setdefault(name, {})
                self.pairs((*path, name), inner)
                self.tables(f"{full}.", (*path, name), inner, depth + 1)
                continue
            members[name] = []
            for index in range(self.pick([1, 2])):
                self.record((*path, name))
                self.record((*path, name, index))
                self.write(f"[[{full}]]{self.pick(['', ' # item'])}\n")
                inner = {}
                members[name].append(inner)
                self.pairs((*path, name, index), inner)
                self.tables(f"{full}.", (*path, name, index), inner, depth + 1)


@st.composite
def toml_documents(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[Path, int]]:
    """Return a text, its values, and its lines."""
    writer = _Writer(draw)
    data: dict[str, Any] = {}
    writer.pairs((), data)
    writer.tables("", (), data, 0)
    return "".join(writer.pieces), data, writer.lines
