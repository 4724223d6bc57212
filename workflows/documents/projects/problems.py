"""Problems of a project, described for the person who can fix them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectProblem:
    """One thing to fix, or with `is_warning` to know about; nobody has to act on an `is_note`.

    `file` is its path in the project, "" for the project as a whole. `line` counts from 1, 0 if it is
    not known; `column` likewise. `key` is the key in a configuration file: `workflows[0].class_name`.
    `variable` is the variable that has to be set.
    """

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    key: str = ""
    is_warning: bool = False
    is_note: bool = False
    variable: str = ""

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.key, self.message) if part)


class InvalidProject(Exception):
    """The project cannot be used; `problems` holds all reasons."""

    def __init__(self, problems: Iterable[ProjectProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))
