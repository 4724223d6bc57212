"""The drafts that are open: each is parsed once for as long as nobody changes it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from workflows.editing.document.refusals import NotEditable
from workflows.editing.document.workbench import OpenDocument
from workflows.editing.problem_places import sentence, sentence_in_text
from workflows.editing.repairs import Repair, repair
from workflows.ir.reading.problems import Problem
from workflows.models import NodeType, Workflow
from workflows.node_types.registered import all_types

_MAX_OPEN: Final = 16
_State = tuple[int | None, int]
"""The newest node type and the revision of a draft."""
_opened: OrderedDict[str, tuple[_State, OpenDocument]] = OrderedDict()
"""The most recently opened drafts, by workflow."""
_lock = threading.Lock()


def open_draft(workflow: Workflow) -> OpenDocument:
    """Return the workflow's draft; raises NotEditable if its nodes do not form a tree."""
    newest_type = NodeType.objects.order_by("-pk").values_list("pk", flat=True).first()
    state = newest_type, workflow.draft_revision
    known = _opened.get(workflow.pk)
    if known and known[0] == state and known[1].document == workflow.ir:
        return known[1]
    opened = OpenDocument(workflow.ir, all_types())
    _remember(workflow.pk, state, opened)
    return opened


def problem_sentence(workflow: Workflow, problem: Problem) -> str:
    """Return a problem of the draft in one line, with the names that the editor shows."""
    try:
        return sentence(open_draft(workflow), problem)
    except NotEditable:
        return sentence_in_text(workflow.ir, problem)


def repair_of(workflow: Workflow) -> Repair | None:
    """Return the repair for a draft without a tree; None if there is not exactly one."""
    return repair(workflow.ir, all_types())


def _remember(workflow_id: str, state: _State, opened: OpenDocument) -> None:
    with _lock:
        _opened[workflow_id] = state, opened
        _opened.move_to_end(workflow_id)
        while len(_opened) > _MAX_OPEN:
            _opened.popitem(last=False)


def replace_opened(workflow: Workflow, opened: OpenDocument) -> None:
    """Keep the document of a draft that has just changed, if the draft was open."""
    known = _opened.get(workflow.pk)
    if known:
        _remember(workflow.pk, (known[0][0], workflow.draft_revision), opened)
