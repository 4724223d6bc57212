"""Node types as files: `<id>/<version>/node.json` and the template beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workflows.ir.reading.problems import InvalidIR, quoted
from workflows.ir.validation.validate import read_json

DEFINITION: Final = "node.json"
TEMPLATES: Final = ("templates/cloudflare.ts", "template.ts")  # the first that is there wins
MAX_TEMPLATE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProblem:
    """What is wrong in a file of a type; `line` counts from 1, 0 where it is not known."""

    file: str
    message: str
    line: int = 0
    is_error: bool = True

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{where}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeFiles:
    """The files of one version of a type, as they were found; `folder` is `<id>/<version>`."""

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
    """Read all types of a folder, in the order of their names; hidden folders are left out."""
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
    shown = f"{id_}/{folder.name}"
    template = next((name for name in TEMPLATES if (folder / name).is_file()), TEMPLATES[-1])
    value = _definition(folder / DEFINITION, f"{shown}/{DEFINITION}", problems)
    problems += _names(value, id_=id_, version=folder.name, file=f"{shown}/{DEFINITION}")
    return TypeFiles(
        id=id_,
        version=folder.name,
        value=value,
        template=_text(folder / template, f"{shown}/{template}", problems),
        template_file=f"{shown}/{template}",
        problems=tuple(problems),
    )


def _definition(path: Path, shown: str, problems: list[FileProblem]) -> object:
    text = _text(path, shown, problems)
    if not text:
        return None
    try:
        return read_json(text)
    except InvalidIR as invalid:
        problems += [FileProblem(file=shown, message=one.message) for one in invalid.problems]
        return None


def _text(path: Path, shown: str, problems: list[FileProblem]) -> str:
    message = "is empty"
    try:
        data = path.read_bytes()
        if len(data) > MAX_TEMPLATE:
            message = f"is larger than {MAX_TEMPLATE // 1024 // 1024} MB"
        elif data.strip():
            return data.decode("utf-8-sig")
    except FileNotFoundError:
        message = "is missing"
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        message = f"is not UTF-8: byte {error.start} cannot be read"
    problems.append(FileProblem(file=shown, message=message))
    return ""


def _names(value: object, *, id_: str, version: str, file: str) -> Iterator[FileProblem]:
    """Yield where the folders are not called what the definition says: people look there first."""
    for key, folder in (("id", id_), ("version", version)):
        given = value.get(key) if isinstance(value, dict) else None
        if isinstance(given, str) and given and given != folder:
            message = f"{key}: is {quoted(given)}, and the folder is called {quoted(folder)}"
            yield FileProblem(file=file, message=message)
