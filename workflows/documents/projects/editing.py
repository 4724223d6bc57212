"""Operations on the files of a project: write, add, move and delete."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from workflows.documents.projects.contents import ProjectFiles, StoredFile, stored
from workflows.documents.projects.files import check_files
from workflows.documents.projects.reading.paths import shown
from workflows.documents.projects.tags import MISSING, files_in, tag_of
from workflows.editing.document.refusals import Refused

_LINE_BREAK: Final = re.compile(r"\r\n?|\n")
_MAX_NAMED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesEdit:
    """The files after an operation; without a summary, nothing has changed.

    `touched` are the paths of files that changed, `opened` the path of the file to show, and `moved` the
    new paths of files by their old ones.
    """

    files: ProjectFiles
    summary: str = ""
    touched: tuple[str, ...] = ()
    opened: str = ""
    moved: Mapping[str, str] = field(default_factory=dict)


class OutdatedFile(Exception):
    """Somebody changed the file or folder `path` since the page showed it."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{shown(path)} has changed in the meantime.")
        self.path = path


def write_text(files: ProjectFiles, path: str, text: str, *, base: str) -> FilesEdit:
    """Replace the text of a file, which keeps its kind of line breaks.

    `base` is the tag of the file that was edited. Raises Refused or OutdatedFile.
    """
    before = files.get(path, "")
    after = _with_line_breaks_of(before, text) if isinstance(before, str) else text
    if files.get(path) == after:
        return FilesEdit(files=files, opened=path)
    _check_tag(files, path, base)
    verb = "Changed" if path in files else "Added"
    return _checked({**files, path: after}, f"{verb} {shown(path)}", [path], opened=path)


def add_files(files: ProjectFiles, added: Mapping[str, StoredFile]) -> FilesEdit:
    """Add new files by their paths; raises Refused if one exists."""
    new = {clean_path(path): file for path, file in added.items()}
    if not new:
        raise Refused("Choose at least one file.")
    for path in new:
        if path in files:
            raise Refused(f"There is already a file {shown(path)}.")
    return _checked(
        {**files, **new}, f"Added {_listed(list(new))}", list(new), opened=next(iter(new))
    )


def replace_file(files: ProjectFiles, path: str, content: bytes, *, base: str) -> FilesEdit:
    """Replace the content of a file, text or not; raises Refused or OutdatedFile."""
    if path not in files:
        raise Refused(f"There is no file {shown(path)}.")
    after = stored(content)
    if files[path] == after:
        return FilesEdit(files=files, opened=path)
    _check_tag(files, path, base)
    return _checked({**files, path: after}, f"Replaced {shown(path)}", [path], opened=path)


def move(files: ProjectFiles, path: str, to: str, *, base: str) -> FilesEdit:
    """Rename or move a file, or a folder with everything in it; folders end with a slash.

    A file that is moved to a folder keeps its name. Raises Refused or OutdatedFile.
    """
    _check_exists(files, path)
    _check_tag(files, path, base)
    target = clean_path(to)
    if path.endswith("/"):
        target = f"{target.rstrip('/')}/"
        moved = {old: target + old.removeprefix(path) for old in files_in(files, path)}
    else:
        target += path.rpartition("/")[2] if target.endswith("/") else ""
        moved = {path: target}
    if target == path:
        return FilesEdit(files=files, opened=path)
    kept = {name: file for name, file in files.items() if name not in moved}
    for new in moved.values():
        if new in kept:
            raise Refused(f"There is already a file {shown(new)}.")
    after = kept | {new: files[old] for old, new in moved.items()}
    opened = "" if path.endswith("/") else target
    summary = f"Moved {shown(path)} to {shown(target)}"
    return _checked(after, summary, [*moved, *moved.values()], opened=opened, moved=moved)


def delete(files: ProjectFiles, path: str, *, base: str) -> FilesEdit:
    """Delete a file, or a folder with everything in it; raises Refused or OutdatedFile."""
    _check_exists(files, path)
    _check_tag(files, path, base)
    gone = files_in(files, path) if path.endswith("/") else [path]
    kept = {name: file for name, file in files.items() if name not in gone}
    if not kept:
        raise Refused("A project needs at least one file.")
    return _checked(kept, f"Deleted {shown(path)}", gone)


def clean_path(path: str) -> str:
    """Return a path as it was meant by the person who typed it; raises Refused if it is empty."""
    text = unicodedata.normalize("NFC", path.strip()).removeprefix("./")
    if not text or text == "/":
        raise Refused("Enter a path, such as src/steps.ts.")
    return text


def _check_exists(files: ProjectFiles, path: str) -> None:
    if tag_of(files, path) == MISSING:
        raise Refused(f"There is no file {shown(path)}.")


def _check_tag(files: ProjectFiles, path: str, base: str) -> None:
    if tag_of(files, path) != base:
        raise OutdatedFile(path)


def _checked(
    files: ProjectFiles,
    summary: str,
    touched: list[str],
    *,
    opened: str = "",
    moved: Mapping[str, str] | None = None,
) -> FilesEdit:
    """Return the edit; raises Refused if these cannot be the files of a project."""
    if problems := check_files(files):
        raise Refused(str(problems[0]))
    return FilesEdit(
        files=dict(sorted(files.items())),
        summary=summary,
        touched=tuple(dict.fromkeys(touched)),
        opened=opened,
        moved=moved or {},
    )


def _with_line_breaks_of(before: str, text: str) -> str:
    """Return the text with the line breaks of the file, which browsers replace by their own."""
    plain = _LINE_BREAK.sub("\n", text)
    if _LINE_BREAK.sub("\n", before) == plain:
        return before
    first = _LINE_BREAK.search(before)
    return plain.replace("\n", "\r\n") if first and first[0] == "\r\n" else plain


def _listed(paths: list[str]) -> str:
    names = ", ".join(map(shown, paths[:_MAX_NAMED]))
    more = len(paths) - _MAX_NAMED
    return f"{names} and {more} more" if more > 0 else names
