"""The names in the `env` of a project's Worker: unique, and usable in code."""

from __future__ import annotations

import re
from typing import Final

from workflows.documents.projects.wrangler.bounds import Path
from workflows.documents.projects.wrangler.source import Source
from workflows.ir.reading.names import name_problem
from workflows.ir.reading.problems import quoted

_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_LONGEST: Final = 128


class EnvNames:
    """The names so far."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lines: dict[str, Path] = {}

    def add_binding(self, name: str, path: Path) -> None:
        """Add the name of a binding, which code reads as `env.NAME`."""
        if not is_identifier(name):
            self._source.problem(
                path, f"must be a name such as MY_BINDING, which code can use, not {quoted(name)}"
            )
        self._add(name, path)

    def add_variable(self, name: str, path: Path) -> None:
        """Add the name of a variable or a secret."""
        reason = name_problem(name, longest=_LONGEST)
        if reason:
            self._source.problem(path, f"is a variable whose name {reason}")
        self._add(name, path)

    def _add(self, name: str, path: Path) -> None:
        first = self._lines.setdefault(name, path)
        if first != path:
            line = self._source.line_of(first)
            place = f" on line {line}" if line else ""
            self._source.problem(
                path, f"{quoted(name)} is already the name of something else{place}: rename one"
            )


def is_identifier(name: str) -> bool:
    """Whether code can use the name of a binding or a class."""
    return len(name) <= _LONGEST and _IDENTIFIER.fullmatch(name) is not None
