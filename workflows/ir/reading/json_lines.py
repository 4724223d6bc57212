"""The lines of values in the text of a JSON document, for problems that name a path."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]|[^\s{}\[\]:,"]+')


@dataclass(slots=True)
class _Value:
    """A value: its line, and the values inside it by key or index; `id` is the value of its member `id`."""

    line: int
    members: dict[str, _Value] = field(default_factory=dict)
    is_list: bool = False
    id: str = ""


class JsonLines:
    """The lines of a text that is valid JSON; `repeated` is that of the first key that an object has twice."""

    def __init__(self, text: str) -> None:
        self._root, self.repeated = _parsed(text)

    def line_of(self, path: str) -> int:
        """Return the line of a path such as `nodes.charge.data.url`, or of its closest existing parent.

        Objects in lists are found by their `id`, or by their index.
        """
        value, rest = self._root, path
        while rest:
            inner = _member(value, rest)
            if inner is None:
                break
            name, value = inner
            rest = rest[len(name) + 1 :]
        return value.line

    def line_at(self, path: Sequence[str | int]) -> int:
        """Return the line of the value with these keys and indexes; 0 if there is none."""
        value: _Value | None = self._root
        for part in path:
            value = value.members.get(str(part)) if value else None
        return value.line if value else 0


def _member(value: _Value, path: str) -> tuple[str, _Value] | None:
    """Return the member that the path starts with: the longest name, because names can have dots."""
    names = [*value.members.items()]
    if value.is_list:
        names += [(item.id, item) for item in value.members.values() if item.id]
    fitting = [each for each in names if path == each[0] or path.startswith(f"{each[0]}.")]
    return max(fitting, key=lambda each: len(each[0]), default=None)


def _parsed(text: str) -> tuple[_Value, int]:
    """Return the outermost value, without recursion, because values can be nested deeply.

    The second value is the line of the first repeated key, or 0.
    """
    outer, repeated = _Value(0, is_list=True), 0
    stack, key = [outer], ""
    for mark, line in _tokens(text):
        holder = stack[-1]
        if mark in ("]", "}"):
            stack.pop()
            continue
        if not holder.is_list and not key:
            key = mark
            continue
        name = str(len(holder.members)) if holder.is_list else json.loads(key)
        value = _Value(line, is_list=mark == "[")
        repeated = repeated or (line if name in holder.members else 0)
        holder.members[name] = value
        if name == "id" and mark.startswith('"'):
            holder.id = json.loads(mark)
        key = ""
        if mark in ("[", "{"):
            stack.append(value)
    return next(iter(outer.members.values()), outer), repeated


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """Yield each token with its line, except colons and commas."""
    ends = [match.start() for match in re.finditer("\n", text)]
    for match in _TOKEN.finditer(text):
        yield match[0], bisect_right(ends, match.start()) + 1
