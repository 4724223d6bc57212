"""What an import changes in a document, and what it cannot take over."""

from __future__ import annotations

from dataclasses import dataclass, field

from workflows.ir.reading.problems import Problem, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """One change; `path` and `node_id` are those of a problem in the same place."""

    path: str
    node_id: str
    before: str
    after: str

    def __str__(self) -> str:
        after = self.after or "(removed)"
        return f"{self.path}: {_line(self.before)} is now {_line(after)}"


def _line(text: str) -> str:
    return " ".join(text.split())


@dataclass(slots=True)
class Log:
    """Collects what was changed, each change once, and what cannot be taken over."""

    rewrites: dict[Rewrite, None] = field(default_factory=dict)
    problems: dict[Problem, None] = field(default_factory=dict)

    def changed(self, node_id: str, path: str, before: str, after: str) -> None:
        """Report a change of a setting, whose path starts inside the node."""
        full = _full(node_id, path)
        self.rewrites[Rewrite(path=full, node_id=node_id, before=before, after=after)] = None

    def warn(self, node_id: str, path: str, message: str) -> None:
        """Report something that needs attention, but does not prevent an import."""
        self._add(node_id, path, message, Severity.WARNING)

    def refuse(self, node_id: str, path: str, message: str) -> None:
        """Report something that prevents an import."""
        self._add(node_id, path, message, Severity.ERROR)

    def _add(self, node_id: str, path: str, message: str, severity: Severity) -> None:
        problem = Problem(
            path=_full(node_id, path), message=message, node_id=node_id, severity=severity
        )
        self.problems[problem] = None


def _full(node_id: str, path: str) -> str:
    return f"nodes.{node_id}.{path}" if node_id else path
