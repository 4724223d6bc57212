"""What can be done with saved versions, for pages and commands: one function each."""

from __future__ import annotations

import unicodedata

from django.db import transaction

from audit.trail import Actor
from workflows import audit_entries
from workflows.editing.refusals import Refused
from workflows.models import MAX_NOTE_LENGTH, WorkflowVersion


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
    current = WorkflowVersion.objects.select_for_update().only("note").get(pk=version.pk)
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
