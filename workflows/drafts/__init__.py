"""The draft of a workflow: its document and what is beside it, changes, undo and redo, conflicts."""

from __future__ import annotations

from workflows.drafts.changing import (
    SET_ENTRY_CODE,
    ChangedMeanwhile,
    change_draft,
    change_parts,
    change_tests,
    is_newest,
    replace_checked,
    replace_draft,
)
from workflows.drafts.file_changes import change_files, replace_files
from workflows.drafts.opened import open_draft, problem_sentence, repair_of
from workflows.drafts.storing import Changed, known_answer, on_new_ids, record_replacement
from workflows.drafts.undoing import next_redo, next_undo, redo, undo

__all__ = [
    "SET_ENTRY_CODE",
    "Changed",
    "ChangedMeanwhile",
    "change_draft",
    "change_files",
    "change_parts",
    "change_tests",
    "is_newest",
    "known_answer",
    "next_redo",
    "next_undo",
    "on_new_ids",
    "open_draft",
    "problem_sentence",
    "record_replacement",
    "redo",
    "repair_of",
    "replace_checked",
    "replace_draft",
    "replace_files",
    "undo",
]
