"""What differs between the files of two versions of a project."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workflows.documents.comparison.values import FieldChange
from workflows.documents.projects.contents import content_of


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange(FieldChange):
    """A file that differs; what is not text is described by its size and hash."""

    is_text: bool

    @property
    def has_lines(self) -> bool:
        return self.is_text

    @property
    def differs_only_at_line_ends(self) -> bool:
        """Whether both texts have the same lines, but different line breaks."""
        before, after = self.before, self.after
        if before is None or after is None or not self.is_text:
            return False
        return before.splitlines() == after.splitlines()


def file_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[FileChange]:
    """Yield a change for each file that was added, removed or changed, in the order of their paths."""
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        is_text = all(each is None or isinstance(each, str) for each in (old, new))
        yield FileChange(
            path=path,
            label=path,
            before=_text(old, is_text=is_text),
            after=_text(new, is_text=is_text),
            is_text=is_text,
        )


def _text(file: Any, *, is_text: bool) -> str | None:
    if file is None:
        return None
    if is_text:
        return str(file)
    return f"{'Text' if isinstance(file, str) else 'Binary'}, {size_and_hash(file)}"


def size_and_hash(file: Any) -> str:
    """Return the size of a stored file in bytes and the start of its SHA-256."""
    content = content_of(file)
    unit = "byte" if len(content) == 1 else "bytes"
    return f"{len(content):,} {unit}, SHA-256 {hashlib.sha256(content).hexdigest()[:16]}"
