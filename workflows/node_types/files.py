"""Node types as files: `<id>/<version>/node.json` and a template next to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workflows.ir.reading.problems import InvalidIR, quoted
from workflows.ir.validation.validate import read_json

DEFINITION: Final = "node.json"
TEMPLATES: Final = ("templates/cloudflare.ts", "template.ts")  # the first that exists is used
MAX_TEMPLATE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProblem:
    """A problem in a file of a node type; `line` counts from 1, and is 0 if unknown."""

    file: str
    message: str
    line: int = 0
    is_error: bool = True

    def __str__(self) -> str:
        location = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{location}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeFiles:
    """The unchecked files of one version of a type; `id` and `version` are names of folders."""

    id: str
    version: str
    value: object
    template: str
    template_file: str
    problems: tuple[FileProblem, ...]

    @property
    def folder(self) -> str:
        return f"{self.id}/{self.version}"

    @property
    def definition_file(self) -> str:
        return f"{self.folder}/{DEFINITION}"


def types_in(folder: Path) -> list[TypeFiles]:
    """Read all node types in a folder, sorted by name, without hidden folders.

    Links in it are refused: they could lead to files outside of it.
    """
    return [
        _read(version, id_.name)
        for id_ in _folders(folder)
        for version in _folders(id_)
        if id_.name != "node_modules"
    ]


def _folders(folder: Path) -> list[Path]:
    inner = (path for path in folder.iterdir() if path.is_dir())
    return sorted(path for path in inner if not path.name.startswith("."))


def _read(folder: Path, id_: str) -> TypeFiles:
    problems: list[FileProblem] = []
    short_path = f"{id_}/{folder.name}"
    template = next((name for name in TEMPLATES if (folder / name).is_file()), TEMPLATES[-1])
    value = _definition(folder / DEFINITION, f"{short_path}/{DEFINITION}", problems)
    problems += misnamed(value, id_=id_, version=folder.name, file=f"{short_path}/{DEFINITION}")
    return TypeFiles(
        id=id_,
        version=folder.name,
        value=value,
        template=_text(folder / template, f"{short_path}/{template}", problems),
        template_file=f"{short_path}/{template}",
        problems=tuple(problems),
    )


def _definition(path: Path, short_path: str, problems: list[FileProblem]) -> object:
    text = _text(path, short_path, problems)
    if not text:
        return None
    try:
        return read_json(text)
    except InvalidIR as invalid:
        problems += [
            FileProblem(file=short_path, message=problem.message) for problem in invalid.problems
        ]
        return None


def _text(path: Path, short_path: str, problems: list[FileProblem]) -> str:
    message = "is empty"
    try:
        if refusal := _refusal(path, levels=short_path.count("/") + 1):
            raise _Refused(refusal)
        with path.open("rb") as file:
            data = file.read(MAX_TEMPLATE + 1)
        if len(data) > MAX_TEMPLATE:
            message = f"is larger than {MAX_TEMPLATE // 1024 // 1024} MB"
        elif data.strip():
            return data.decode("utf-8-sig")
    except _Refused as refused:
        message = str(refused)
    except FileNotFoundError:
        message = "is missing"
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        message = f"is not UTF-8: byte {error.start} cannot be read"
    problems.append(FileProblem(file=short_path, message=message))
    return ""


class _Refused(Exception):
    """A file that is not read."""


def _refusal(path: Path, *, levels: int) -> str:
    """Return why a file is not read; `levels` is how many parts of its path are in the folder of types."""
    parts = [path, *path.parents][:levels]
    if any(part.is_symlink() for part in parts):
        return "is reached through a symbolic link: copy the file itself into the folder"
    if path.exists() and not (path.is_file() or path.is_dir()):
        return "is not a plain file"
    return ""


def misnamed(value: object, *, id_: str, version: str, file: str) -> Iterator[FileProblem]:
    """Yield a problem for each folder whose name differs from the id or version in the definition."""
    for key, folder in (("id", id_), ("version", version)):
        given = value.get(key) if isinstance(value, dict) else None
        if isinstance(given, str) and given and given != folder:
            message = f"{key}: is {quoted(given)}, but the folder is named {quoted(folder)}"
            yield FileProblem(file=file, message=message)
