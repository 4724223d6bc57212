"""The picture of a class: a document that is drawn as any other, and where its nodes are in the code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workflows.ir.document.model import WorkflowIR
from workflows.picture.from_code.items import Item, Pattern, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeProblem:
    """What is wrong at a position in a file; line and column count from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}, column {self.column}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCode:
    """What was read from the method `run` of a class, which is at `place`."""

    name: str
    place: Place
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePicture:
    """A class as a document that cannot be edited or compiled; if there is none, `message` says why.

    The ids of its nodes are made of file and line. `places` are their lines, `names` the names that
    their steps can have, and `configs` the retries, timeouts and rollbacks of steps as they are written.
    `problems` are syntax errors in the files that were read; what surrounds them is drawn. Without
    `is_complete`, there was too much code to read all of it.
    """

    class_name: str
    ir: WorkflowIR | None = None
    places: Mapping[str, Place] = field(default_factory=dict)
    names: Mapping[str, tuple[Pattern, ...]] = field(default_factory=dict)
    configs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    problems: tuple[CodeProblem, ...] = ()
    message: str = ""
    is_complete: bool = True

    def __bool__(self) -> bool:
        return self.ir is not None

    def node_at(self, file: str, line: int) -> str:
        """Return the innermost node whose lines include this one, "" if there is none."""
        around = [
            (place.end_line - place.line, -number, id_)
            for number, (id_, place) in enumerate(self.places.items())
            if place.file == file and place.line <= line <= place.end_line
        ]
        return min(around)[2] if around else ""
