"""Projects: workflows that have files instead of a document."""

from __future__ import annotations

import json
from typing import Final

from django.db import transaction

from audit.trail import Actor
from workflows import audit_entries
from workflows.documents.projects.config import read_config
from workflows.documents.projects.files import ProjectFiles, check_files
from workflows.documents.projects.packages import PACKAGE_FILE
from workflows.ir.document.kinds import project_document
from workflows.ir.reading.names import name_problem
from workflows.ir.reading.problems import InvalidIR, Problem
from workflows.models import Workflow
from workflows.services import WorkflowNotFound, check_draft, save_checked

_UNNAMED: Final = "Project"
_IS_GRAPH: Final = (
    "This workflow has a document, not files. Import the project as a new workflow, without its id."
)


def import_project(
    files: ProjectFiles,
    *,
    name: str = "",
    into: Workflow | None = None,
    by: Actor | None = None,
    note: str = "",
) -> Workflow:
    """Create a project from the files, or replace all files of `into`.

    Without a `name`, a new project has that of its configuration. A new version gets the `note`. Raises InvalidIR with every error in the files and their
    configuration, or if `into` is not a project, and WorkflowNotFound if it was deleted in the meantime.
    """
    if into is not None and not into.is_project:
        raise InvalidIR([Problem(path="", message=_IS_GRAPH)])
    workflow = into or Workflow(ir={})
    workflow.files = files
    if into is None:
        workflow.ir = project_document(name or project_name(files))
    draft = check_draft(workflow)
    with transaction.atomic():
        if into is not None and not Workflow.objects.filter(pk=into.pk).exists():
            raise WorkflowNotFound(f"Workflow {into.pk!r} was deleted in the meantime.")
        version = save_checked(draft, by=by.user if by else None, note=note)
        if by:
            audit_entries.record_version("project imported", version, by=by, files=len(files))
    return workflow


def project_name(files: ProjectFiles) -> str:
    """Return the name in the configuration or in package.json."""
    if check_files(files):
        return _UNNAMED
    if name := read_config(files).name:
        return name
    try:
        manifest = json.loads(str(files.get(PACKAGE_FILE, "{}")))
    except (ValueError, RecursionError):
        return _UNNAMED
    package = manifest.get("name") if isinstance(manifest, dict) else None
    return package if isinstance(package, str) and not name_problem(package) else _UNNAMED
