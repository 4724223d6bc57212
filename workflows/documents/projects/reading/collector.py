"""Collects the files of a project from any source, and refuses what does not fit."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from workflows.documents.projects.contents import ProjectFiles, stored
from workflows.documents.projects.problems import InvalidProject, ProjectProblem
from workflows.documents.projects.reading.left_out import LeftOut, ignored_outputs, left_out
from workflows.documents.projects.reading.limits import (
    MAX_FILES,
    MAX_PROBLEMS,
    MAX_TOTAL_BYTES,
    TOO_LARGE,
    TOO_MANY_FILES,
    max_bytes,
    size_reason,
)
from workflows.documents.projects.reading.paths import (
    TakenPaths,
    escape_reason,
    path_reason,
    shown,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadProject:
    """The files of a project, and what was left out of it, each in the order of paths."""

    files: ProjectFiles
    left_out: tuple[LeftOut, ...]


def refuse(message: str, file: str = "") -> NoReturn:
    """Raise InvalidProject with one problem."""
    raise InvalidProject([ProjectProblem(message=message, file=file)])


class Collector:
    """The files so far. Nothing is read of a file that is left out or refused."""

    def __init__(self, gitignore: bytes) -> None:
        self._outputs = ignored_outputs(gitignore)
        self._files: ProjectFiles = {}
        self._left_out: dict[str, LeftOut] = {}
        self._taken = TakenPaths()
        self._problems: list[ProjectProblem] = []
        self._count = self._total = 0

    def leaves_out(self, path: str, *, is_folder: bool) -> bool:
        """Whether the entry is left out; the reason is kept."""
        found = left_out(path, self._outputs, is_folder=is_folder)
        if found:
            self._left_out.setdefault(found.path, found)
        return found is not None

    def problem(self, path: str, message: str) -> None:
        """Report an entry that is refused; raises InvalidProject if there are too many."""
        self._problems.append(ProjectProblem(message=message, file=shown(path)))
        if len(self._problems) >= MAX_PROBLEMS:
            raise InvalidProject(self._problems)

    def add(self, path: str, kind_reason: str, read: Callable[[int], bytes]) -> None:
        """Add a file, unless it is left out; `read` returns at most the given number of bytes.

        `kind_reason` says why something that is not a plain file is refused. Raises InvalidProject if
        the project is too large.
        """
        reason = escape_reason(path)
        if not reason and self.leaves_out(path, is_folder=False):
            return
        path = unicodedata.normalize("NFC", path)
        reason = reason or kind_reason or path_reason(path) or self._taken.add(path)
        if reason:
            self.problem(path, reason)
            return
        self._count += 1
        if self._count > MAX_FILES:
            refuse(TOO_MANY_FILES)
        if not self._problems:  # otherwise nothing is stored
            self._read(path, read)

    def _read(self, path: str, read: Callable[[int], bytes]) -> None:
        content = read(max_bytes(path) + 1)
        self._total += len(content)
        reason = size_reason(path, len(content))
        if reason:
            self.problem(path, reason)
        elif self._total > MAX_TOTAL_BYTES:
            refuse(TOO_LARGE)
        else:
            self._files[path] = stored(content)

    def project(self) -> ReadProject:
        """Return the project; raises InvalidProject with all problems."""
        if self._problems:
            raise InvalidProject(self._problems)
        if not self._files:
            refuse("There are no files to store.")
        return ReadProject(
            files=dict(sorted(self._files.items())),
            left_out=tuple(sorted(self._left_out.values(), key=lambda each: each.path)),
        )
