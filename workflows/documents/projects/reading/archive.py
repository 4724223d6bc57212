"""Reads zip, tar and tar.gz files in memory."""

from __future__ import annotations

from typing import Final

from workflows.documents.projects.contents import StoredFile, content_of
from workflows.documents.projects.problems import InvalidProject, ProjectProblem
from workflows.documents.projects.reading.collector import Collector, ReadProject, refuse
from workflows.documents.projects.reading.entries import Entry, UnreadableArchive
from workflows.documents.projects.reading.left_out import GITIGNORE, never_stored_reason
from workflows.documents.projects.reading.limits import (
    ARCHIVE_TOO_LARGE,
    MAX_ARCHIVE_BYTES,
    MAX_FILE_BYTES,
)
from workflows.documents.projects.reading.paths import escape_reason, path_reason, shown
from workflows.documents.projects.reading.tar_entries import is_gzip, is_tar, tar_entries, unpacked
from workflows.documents.projects.reading.zip_entries import is_zip, zip_entries

_ARCHIVES: Final = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf\x27\x1c", b"Rar!")
_ONLY_ARCHIVES: Final = (
    "The archive only contains other archives, which are not unpacked: use those."
)


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
    kept = [entry for entry in entries if not (entry.is_folder and entry.name in ("", "."))]
    folder = _common_folder(kept)
    if not folder:
        return [(entry.name, entry) for entry in kept]
    return [
        (entry.name.removeprefix(f"{folder}/"), entry) for entry in kept if entry.name != folder
    ]


def _common_folder(entries: list[Entry]) -> str:
    """Return the folder that contains all files, "" if there is none.

    What is never stored does not count, such as what macOS adds next to the folder.
    """
    folders = set()
    for entry in entries:
        first, slash, _ = entry.name.partition("/")
        if not never_stored_reason(first):
            folders.add(first if slash or entry.is_folder else "")
    folder = folders.pop() if len(folders) == 1 else ""
    return "" if path_reason(folder) else folder


def _project(entries: list[tuple[str, Entry]]) -> ReadProject:
    collector = Collector(_gitignore(entries))
    for path, entry in entries:
        try:
            _add(collector, path, entry)
        except UnreadableArchive as error:
            raise InvalidProject([ProjectProblem(message=str(error), file=shown(path))]) from None
    project = collector.project()
    if all(map(_is_archive, project.files.values())):
        refuse(_ONLY_ARCHIVES)
    return project


def _is_archive(file: StoredFile) -> bool:
    return not isinstance(file, str) and content_of(file).startswith(_ARCHIVES)


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
