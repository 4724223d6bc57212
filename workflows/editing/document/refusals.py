"""Why an operation is refused."""

from __future__ import annotations

from collections.abc import Iterable

from workflows.ir.reading.problems import Problem


class Refused(Exception):
    """The operation was not performed; the message says why, and what to do.

    `can_force`: whether the operation is possible with `"force": true`, at the cost of
    problems in other nodes.
    """

    def __init__(self, message: str, *, node_id: str = "", can_force: bool = False) -> None:
        super().__init__(message)
        self.node_id = node_id
        self.can_force = can_force


class NotEditable(Exception):
    """The document has no region tree, so only its text can be edited."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))
