"""The editor of a project: its page, and the parts of the page that a change replaces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlencode

from django.http import HttpResponse, JsonResponse
from django.template.defaultfilters import pluralize
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import mark_safe

from web.decorators import HttpRequest
from workflows.checked_files import checked_files
from workflows.code_socket.address import socket_address
from workflows.compilation.project_imports import CODE_SUFFIXES
from workflows.documents.projects.files import ProjectFiles
from workflows.documents.projects.problems import ProjectProblem
from workflows.documents.projects.tags import MISSING, tag_of
from workflows.documents.projects.wrangler.source import CONFIG_FILES
from workflows.drafts import Changed
from workflows.models import Workflow
from workflows.project_problems import project_problems
from workflows.views.editor import CHECK, status_html
from workflows.views.project_tree import language_of, size_of, tree_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_CHANGE: Final = "workflows.change_workflow"
_MAX_SHOWN: Final = 200


class _Severity(Enum):
    """How much a problem matters: its label in the list and its tone, the worst first."""

    ERROR = ("Error", "tone-bad")
    WARNING = ("Warning", "tone-warn")
    NOTE = ("Note", "tone-quiet")

    def __init__(self, label: str, tone: str) -> None:
        self.label = label
        self.tone = tone


@dataclass(frozen=True)
class ProjectState:
    """The state of the editor: a project, and the selected file or folder."""

    request: HttpRequest
    workflow: Workflow
    selected: str

    @property
    def files(self) -> ProjectFiles:
        files: ProjectFiles = self.workflow.files
        return files

    @property
    def may_change(self) -> bool:
        return may_change(self.request, self.workflow)

    def tree(self) -> str:
        """Return the items of the tree."""
        items = tree_of(self.files, self.selected)
        return render_to_string("workflows/project/_items.html", {"items": items}, self.request)

    def panel(self) -> str:
        """Return the selected file: a text to edit, or the size of what is not text."""
        if self.selected not in self.files:
            return ""
        file = self.files[self.selected]
        context = {
            "workflow": self.workflow,
            "may_change": self.may_change,
            "path": self.selected,
            "tag": tag_of(self.files, self.selected),
            "text": file if isinstance(file, str) else None,
            "language": language_of(self.selected),
            "language_socket": self._language_socket(),
            "size": size_of(self.files, self.selected),
        }
        return render_to_string("workflows/project/_file.html", context, self.request)

    def _language_socket(self) -> str:
        """Return the address at which a file of code has completion; "" for other files."""
        is_code = self.selected.endswith(CODE_SUFFIXES)
        return socket_address(self.workflow.pk) if is_code else ""

    def status(self) -> str:
        return status_html(
            self.request,
            self.workflow,
            place=("file", self.selected),
            may_change=self.may_change,
        )

    def parts(self) -> dict[str, str]:
        """Return the HTML inside the parts of the page, by their ids."""
        return {"project-tree": self.tree(), "editor-status": self.status()}


def may_change(request: HttpRequest, workflow: Workflow) -> bool:
    """Whether the user can edit the project."""
    return cast("User", request.user).has_perm(_CHANGE) and not workflow.is_archived


def first_file(files: ProjectFiles) -> str:
    """Return the file that is shown at first: the main module, or the configuration."""
    main = project_problems(files)[0].main
    candidates = [main, *CONFIG_FILES, *sorted(files)]
    return next((path for path in candidates if path in files), "")


def project_context(request: HttpRequest, workflow: Workflow) -> dict[str, Any]:
    """Return the context of the editor's page for a project; the URL may name a file or a folder."""
    files, requested = workflow.files, request.GET.get("file", "")
    is_missing = bool(requested) and tag_of(files, requested) == MISSING
    selected = requested if requested and not is_missing else first_file(files)
    state = ProjectState(request, workflow, selected)
    return {
        "workflow": workflow,
        "is_project": True,
        "may_change": state.may_change,
        "missing": requested if is_missing else "",
        "selected": selected,
        "selected_tag": tag_of(files, selected),
        "tree": mark_safe(state.tree()),  # noqa: S308 - a rendered template
        "panel": mark_safe(state.panel()),  # noqa: S308 - a rendered template
        "status": mark_safe(state.status()),  # noqa: S308 - a rendered template
        "problems": problems_html(request, workflow) if CHECK in request.GET else "",
    }


def changed_parts(request: HttpRequest, changed: Changed, *, selected: str) -> dict[str, Any]:
    """Return what the page needs after a change."""
    state = ProjectState(request, changed.workflow, selected)
    return {
        "revision": changed.revision,
        "opened": changed.selected,
        "moved": dict(changed.renamed),
        "summary": changed.summary,
        "parts": state.parts(),
    }


def problems_html(request: HttpRequest, workflow: Workflow) -> str:
    """Return the list of problems."""
    return _problems_html(request, workflow, _sorted(checked_files(workflow)))


def problems_answer(request: HttpRequest, workflow: Workflow) -> HttpResponse:
    """Return all problems of the draft: as a list, and by file with their places."""
    found = _sorted(checked_files(workflow))
    files: dict[str, list[Mapping[str, Any]]] = {}
    for each in found[:_MAX_SHOWN]:
        if each.file in workflow.files and not each.is_note:
            files.setdefault(each.file, []).append(_mark(each))
    return JsonResponse({"html": _problems_html(request, workflow, found), "files": files})


def _sorted(problems: list[ProjectProblem]) -> list[ProjectProblem]:
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda each: (each.is_warning, each.is_note))


def _severity(each: ProjectProblem) -> _Severity:
    if each.is_note:
        return _Severity.NOTE
    return _Severity.WARNING if each.is_warning else _Severity.ERROR


def _mark(each: ProjectProblem) -> dict[str, Any]:
    return {
        "line": each.line,
        "column": each.column,
        "severity": "warning" if each.is_warning else "error",
        "text": f"{each.key}: {each.message}" if each.key else each.message,
    }


def _variable_url(workflow: Workflow, each: ProjectProblem) -> str:
    """Return the URL of the form that sets the missing secret; it returns to the project."""
    query = urlencode({"workflow": workflow.pk, "name": each.variable, "is_secret": 1})
    return f"{reverse('admin:workflows_environmentvariable_add')}?{query}"


def _problems_html(request: HttpRequest, workflow: Workflow, found: list[ProjectProblem]) -> str:
    counts = Counter(map(_severity, found))
    context = {
        "rows": [
            {
                "problem": each,
                "severity": _severity(each),
                "is_file": each.file in workflow.files,
                "variable_url": _variable_url(workflow, each),
            }
            for each in found[:_MAX_SHOWN]
        ],
        "counts": [
            f"{count:,} {severity.label.lower()}{pluralize(count)}"
            for severity in _Severity
            if (count := counts[severity])
        ],
        "errors": counts[_Severity.ERROR],
        "workflow": workflow,
    }
    return render_to_string("workflows/project/_problems.html", context, request)
