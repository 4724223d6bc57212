"""The configuration file of a project: which one it is, its values, and their lines."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, Final

from workflows.documents.projects.contents import ProjectFiles, text_of
from workflows.documents.projects.problems import ProjectProblem
from workflows.documents.projects.reading.limits import MAX_PROBLEMS
from workflows.documents.projects.wrangler.bounds import MAX_CONFIG_BYTES, Path, TooComplex
from workflows.documents.projects.wrangler.jsonc import plain_json
from workflows.documents.projects.wrangler.toml_text import toml_text
from workflows.ir.reading import json_reader
from workflows.ir.reading.json_lines import JsonLines
from workflows.ir.reading.json_numbers import is_exact
from workflows.ir.reading.problems import escape_surrogates, listed, quoted

CONFIG_FILES: Final = ("wrangler.json", "wrangler.jsonc", "wrangler.toml")
"""The names of configuration files; wrangler uses the first one that exists."""

_MISSING: Final = "The project has no wrangler.toml, wrangler.json or wrangler.jsonc."
_TOML_PLACE: Final = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_$-]+")


def shown_key(path: Path) -> str:
    """Return a path as people write it: `workflows[0].class_name`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        name = part if _PLAIN_KEY.fullmatch(part) else quoted(part, limit=60)
        text += f".{name}" if text else name
    return text


@dataclass(slots=True)
class Source:
    """A configuration file, its values, and the problems and notes so far."""

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    problems: list[ProjectProblem] = field(default_factory=list)
    notes: list[ProjectProblem] = field(default_factory=list)
    line_at: Callable[[Path], int] = lambda _path: 0

    def line_of(self, path: Path) -> int:
        """Return the line of the value, or of the closest one around it."""
        for end in range(len(path), 0, -1):
            line = self.line_at(path[:end])
            if line:
                return line
        return 0

    @property
    def is_full(self) -> bool:
        """Whether there are enough problems; others are not reported."""
        return len(self.problems) >= MAX_PROBLEMS

    def problem(self, path: Path, message: str) -> None:
        """Report a problem with a value."""
        if not self.is_full:
            self.problems.append(self._problem(path, message, is_warning=False))

    def note(self, path: Path, message: str) -> None:
        """Report what does not keep the project from working."""
        if len(self.notes) < MAX_PROBLEMS:
            self.notes.append(self._problem(path, message, is_warning=True))

    def broken(self, language: str, message: str, line: int) -> None:
        """Report that the file cannot be read."""
        message = f"is not {language}: {message}"
        self.problems.append(ProjectProblem(message=message, file=self.file, line=line))

    def _problem(self, path: Path, message: str, *, is_warning: bool) -> ProjectProblem:
        return ProjectProblem(
            message=message,
            file=self.file,
            line=self.line_of(path),
            key=shown_key(path),
            is_warning=is_warning,
        )


def read_source(files: ProjectFiles) -> Source:
    """Return the configuration of a project; its data is empty if it cannot be read."""
    names = [name for name in CONFIG_FILES if name in files]
    if not names:
        source = Source("")
        source.problem((), _MISSING + _elsewhere(files))
        return source
    source = Source(names[0])
    if names[1:]:
        source.note((), f"takes precedence, as in wrangler: remove {listed(names[1:])}")
    _read(source, text_of(files, source.file))
    _replace_unusable(source)
    return source


def _elsewhere(files: ProjectFiles) -> str:
    found = sorted(path for path in files if path.rpartition("/")[2] in CONFIG_FILES)
    return f" There is {quoted(found[0])}: import the folder that it is in." if found else ""


def _read(source: Source, text: str | None) -> None:
    if text is None:
        source.problem((), "is not UTF-8 text")
    elif len(text.encode("utf-8", "surrogatepass")) > MAX_CONFIG_BYTES:
        source.problem((), f"is larger than {MAX_CONFIG_BYTES // 1024} KB")
    else:
        try:
            _parse(source, text.removeprefix("\ufeff"))
        except TooComplex as error:
            source.problems.append(
                ProjectProblem(message=str(error), file=source.file, line=error.line)
            )


def _parse(source: Source, text: str) -> None:
    if source.file.endswith(".toml"):
        _parse_toml(source, text)
    else:
        _parse_json(source, text)


def _parse_toml(source: Source, text: str) -> None:
    prepared = toml_text(text)
    source.line_at = lambda path: prepared.lines.get(path, 0)
    try:
        data = tomllib.loads(prepared.text)
    except (ValueError, RecursionError) as error:
        found = _TOML_PLACE.search(str(error))
        line = int(found[1]) if found and found[1] else len(prepared.text.splitlines())
        message = _TOML_PLACE.sub("", str(error))
        source.broken("TOML", message, prepared.original_line(line))
        return
    if prepared.is_whole:
        source.data = data
    else:
        source.broken(
            "TOML", "Invalid statement", prepared.original_line(prepared.text.count("\n"))
        )


def _parse_json(source: Source, text: str) -> None:
    plain = plain_json(text)
    try:
        value = json_reader.loads(plain)
    except json.JSONDecodeError as error:
        source.broken("JSON", error.msg, error.lineno)
        return
    except json_reader.RepeatedKey as error:
        source.broken("JSON", str(error), JsonLines(plain).repeated)
        return
    except (ValueError, RecursionError) as error:
        source.broken("JSON", str(error), 0)
        return
    source.line_at = JsonLines(plain).line_at
    if isinstance(value, dict):
        source.data = value
    else:
        source.problem((), f"must be an object, not {quoted(value)}")


def _replace_unusable(source: Source) -> None:
    """Report values that wrangler.json cannot contain, and replace them with similar ones."""
    source.data = dict(_usable(source, (), source.data))


def _usable(source: Source, path: Path, value: Any) -> Any:
    """Return the value; the depth of recursion is that of the values, which is bounded."""
    match value:
        case dict():
            return {
                _text(source, path, key): _usable(source, (*path, key), item)
                for key, item in value.items()
            }
        case list():
            return [_usable(source, (*path, index), item) for index, item in enumerate(value)]
        case str():
            return _text(source, path, value)
    return _scalar(source, path, value)


def _text(source: Source, path: Path, text: str) -> str:
    plain = escape_surrogates(text)
    if plain != text:
        source.problem(path, "contains a lone surrogate (half a character): remove it")
    return plain


def _scalar(source: Source, path: Path, value: Any) -> Any:
    match value:
        case date() | time():
            source.problem(
                path, f"is a date or a time: write it in quotes, as {quoted(str(value))}"
            )
            return value.isoformat()
        case float() if not math.isfinite(value):
            source.problem(path, "is not a finite number")
            return 0
        case int() if not is_exact(value):
            source.problem(
                path, "is a number that JavaScript cannot represent exactly: write it in quotes"
            )
            return 0
    return value
