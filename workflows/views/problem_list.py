"""The problems of a draft as the editor lists them, with their fixes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse

from workflows import drafts
from workflows.codegen.analysis.code_reader import ENTRY_PATH
from workflows.codegen.module.worker_env import EnvUse
from workflows.documentation.places import VARIABLES, place_of_problem, url_of
from workflows.draft_code import node_names
from workflows.draft_problems import checked_code
from workflows.editing.document.refusals import NotEditable
from workflows.editing.document.workbench import OpenDocument
from workflows.editing.fixes import Fix, fix_of
from workflows.editing.problem_places import field_name, path_in_node
from workflows.ir.document.model import WorkflowIR
from workflows.ir.document.node_types import NodeType
from workflows.ir.document.triggers import TriggerType, trigger_type_of
from workflows.ir.reading.problems import Problem, Severity, quoted
from workflows.models import Workflow
from workflows.nodes import branch, start_many, sub_workflow
from workflows.nodes.called_workflow import WORKFLOW_ID

_OF_TRIGGER: Final = ("trigger", ENTRY_PATH)
"""The paths that the trigger's form contains."""
_MAX_SHOWN: Final = 200
_MAX_FIXES: Final = 20  # each fix is tried on the document
_ARM: Final = re.compile(r"data\.branches\.(\d+)(\.|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemList:
    """The context of the list's template, each node's most severe problem, and all problems by field.

    A field belongs to a node, or to the trigger if `node` is "". `region` is the arm of a branch that
    the problem is in.
    """

    context: dict[str, Any]
    nodes: Mapping[str, Mapping[str, str]]
    fields: list[dict[str, Any]]


def problem_list(workflow: Workflow, *, may_change: bool) -> ProblemList:
    """Compile the draft and return its problems, errors first."""
    checked = checked_code(workflow)
    variables = list(_missing(checked.missing))
    opened = _opened(workflow)
    called = [*_unknown_workflows(workflow), *_endless_calls(workflow, opened)]
    found = [*((problem, "") for problem in (*checked.problems, *called)), *variables]
    found.sort(key=lambda each: not each[0].is_error)
    problems = [problem for problem, _ in found]
    errors = sum(problem.is_error for problem in problems)
    rows = _Rows(workflow, opened, may_change=may_change)
    context = {
        "rows": [rows.row(problem, variable) for problem, variable in found[:_MAX_SHOWN]],
        "errors": errors,
        "warnings": len(problems) - errors,
        "workflow": workflow,
    }
    return ProblemList(
        context=context, nodes=_gravest(problems), fields=list(rows.fields(problems[:_MAX_SHOWN]))
    )


def _missing(uses: Iterable[EnvUse]) -> Iterator[tuple[Problem, str]]:
    """Yield a problem for each use of a variable that is not set."""
    for use in dict.fromkeys(uses):
        yield (
            Problem(
                path=use.path,
                message=f"env.{use.name} is not set: a run that reads it gets undefined",
                node_id=use.node_id,
                severity=Severity.WARNING,
            ),
            use.name,
        )


def _unknown_workflows(workflow: Workflow) -> Iterator[Problem]:
    """Yield a warning for each node that starts a workflow whose id no workflow has.

    It may still be the name of a Worker, which only a target knows.
    """
    ids = dict(_called_workflows(workflow.ir, sub_workflow.TYPE.name, start_many.TYPE.name))
    known = set(Workflow.objects.filter(pk__in=set(ids.values())).values_list("pk", flat=True))
    for node_id, id_ in ids.items():
        if id_ not in known:
            yield Problem(
                path=f"nodes.{node_id}.data.{WORKFLOW_ID.name}",
                message=f"there is no workflow with the id {quoted(id_)}",
                node_id=node_id,
                severity=Severity.WARNING,
            )


def _endless_calls(workflow: Workflow, opened: OpenDocument | None) -> Iterator[Problem]:
    """Yield a warning for each sub-workflow that always starts the same workflow again."""
    if opened is None:
        return
    for node_id, id_ in _called_workflows(workflow.ir, sub_workflow.TYPE.name):
        if id_ == workflow.pk and not _depends_on_condition(opened.draft, node_id):
            yield Problem(
                path=f"nodes.{node_id}.data.{WORKFLOW_ID.name}",
                message="starts this workflow again in every run, so that runs never end: choose another "
                "workflow, or move the node into an arm of a branch",
                node_id=node_id,
                severity=Severity.WARNING,
            )


def _depends_on_condition(ir: WorkflowIR, node_id: str) -> bool:
    """Whether the node is in an arm or a loop, or after a `break`."""
    region_id, _ = ir.structure.locations[node_id]
    owners = [
        ir.nodes[ir.structure.regions[inner].owner].type.container
        for inner in ir.structure.enclosing(region_id)
    ]
    is_optional = any(each and (each.alternatives or each.repeats) for each in owners)
    breaks = (node.id for node in ir.nodes.values() if node.type.breaks)
    return is_optional or any(ir.structure.precedes(id_, node_id) for id_ in breaks)


def _called_workflows(document: Any, *types: str) -> Iterator[tuple[str, str]]:
    """Yield each node of these types, which call a workflow, and the id of that workflow."""
    for item in _items(document):
        data = item.get("data")
        if item.get("type") not in types or not isinstance(data, dict):
            continue
        id_ = data.get(WORKFLOW_ID.name)
        if isinstance(id_, str) and id_ and id_.isascii() and id_.isprintable():
            yield str(item.get("id")), id_


def _gravest(problems: Iterable[Problem]) -> dict[str, dict[str, str]]:
    """Return the first problem of each node."""
    nodes: dict[str, dict[str, str]] = {}
    for problem in problems:
        if problem.node_id:
            mark = {"severity": str(problem.severity), "text": problem.message}
            nodes.setdefault(problem.node_id, mark)
    return nodes


class _Rows:
    """Describes the problems of one draft."""

    def __init__(
        self, workflow: Workflow, opened: OpenDocument | None, *, may_change: bool
    ) -> None:
        self._workflow = workflow
        self._names = node_names(workflow.ir)
        self._opened = opened
        self._may_change = may_change
        self._tried = 0

    def row(self, problem: Problem, variable: str) -> dict[str, Any]:
        """Return the template's data for a problem."""
        fix = self._fix(problem)
        line, column = problem.position
        return {
            "is_error": problem.is_error,
            "node_id": problem.node_id if problem.node_id in self._names else "",
            "is_trigger": problem.path.startswith(_OF_TRIGGER),
            "node_name": self._names.get(problem.node_id, problem.node_id),
            "path": path_in_node(problem),
            "line": line or "",
            "column": column or "",
            "field": field_name(self._opened, problem),
            "message": problem.message,
            "fix": fix and fix.label,
            "operation": fix and json.dumps(fix.operation),
            "variable": variable,
            "variable_url": self._address(variable, problem.node_id) if variable else "",
            "docs_url": url_of(
                VARIABLES if variable else place_of_problem(problem, self._type(problem))
            ),
        }

    def _type(self, problem: Problem) -> NodeType | TriggerType | None:
        """Return the type of the problem's node, or that of the trigger."""
        if self._opened is None:
            return None
        node = self._opened.draft.nodes.get(problem.node_id)
        if node is None and problem.path.startswith("trigger"):
            return trigger_type_of(self._opened.document.get("trigger") or {})
        return node.type if node else None

    def _fix(self, problem: Problem) -> Fix | None:
        if self._opened is None or not self._may_change or self._tried >= _MAX_FIXES:
            return None
        self._tried += 1
        return fix_of(self._opened, problem)

    def _address(self, variable: str, node: str) -> str:
        """Return the URL of the form that sets this workflow's variable, and then returns to the node."""
        query = urlencode({"workflow": self._workflow.pk, "name": variable, "node": node})
        return f"{reverse('admin:workflows_environmentvariable_add')}?{query}"

    def fields(self, problems: Iterable[Problem]) -> Iterator[dict[str, Any]]:
        """Yield the problems that belong to a field of the panel."""
        types = {str(item.get("id")): item.get("type") for item in _items(self._workflow.ir)}
        for problem in problems:
            path = path_in_node(problem)
            if problem.node_id not in self._names and not path.startswith(_OF_TRIGGER):
                continue
            arm = _ARM.match(path) if types.get(problem.node_id) == branch.TYPE.name else None
            yield {
                "node": problem.node_id,
                "field": path,
                "region": int(arm[1]) if arm else None,
                "severity": str(problem.severity),
                "text": problem.message,
            }


def _opened(workflow: Workflow) -> OpenDocument | None:
    try:
        return drafts.open_draft(workflow)
    except NotEditable:
        return None


def _items(document: Any) -> list[dict[str, Any]]:
    nodes = document.get("nodes") if isinstance(document, dict) else None
    items = nodes if isinstance(nodes, list) else []
    return [item for item in items if isinstance(item, dict)]
