"""Tags of files and folders: they change with the content, so a page can see that it is outdated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

from workflows.documents.projects.contents import BASE64, ProjectFiles, StoredFile

MISSING: Final = ""
"""The tag of a file that does not exist."""
_LENGTH: Final = 32


def tag_of(files: ProjectFiles, path: str) -> str:
    """Return the tag of a file, or of a folder, whose path ends with a slash."""
    if not path.endswith("/"):
        return _tag(files[path]) if path in files else MISSING
    return folder_tag({name: _tag(files[name]) for name in files_in(files, path)})


def file_tags(files: ProjectFiles) -> dict[str, str]:
    """Return the tags of all files."""
    return {path: _tag(file) for path, file in files.items()}


def folder_tag(inside: Mapping[str, str]) -> str:
    """Return the tag of a folder with these files, given by their tags."""
    return _digest(repr(sorted(inside.items()))) if inside else MISSING


def files_in(paths: Iterable[str], folder: str) -> list[str]:
    """Return the sorted paths that are in a folder, whose path ends with a slash."""
    return sorted(path for path in paths if folder.endswith("/") and path.startswith(folder))


def _tag(file: StoredFile) -> str:
    return _digest(file if isinstance(file, str) else f"\0{file[BASE64]}")


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:_LENGTH]
