"""The documents on the pages, and how they get into drafts."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from workflows import drafts
from workflows.documentation.markdown import CodeBlock, JsonObject, parsed
from workflows.documentation.pages import pages
from workflows.editing.new_documents import typed_name
from workflows.models import Workflow

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def example(address: str, at: str) -> CodeBlock | None:
    """Return a page's block of code with this number; None if it contains no document."""
    page = pages().get(address)
    found = (block for block in parsed(page).documents if str(block.at) == at) if page else ()
    return next(iter(found), None)


def add_to_draft(workflow: Workflow, document: JsonObject, *, by: User) -> str:
    """Add the nodes of an example after the last node of the draft, and return the id of the first one.

    Raises Refused or NotEditable if that is not possible.
    """
    last = drafts.open_draft(workflow).draft.structure.root.steps[-1].node_id
    operation = {"type": "paste", "slot": {"after": last}, "fragment": document}
    revision = workflow.draft_revision
    return drafts.change_draft(workflow.pk, operation, revision=revision, by=by).selected


def named(document: JsonObject, name: str) -> JsonObject:
    """Return a copy of the document, with another name unless the name is blank."""
    copy = deepcopy(document)
    if name := typed_name(name):
        copy["metadata"]["name"] = name
    return copy
