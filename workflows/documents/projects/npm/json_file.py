"""A JSON file of npm: its value, and what is wrong with it."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, Final

from workflows.documents.projects.contents import ProjectFiles, text_of
from workflows.documents.projects.problems import ProjectProblem
from workflows.documents.projects.reading.limits import MAX_PROBLEMS
from workflows.ir.reading import json_reader
from workflows.ir.reading.json_lines import JsonLines
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.raw_values import check_values

_MAX_DEPTH: Final = 32

Keys = tuple[str, ...]


class JsonFile:
    """A file that may be missing; its value is then empty. Nothing is raised for what it contains."""

    def __init__(self, files: ProjectFiles, file: str, *, most: int) -> None:
        self.file = file
        self.problems: list[ProjectProblem] = []
        self.notes: list[ProjectProblem] = []
        self.text = ""
        self.value: dict[str, Any] = {}
        text = text_of(files, file)
        if text is None:
            if file in files:
                self.problem((), "is not UTF-8 text")
        elif len(text.encode("utf-8", "surrogatepass")) > most:
            self.problem((), f"is larger than {most // 1024} KB")
        else:
            self.text = text
            self._read(text.removeprefix("\ufeff"))

    def _read(self, text: str) -> None:
        try:
            value = json_reader.loads(text)
        except json.JSONDecodeError as error:
            self.problem((), f"is not JSON: {error.msg}", line=error.lineno)
            return
        except (ValueError, RecursionError) as error:
            self.problem((), f"is not JSON: {error}")
            return
        if not isinstance(value, dict):
            self.problem((), f"must be an object, not {quoted(value)}")
            return
        for problem in check_values(value, max_depth=_MAX_DEPTH)[:1]:
            self.problem((), str(problem.message))
            return
        self.value = value

    def member(self, key: str) -> dict[str, Any]:
        """Return an object in the file; an empty one if it is missing or something else."""
        value = self.value.get(key, {})
        if isinstance(value, dict):
            return value
        message = f"must be an object, not {quoted(value)}"
        if not any(problem.key == key for problem in self.problems):
            self.problem((key,), message)
        return {}

    def problem(self, path: Keys, message: str, *, line: int = 0) -> None:
        """Report a problem with a value."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(self._problem(path, message, line))

    def note(self, path: Keys, message: str) -> None:
        """Report what does not keep the project from working."""
        problem = self._problem(path, message, 0)
        self.notes.append(
            ProjectProblem(
                message=problem.message,
                file=problem.file,
                line=problem.line,
                key=problem.key,
                is_warning=True,
            )
        )

    def _problem(self, path: Keys, message: str, line: int) -> ProjectProblem:
        line = line or (self._lines.line_at(path) if path else 0)
        return ProjectProblem(message=message, file=self.file, line=line, key=".".join(path))

    @cached_property
    def _lines(self) -> JsonLines:
        return JsonLines(self.text.removeprefix("\ufeff"))
