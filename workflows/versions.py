"""What can be done with saved versions, for pages and commands: one function each."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from django.db import transaction

from audit.trail import Actor
from workflows import audit_entries, drafts
from workflows.editing.document.refusals import NotEditable, Refused
from workflows.models import MAX_NOTE_LENGTH, Workflow, WorkflowVersion

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_MAX_COMPARED: Final = 50


def clean_note(text: str) -> str:
    """Return the text of a note as it is stored; raises Refused if it is too long."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    note = "".join(each for each in lines if each in "\n\t" or unicodedata.category(each) != "Cc")
    if len(note) > MAX_NOTE_LENGTH:
        raise Refused(
            f"A note can have at most {MAX_NOTE_LENGTH:,} characters. This one has {len(note):,}."
        )
    return note


@transaction.atomic
def set_note(version: WorkflowVersion, note: str, *, before: str, by: Actor) -> None:
    """Replace the note `before`; raises Refused if it is no longer the version's note."""
    note = clean_note(note)
    current = WorkflowVersion.objects.select_for_update(no_key=True).only("note").get(pk=version.pk)
    if current.note == note:
        return
    if current.note != clean_note(before):
        raise Refused("Someone else has changed this note. Look at it, then change it again.")
    version.note = note
    version.save(update_fields=["note"])
    audit_entries.record_version("version note changed", version, by=by, note=note)


@transaction.atomic
def set_locked(version: WorkflowVersion, *, locked: bool, by: Actor) -> None:
    """Lock or unlock a version: a workflow with a locked version cannot be deleted."""
    changed = WorkflowVersion.objects.filter(pk=version.pk, locked=not locked).update(locked=locked)
    version.locked = locked
    if changed:
        action = "version locked" if locked else "version unlocked"
        audit_entries.record_version(action, version, by=by)


@transaction.atomic
def delete(version: WorkflowVersion, *, by: Actor) -> None:
    """Delete a version; raises Refused if it is locked, or the newest one, whose number would be used again."""
    current = WorkflowVersion.objects.select_for_update(no_key=True).only("locked")
    if current.get(pk=version.pk).locked:
        raise Refused(f"v{version.number} is locked. Unlock it first.")
    if version.workflow.newest_version.number == version.number:
        raise Refused(f"v{version.number} is the newest version, which cannot be deleted.")
    audit_entries.record_version("version deleted", version, by=by)
    version.delete()


def is_in_a_version(workflow: Workflow) -> bool:
    """Whether one of the last versions has the content of the draft, so that nothing in it can be lost."""
    content = workflow.content
    last = workflow.versions.order_by("-number")[:_MAX_COMPARED]
    return any(version.has_content(content) for version in last.iterator(chunk_size=1))


def restore(version: WorkflowVersion, *, revision: int, by: User) -> bool:
    """Make the draft equal to a version, as one change that its author can undo.

    Returns False if the draft is already equal. Raises Refused, and ChangedMeanwhile if someone has
    edited the draft since the revision.
    """

    if bool(version.files) != version.workflow.is_project:
        raise Refused(
            f"v{version.number} is a version of the graph, and the workflow is a project now: that cannot "
            "be undone. Import the document of the version as a new workflow instead."
        )

    def record() -> None:
        audit_entries.record_version("version restored", version, by=Actor.of(by))

    content = version.files if version.is_project else version.content
    replace = drafts.replace_files if version.is_project else drafts.replace_draft
    try:
        changed = replace(
            version.workflow_id,
            content,
            revision=revision,
            summary=f"Restored v{version.number}",
            by=by,
            on_store=record,
        )
    except NotEditable:
        raise Refused(
            f"v{version.number} cannot be restored, because its nodes are not connected in a way that "
            "can run."
        ) from None
    return bool(changed.summary)
