"""Reads a folder through directory descriptors, so that no link is followed, not even a new one."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from workflows.documents.projects.reading.collector import Collector, ReadProject, refuse
from workflows.documents.projects.reading.left_out import GITIGNORE
from workflows.documents.projects.reading.limits import (
    MAX_DEPTH,
    MAX_ENTRIES,
    MAX_FILE_BYTES,
    TOO_MANY_ENTRIES,
)

_NO_LINK: Final = "is a link: links are not followed"
_HARD_LINK: Final = "has a second name (a hard link): replace it with a copy"
_SPECIAL: Final = "is not a file: it is a device, a pipe or a socket"
_DEEP: Final = f"contains folders nested more than {MAX_DEPTH} levels deep"
_REPLACED: Final = "something else has replaced it in the meantime"
_REPLACED_ERRORS: Final = frozenset({errno.ELOOP, errno.ENOTDIR, errno.ENOENT})
_CHUNK: Final = 256 * 1024


def read_folder(path: Path) -> ReadProject:
    """Return the files of a folder; raises InvalidProject. The folder itself can be a link."""
    if os.open not in os.supports_dir_fd or os.scandir not in os.supports_fd:
        refuse("Folders cannot be read safely on this system: use a zip file.")
    try:
        with _opened(None, path, os.O_DIRECTORY) as root:
            return _Folder(root).project()
    except OSError as error:
        refuse(f"The folder cannot be read: {error.strerror}.")


class _NotAFile(Exception):
    """What has been opened is not the file that was there before."""


class _Folder:
    """Reads the folder with this descriptor."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._entries = 0
        self._collector = Collector(self._gitignore())

    def _gitignore(self) -> bytes:
        try:
            with _opened(self._root, GITIGNORE, os.O_NONBLOCK) as file:
                is_plain = not _reason(os.fstat(file))
                return _read(file, MAX_FILE_BYTES) if is_plain else b""
        except OSError:
            return b""

    def project(self) -> ReadProject:
        self._read_folder(self._root, "", depth=1)
        return self._collector.project()

    def _read_folder(self, folder: int, prefix: str, *, depth: int) -> None:
        for name in self._names(folder):
            path = prefix + name
            try:
                self._read_entry(folder, name, path, depth)
            except _NotAFile as error:
                self._collector.problem(path, str(error))
            except OSError as error:
                reason = _REPLACED if error.errno in _REPLACED_ERRORS else str(error.strerror)
                self._collector.problem(path, f"cannot be read: {reason}")

    def _names(self, folder: int) -> list[str]:
        """Return the names in order; raises InvalidProject if there are too many."""
        names: list[str] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                self._entries += 1
                if self._entries > MAX_ENTRIES:
                    refuse(TOO_MANY_ENTRIES)
                names.append(entry.name)
        return sorted(names)

    def _read_entry(self, folder: int, name: str, path: str, depth: int) -> None:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode):
            self._collector.add(path, _reason(found), lambda most: _content(folder, name, most))
        elif self._collector.leaves_out(path, is_folder=True):
            return
        elif depth >= MAX_DEPTH:
            self._collector.problem(path, _DEEP)
        else:
            with _opened(folder, name, os.O_DIRECTORY) as inner:
                self._read_folder(inner, f"{path}/", depth=depth + 1)


@contextmanager
def _opened(folder: int | None, name: str | Path, flags: int) -> Iterator[int]:
    """Open an entry of a folder, which is not followed if it is a link; raises OSError."""
    flags |= os.O_RDONLY | os.O_CLOEXEC | (os.O_NOFOLLOW if folder is not None else 0)
    descriptor = os.open(name, flags, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _reason(found: os.stat_result) -> str:
    """Return why the entry is not a file that can be read; "" if it is one."""
    if stat.S_ISLNK(found.st_mode):
        return _NO_LINK
    if not stat.S_ISREG(found.st_mode):
        return _SPECIAL
    return _HARD_LINK if found.st_nlink > 1 else ""


def _content(folder: int, name: str, most: int) -> bytes:
    """Return the content; raises _NotAFile if something else has replaced the file since it was found."""
    with _opened(folder, name, os.O_NONBLOCK | os.O_NOCTTY) as file:
        reason = _reason(os.fstat(file))
        if reason:
            raise _NotAFile(reason)
        return _read(file, most)


def _read(file: int, most: int) -> bytes:
    content = bytearray()
    while len(content) < most:
        part = os.read(file, min(_CHUNK, most - len(content)))
        if not part:
            break
        content += part
    return bytes(content)
