"""Reads zip, tar and tar.gz files in memory."""

from __future__ import annotations

from workflows.documents.projects.problems import InvalidProject, ProjectProblem
from workflows.documents.projects.reading.collector import Collector, ReadProject, refuse
from workflows.documents.projects.reading.entries import Entry, UnreadableArchive
from workflows.documents.projects.reading.left_out import GITIGNORE, never_stored_reason
from workflows.documents.projects.reading.limits import (
    ARCHIVE_TOO_LARGE,
    MAX_ARCHIVE_BYTES,
    MAX_FILE_BYTES,
)
from workflows.documents.projects.reading.paths import escape_reason, shown
from workflows.documents.projects.reading.tar_entries import is_gzip, is_tar, tar_entries, unpacked
from workflows.documents.projects.reading.zip_entries import is_zip, zip_entries


def read_archive(data: bytes) -> ReadProject:
    """Return the files of an archive, whose format is recognized by its content; raises InvalidProject.

    A folder that contains everything is not part of the paths.
    """
    if len(data) > MAX_ARCHIVE_BYTES:
        refuse(ARCHIVE_TOO_LARGE)
    try:
        entries = _entries(data)
    except UnreadableArchive as error:
        refuse(str(error))
    return _project(_without_common_folder(entries))


def _entries(data: bytes) -> list[Entry]:
    if is_zip(data):
        return zip_entries(data)
    content = unpacked(data) if is_gzip(data) else data
    if not is_tar(content):
        raise UnreadableArchive("The file is not a zip, tar or tar.gz archive.")
    return tar_entries(content)


def _without_common_folder(entries: list[Entry]) -> list[tuple[str, Entry]]:
    """Return the entries with their paths in the project."""
    kept = [entry for entry in entries if entry.name not in ("", ".")]
    inner = [entry.name.partition("/") for entry in kept if not _is_outside(entry)]
    folders = {first for first, slash, _ in inner if slash}
    is_common = len(folders) == 1 and all(
        slash or (first in folders and entry.is_folder)
        for (first, slash, _), entry in zip(
            inner, (entry for entry in kept if not _is_outside(entry)), strict=True
        )
    )
    if not is_common:
        return [(entry.name, entry) for entry in kept]
    prefix = f"{folders.pop()}/"
    return [
        (entry.name.removeprefix(prefix), entry) for entry in kept if entry.name + "/" != prefix
    ]


def _is_outside(entry: Entry) -> bool:
    """Whether the entry is not part of the project, such as what macOS adds next to its folder."""
    return bool(never_stored_reason(entry.name.partition("/")[0]))


def _project(entries: list[tuple[str, Entry]]) -> ReadProject:
    collector = Collector(_gitignore(entries))
    for path, entry in entries:
        try:
            _add(collector, path, entry)
        except UnreadableArchive as error:
            raise InvalidProject([ProjectProblem(message=str(error), file=shown(path))]) from None
    return collector.project()


def _gitignore(entries: list[tuple[str, Entry]]) -> bytes:
    for path, entry in entries:
        if path == GITIGNORE and not entry.reason and not entry.is_folder:
            try:
                return entry.read(MAX_FILE_BYTES)
            except UnreadableArchive:
                return b""  # reported when all files are read
    return b""


def _add(collector: Collector, path: str, entry: Entry) -> None:
    if not entry.is_folder:
        collector.add(path, entry.reason, entry.read)
        return
    reason = escape_reason(path)
    if reason:
        collector.problem(path, reason)
    elif not collector.leaves_out(path, is_folder=True) and entry.reason:
        collector.problem(path, entry.reason)
