"""The files of a project: how they are stored, and how they are read and checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from workflows.documents.projects.contents import (
    BASE64,
    ProjectFiles,
    StoredFile,
    content_of,
    file_bytes,
    stored,
    text_of,
)
from workflows.documents.projects.problems import InvalidProject, ProjectProblem
from workflows.documents.projects.reading.archive import read_archive
from workflows.documents.projects.reading.collector import ReadProject
from workflows.documents.projects.reading.folder import read_folder
from workflows.documents.projects.reading.left_out import LeftOut, never_stored_reason
from workflows.documents.projects.reading.limits import (
    MAX_ARCHIVE_BYTES,
    MAX_DEPTH,
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_LOCK_BYTES,
    MAX_PATH_BYTES,
    MAX_PROBLEMS,
    MAX_TOTAL_BYTES,
    TOO_LARGE,
    TOO_MANY_FILES,
    size_reason,
)
from workflows.documents.projects.reading.paths import TakenPaths, path_reason, shown

__all__ = [
    "MAX_ARCHIVE_BYTES",
    "MAX_DEPTH",
    "MAX_FILES",
    "MAX_FILE_BYTES",
    "MAX_LOCK_BYTES",
    "MAX_PATH_BYTES",
    "MAX_TOTAL_BYTES",
    "InvalidProject",
    "LeftOut",
    "ProjectFiles",
    "ProjectProblem",
    "ReadProject",
    "StoredFile",
    "check_files",
    "file_bytes",
    "read_archive",
    "read_folder",
    "stored",
    "text_of",
]

_NOT_FILES: Final = 'must be an object of paths and contents, such as {"src/index.ts": "..."}'
_NOT_A_FILE: Final = f'must be text, or {{"{BASE64}": "..."}} if it is not UTF-8'
_NOT_UTF8: Final = "contains a lone surrogate (half a character), which cannot be stored: remove it"
_NUL: Final = f'contains a NUL character: write it as {{"{BASE64}": "..."}}'
_NOT_USUAL: Final = "is not canonical Base64: its last character has unused bits that are not zero"
_IS_TEXT: Final = "is UTF-8 text: write it as text instead of Base64"


def check_files(files: object) -> list[ProjectProblem]:
    """Return why these cannot be the files of a project: JSON of any shape from an editor or the API.

    If there are none, the value is a `ProjectFiles`.
    """
    if not isinstance(files, dict):
        return [ProjectProblem(message=_NOT_FILES)]
    if len(files) > MAX_FILES:
        return [ProjectProblem(message=TOO_MANY_FILES)]
    if not files:
        return [ProjectProblem(message="The project has no files.")]
    problems = list(islice(_file_problems(files), MAX_PROBLEMS))
    if not problems and sum(len(content_of(file)) for file in files.values()) > MAX_TOTAL_BYTES:
        problems = [ProjectProblem(message=TOO_LARGE)]
    return problems


def _file_problems(files: dict[Any, Any]) -> Iterator[ProjectProblem]:
    taken = TakenPaths()
    for path, file in files.items():
        if not isinstance(path, str):
            yield ProjectProblem(message="is not a path", file=json.dumps(path, default=str))
            continue
        reason = path_reason(path) or never_stored_reason(path) or taken.add(path)
        reason = reason or _content_reason(path, file)
        if reason:
            yield ProjectProblem(message=reason, file=shown(path))


def _content_reason(path: str, file: object) -> str:
    if isinstance(file, str):
        return _text_reason(path, file)
    if not isinstance(file, dict) or [*file] != [BASE64] or not isinstance(file[BASE64], str):
        return _NOT_A_FILE
    reason = size_reason(path, len(file[BASE64]) * 3 // 4 - 2)
    if reason:
        return reason
    try:
        content = content_of(file)
    except ValueError as error:
        return str(error)
    usual = stored(content)
    if isinstance(usual, str):
        return _IS_TEXT
    return size_reason(path, len(content)) if usual == file else _NOT_USUAL


def _text_reason(path: str, text: str) -> str:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return _NOT_UTF8
    return _NUL if "\0" in text else size_reason(path, size)
