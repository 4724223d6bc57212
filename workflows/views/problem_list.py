"""The problems of a draft as the editor lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from workflows.draft_problems import draft_problems
from workflows.ir.reading.problems import Problem
from workflows.models import Workflow

_MAX_SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemList:
    """The context of the list's template, and the gravest problem of each node."""

    context: dict[str, Any]
    nodes: Mapping[str, Mapping[str, str]]


def problem_list(workflow: Workflow) -> ProblemList:
    """Compile the draft and return its problems, errors first."""
    problems = sorted(draft_problems(workflow), key=lambda problem: not problem.is_error)
    names = _names(workflow.ir)
    errors = sum(problem.is_error for problem in problems)
    nodes: dict[str, dict[str, str]] = {}
    for problem in problems:
        if problem.node_id:
            mark = {"severity": str(problem.severity), "text": problem.message}
            nodes.setdefault(problem.node_id, mark)
    context = {
        "rows": [_row(problem, names) for problem in problems[:_MAX_SHOWN]],
        "errors": errors,
        "warnings": len(problems) - errors,
    }
    return ProblemList(context=context, nodes=nodes)


def _names(document: Any) -> dict[str, str]:
    nodes = document.get("nodes") if isinstance(document, dict) else None
    items = nodes if isinstance(nodes, list) else []
    return {str(item.get("id")): str(item.get("name")) for item in items if isinstance(item, dict)}


def _row(problem: Problem, names: Mapping[str, str]) -> dict[str, Any]:
    prefix = f"nodes.{problem.node_id}." if problem.node_id else ""
    return {
        "is_error": problem.is_error,
        "node_id": problem.node_id if problem.node_id in names else "",
        "node_name": names.get(problem.node_id, problem.node_id),
        "field": problem.path.removeprefix(prefix).removeprefix("data."),
        "message": problem.message,
    }
