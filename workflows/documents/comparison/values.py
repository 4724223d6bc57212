"""The fields in which two JSON values differ."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workflows.documents.comparison.lines import LineDiff, compare_lines
from workflows.editing.document.changes import is_equal
from workflows.ir.reading.problems import escape_surrogates
from workflows.ir.settings.field_labels import labels_at
from workflows.ir.settings.setting_field import SettingField

_ABSENT: Final = object()
_MAX_DEPTH: Final = 8
_MAX_INLINE: Final = 100  # characters
_BETWEEN: Final = " · "


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A field with its values as text; None if it is missing. `path` is its place in the document.

    Without `is_matched`, its lines are shown as replaced, because comparing them would take too long.
    """

    path: str
    label: str
    before: str | None
    after: str | None
    is_matched: bool = True

    @property
    def how(self) -> str:
        """Return "added", "removed" or "changed"."""
        return "added" if self.before is None else "removed" if self.after is None else "changed"

    @property
    def has_lines(self) -> bool:
        """Whether a value is long, so that its lines are compared."""
        values = (self.before or "", self.after or "")
        return any("\n" in value or len(value) > _MAX_INLINE for value in values)

    def lines(self) -> LineDiff:
        return compare_lines(self.before or "", self.after or "", is_matched=self.is_matched)


def field_changes(
    before: Any, after: Any, path: str, label: Callable[[str], str] = str
) -> Iterator[FieldChange]:
    """Yield a change for each field that differs; `path` is where the values are.

    The items of two lists are compared one by one only if there are as many of them.
    """
    for where, old, new in _differences(before, after, path, depth=0):
        first, second = _texts(old, new)
        yield FieldChange(path=where, label=label(where), before=first, after=second)


def label_in(fields: Iterable[SettingField]) -> Callable[[str], str]:
    """Return a function that labels paths such as `data.code` as forms do."""
    known = tuple(fields)

    def label(path: str) -> str:
        return _OWN_LABELS.get(path) or _BETWEEN.join(labels_at(known, path)) or path

    return label


_OWN_LABELS: Final[Mapping[str, str]] = {
    "id": "Name in code",
    "name": "Name",
    "type": "Type",
    "version": "Version of the type",
    "provider": "Provider",
    "trigger.type": "Type",
}


def _differences(
    before: Any, after: Any, path: str, *, depth: int
) -> Iterator[tuple[str, Any, Any]]:
    if is_equal(before, after):
        return
    if depth < _MAX_DEPTH:
        inner = _inner(before, after)
        if inner is not None:
            for key, old, new in inner:
                where = f"{path}.{key}" if path else key
                yield from _differences(old, new, where, depth=depth + 1)
            return
    yield path, before, after


def _inner(before: Any, after: Any) -> list[tuple[str, Any, Any]] | None:
    """Return the parts of two values with their keys; None if the values are compared as a whole."""
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [(str(index), old, new) for index, (old, new) in pairs]
    objects = [{} if value is _ABSENT else value for value in (before, after)]
    if not all(isinstance(value, dict) for value in objects) or not any(objects):
        return None
    old, new = objects
    keys = dict.fromkeys([*old, *new])
    return [(key, old.get(key, _ABSENT), new.get(key, _ABSENT)) for key in keys]


def _texts(before: Any, after: Any) -> tuple[str | None, str | None]:
    """Return both values as text; strings have quotation marks only if the types differ."""
    is_plain = all(isinstance(value, str) or value is _ABSENT for value in (before, after))
    first, second = (
        None if value is _ABSENT else _text(value, is_plain=is_plain) for value in (before, after)
    )
    return first, second


def _text(value: Any, *, is_plain: bool) -> str:
    if is_plain and isinstance(value, str):
        return escape_surrogates(value)
    text = json.dumps(value, ensure_ascii=False, indent=2, default=repr)
    return escape_surrogates(text)
