"""Changes to the files of a project."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from workflows.documents.projects.editing import FilesEdit, OutdatedFile
from workflows.documents.projects.files import ProjectFiles
from workflows.documents.projects.tags import files_in
from workflows.drafts.changing import ChangedMeanwhile
from workflows.drafts.storing import Changed, Step, make_change
from workflows.editing.document.refusals import Refused
from workflows.editing.outcome import EVERYTHING
from workflows.models import DraftChange, Workflow

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_RECENT = 50
_NO_PROJECT = "This workflow has a document, not files."


def change_files(
    workflow_id: str,
    edit: Callable[[ProjectFiles], FilesEdit],
    *,
    by: User,
    request_id: str = "",
) -> Changed:
    """Perform an operation on the files, which names the tag of what it replaces.

    Raises Refused, ChangedMeanwhile if somebody else changed the same file, or Workflow.DoesNotExist.
    """

    def step(workflow: Workflow) -> Step:
        if not workflow.is_project:
            raise Refused(_NO_PROJECT)
        try:
            made = edit(workflow.files)
        except OutdatedFile as outdated:
            raise _changed_meanwhile(workflow, outdated.path) from None
        return Step(
            files=made.files,
            summary=made.summary,
            touched=[(path, "") for path in made.touched],
            selected=made.opened,
            renamed=made.moved,
        )

    return make_change(workflow_id, step, by=by, request_id=request_id)


def replace_files(
    workflow_id: str,
    files: ProjectFiles,
    *,
    revision: int,
    summary: str,
    by: User,
    on_store: Callable[[], None] | None = None,
) -> Changed:
    """Replace all files in one change that can be undone.

    `on_store` is called in the transaction of the change, unless nothing changes. Raises Refused,
    ChangedMeanwhile if anybody changed a file since the revision, or Workflow.DoesNotExist.
    """

    def step(workflow: Workflow) -> Step:
        if not workflow.is_project:
            raise Refused(_NO_PROJECT)
        theirs = workflow.draft_changes.filter(revision__gt=revision).defer("changes").last()
        if theirs is not None:
            raise ChangedMeanwhile(theirs)
        if workflow.files == files:
            return Step()
        return Step(files=files, summary=summary, touched=[EVERYTHING], on_store=on_store)

    return make_change(workflow_id, step, by=by, request_id="")


def _changed_meanwhile(workflow: Workflow, path: str) -> ChangedMeanwhile:
    """Return the last change to a file, with its current content."""
    current = workflow.files.get(path)
    for change in workflow.draft_changes.defer("changes")[:_RECENT]:
        paths = {touch[0]: None for touch in change.touched}
        if path in paths or "*" in paths or files_in(paths, path):
            return ChangedMeanwhile(change, current=current)
    return ChangedMeanwhile(DraftChange(summary=f"Changed {path}"), current=current)
