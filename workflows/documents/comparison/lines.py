"""The lines of two texts side by side: which were added, removed and kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Any, Final

from toolchain import bounded_calls

CONTEXT: Final = 3
"""How many unchanged lines are shown around a change."""
_MIN_FOLDED: Final = 5
_MAX_DIRECT: Final = 100_000
"""How many pairs of equal lines are compared in this process: a fraction of a second."""
_MAX_PAIRS: Final = 5_000_000
_MAX_SECONDS: Final = 2
_LEAST_BOUNDED: Final = 500_000  # what a comparison in another process counts as, at least

_Part = tuple[int, int, int, int]
"""A part that differs: the start and the end of its lines before and after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line with its number on each side; `sign` is "+", "-", or " " for an unchanged line."""

    sign: str
    text: str
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Lines that are shown, or unchanged lines that are folded."""

    lines: tuple[Line, ...]
    is_folded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDiff:
    """All lines of both texts, in blocks, and the numbers of added and removed ones."""

    blocks: tuple[Block, ...]
    added: int
    removed: int

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


def compare_lines(before: str, after: str, *, is_matched: bool = True) -> LineDiff:
    """Compare two texts; parts that are too different are shown as replaced.

    Without `is_matched`, this is everything between the first and the last line that differ.
    """
    old, new = _lines(before), _lines(after)
    lines = list(_aligned(old, new, _differing(old, new, is_matched=is_matched)))
    signs = Counter(line.sign for line in lines)
    return LineDiff(blocks=tuple(_blocks(lines)), added=signs["+"], removed=signs["-"])


def _lines(text: str) -> list[str]:
    """Return the lines; a text without any has none, and a final line break does not start one."""
    return text.removesuffix("\n").split("\n") if text else []


def effort(before: str, after: str) -> int:
    """Return roughly how many pairs of lines a comparison looks at."""
    old, new = _lines(before), _lines(after)
    start, end = _equal_ends(old, new)
    first, second = old[start : len(old) - end], new[start : len(new) - end]
    pairs = _pairs(first, Counter(second))
    return _LEAST_BOUNDED + pairs if _MAX_DIRECT < pairs <= _MAX_PAIRS else min(pairs, _MAX_DIRECT)


def _pairs(old: Sequence[Any], new: Counter[Any]) -> int:
    return sum(new[line] for line in old) + len(old) + new.total()


def _equal_ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """Return how many lines at the start and at the end are the same."""
    start, limit = 0, min(len(old), len(new))
    while start < limit and old[start] == new[start]:
        start += 1
    end = 0
    while end < limit - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return start, end


def _differing(old: Sequence[str], new: Sequence[str], *, is_matched: bool) -> Iterator[_Part]:
    start, end = _equal_ends(old, new)
    first, second = old[start : len(old) - end], new[start : len(new) - end]
    parts = _parts(first, second) if is_matched else [(0, len(first), 0, len(second))]
    for before_start, before_end, after_start, after_end in parts:
        yield before_start + start, before_end + start, after_start + start, after_end + start


def _parts(old: Sequence[str], new: Sequence[str]) -> Sequence[_Part]:
    """Compare lines as numbers, in another process if that may take long."""
    whole = (0, len(old), 0, len(new))
    if not old or not new:
        return [whole] if old or new else []
    numbers: dict[str, int] = {}
    first, second = (
        [numbers.setdefault(line, len(numbers)) for line in lines] for lines in (old, new)
    )
    pairs = _pairs(first, Counter(second))
    if pairs <= _MAX_DIRECT:
        return matched(first, second)
    if pairs > _MAX_PAIRS:
        return [whole]
    try:
        found = bounded_calls.call(matched, first, second, seconds=_MAX_SECONDS)
    except bounded_calls.TookTooLong:
        return [whole]
    return [tuple(part) for part in found]


def matched(old: Sequence[int], new: Sequence[int]) -> list[_Part]:
    """Return the parts that differ; the time that this takes depends on the lines."""
    opcodes = SequenceMatcher(None, old, new, autojunk=len(new) > 2_000).get_opcodes()
    return [tuple(part) for tag, *part in opcodes if tag != "equal"]  # type: ignore[misc]


def _aligned(old: Sequence[str], new: Sequence[str], parts: Iterable[_Part]) -> Iterator[Line]:
    """Yield all lines in order; in a part that differs, the removed ones come first."""
    before = after = 0
    for kept_to, removed_to, added_from, added_to in [*parts, (len(old), 0, len(new), 0)]:
        for at, text in enumerate(old[before:kept_to]):
            yield Line(sign=" ", text=text, before=before + at + 1, after=after + at + 1)
        for at in range(kept_to, removed_to):
            yield Line(sign="-", text=old[at], before=at + 1)
        for at in range(added_from, added_to):
            yield Line(sign="+", text=new[at], after=at + 1)
        before, after = removed_to, added_to


def _blocks(lines: Sequence[Line]) -> Iterator[Block]:
    """Yield the lines in blocks: unchanged ones that are not near a change are folded."""
    changed = [at for at, line in enumerate(lines) if line.sign != " "]
    near = {beside for at in changed for beside in range(at - CONTEXT, at + CONTEXT + 1)}
    for is_near, group in groupby(enumerate(lines), key=lambda item: item[0] in near):
        block = tuple(line for _, line in group)
        yield Block(lines=block, is_folded=not is_near and len(block) >= _MIN_FOLDED)
