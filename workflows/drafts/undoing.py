"""Undo and redo: each user's own operations, even if others have changed the draft since."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from workflows.documents.projects.files import check_files
from workflows.drafts.opened import open_draft
from workflows.drafts.storing import BESIDE_DOCUMENT, ENTRY_CODE, Changed, Step, make_change
from workflows.editing.document import changes as document_changes
from workflows.editing.document.refusals import NotEditable, Refused
from workflows.editing.document.workbench import OpenDocument
from workflows.models import DraftChange, Workflow

if TYPE_CHECKING:
    from django.contrib.auth.models import User

JsonObject = dict[str, Any]
Kind = DraftChange.Kind


def undo(workflow_id: str, *, by: User, request_id: str = "") -> Changed:
    """Reverse the last operation of this user that is not undone; raises Refused if there is none."""
    edit = partial(_reversed, by=by, kind=Kind.UNDO)
    return make_change(workflow_id, edit, by=by, request_id=request_id)


def redo(workflow_id: str, *, by: User, request_id: str = "") -> Changed:
    """Repeat the operation that this user undid last; raises Refused if there is none."""
    edit = partial(_reversed, by=by, kind=Kind.REDO)
    return make_change(workflow_id, edit, by=by, request_id=request_id)


def next_undo(workflow: Workflow, by: User) -> DraftChange | None:
    """Return the operation that undo would reverse."""
    operations = workflow.draft_changes.filter(kind=Kind.OPERATION, by=by, is_undone=False)
    return operations.defer("changes").order_by("-revision").first()


def next_redo(workflow: Workflow, by: User) -> DraftChange | None:
    """Return the operation that redo would repeat."""
    undone = workflow.draft_changes.filter(
        kind=Kind.OPERATION, by=by, is_undone=True, can_redo=True
    )
    return undone.defer("changes").order_by("revision").first()


def _reversed(workflow: Workflow, by: User, kind: Kind) -> Step:
    is_undo = kind == Kind.UNDO
    change = (next_undo if is_undo else next_redo)(workflow, by)
    if change is None:
        raise Refused("There is nothing to undo." if is_undo else "There is nothing to redo.")
    if workflow.is_project:
        return _reversed_files(workflow, change, kind)
    try:
        beside = _reversed_beside(workflow, change, is_undo=is_undo)
        of_document = [part for part in change.changes if part["part"] not in BESIDE_DOCUMENT]
        document = document_changes.apply(workflow.ir, of_document, backwards=is_undo)
        before = open_draft(workflow)
        opened = OpenDocument(document, before.registry, before)
    except document_changes.Conflict:
        raise _not_reversible(workflow, change, kind) from None
    except NotEditable:
        raise Refused(
            f"\u201c{change.summary}\u201d cannot be {'undone' if is_undo else 'redone'}, because "
            "the nodes would then no longer be connected in a way that can run."
        ) from None
    selected = change.selected if change.selected in opened.draft.nodes else ""
    return Step(
        opened=opened,
        beside=beside,
        kind=kind,
        summary=f"{'Undone' if is_undo else 'Redone'}: {change.summary}",
        touched=tuple(map(tuple, change.touched)),
        selected=selected,
        new_ids=_reversed_ids(change) if is_undo else change.renamed,
        reverses=change,
    )


def _reversed_files(workflow: Workflow, change: DraftChange, kind: Kind) -> Step:
    """Return the undo or redo of a change to the files of a project."""
    is_undo = kind == Kind.UNDO
    old, new = ("after", "before") if is_undo else ("before", "after")
    files = dict(workflow.files)
    for part in change.changes:
        path = part["id"]
        if ([files[path]] if path in files else []) != part[old]:
            raise _not_reversible(workflow, change, kind)
        files.pop(path, None)
        if part[new]:
            files[path] = part[new][0]
    if problems := check_files(files):
        raise Refused(
            f"\u201c{change.summary}\u201d cannot be {'undone' if is_undo else 'redone'}: {problems[0]}"
        )
    return Step(
        files=dict(sorted(files.items())),
        kind=kind,
        summary=f"{'Undone' if is_undo else 'Redone'}: {change.summary}",
        touched=tuple(map(tuple, change.touched)),
        selected=next((part["id"] for part in change.changes if part[new]), ""),
        renamed=_reversed_ids(change) if is_undo else change.renamed,
        reverses=change,
    )


def _reversed_beside(workflow: Workflow, change: DraftChange, *, is_undo: bool) -> JsonObject:
    """Return the parts that are not in the document after an undo or redo.

    Raises Conflict if another operation has changed one, and Refused if a form has.
    """
    old, new = ("after", "before") if is_undo else ("before", "after")
    values: JsonObject = {}
    for part in change.changes:
        name = part["part"]
        if name not in BESIDE_DOCUMENT:
            continue
        if not document_changes.is_equal(part[old], [getattr(workflow, name)]):
            if name == ENTRY_CODE:
                raise document_changes.Conflict("the entry code")
            raise Refused(
                f"\u201c{change.summary}\u201d cannot be {'undone' if is_undo else 'redone'}, because "
                f"{BESIDE_DOCUMENT[name]} been changed since then."
            )
        values[name] = part[new][0]
    return values


def _reversed_ids(change: DraftChange) -> dict[str, str]:
    return {new: old for old, new in change.renamed.items()}


def _not_reversible(workflow: Workflow, change: DraftChange, kind: Kind) -> Refused:
    later = workflow.draft_changes.filter(revision__gt=change.revision).exclude(by=change.by)
    names = sorted(set(later.values_list("by_name", flat=True)) - {""}) or ["someone else"]
    return Refused(
        f"\u201c{change.summary}\u201d cannot be {'undone' if kind == Kind.UNDO else 'redone'}, because "
        f"{' and '.join(names)} changed the same part since then."
    )
