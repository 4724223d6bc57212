"""Stores changes to drafts, so that each is recorded and nobody's change is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from audit.trail import Actor
from workflows.documents.saved_tests.making import with_node_ids
from workflows.drafts.opened import open_draft, replace_opened
from workflows.editing.document import changes as document_changes
from workflows.editing.document.refusals import Refused
from workflows.editing.document.workbench import OpenDocument
from workflows.editing.outcome import EVERYTHING, Touch
from workflows.models import ARCHIVED, DeclaredBinding, DraftChange, Workflow

if TYPE_CHECKING:
    from django.contrib.auth.models import User

JsonObject = dict[str, Any]
Kind = DraftChange.Kind

ENTRY_CODE: Final = "entry_code"
_BINDINGS: Final = "bindings"
TESTS: Final = "tests"
FILES: Final = "files"
BESIDE_DOCUMENT: Final[Mapping[str, str]] = {
    ENTRY_CODE: "the entry code has",
    "dependencies": "the npm packages have",
    "deploy_settings": "the deploy settings have",
    _BINDINGS: "the declared bindings have",
    TESTS: "the tests have",
}
"""The parts of a draft that are not in the document; a change may contain them."""
_ATTEMPTS: Final = 20  # if others change the draft in the meantime
_MAX_SUMMARY: Final = 600
MAX_CHANGES: Final = 1_000
"""How many changes to a draft are kept, for undo and for finding conflicts."""
MAX_CHANGES_SIZE: Final = 64_000_000  # characters


NewIds = Callable[[str, Mapping[str, str]], None]
"""Gets the id of a workflow, and the new ids of its nodes by the old ones."""

_on_new_ids: list[NewIds] = []


def on_new_ids(follow: NewIds) -> None:
    """Have a function called in the transaction of each change that gives nodes new ids.

    Call this from the `ready` method of an AppConfig.
    """
    _on_new_ids.append(follow)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The draft after a change: the workflow, its revision, the open document and the node to show.

    A project has no document; `selected` is then the file to show.
    """

    workflow: Workflow
    revision: int
    opened: OpenDocument | None
    summary: str
    selected: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change before it is stored; without a summary, nothing changes.

    `opened` is the new document, or `files` are the new files of a project. `beside` are the new values of parts that are not in the document. `new_ids` are the ids of nodes to
    replace in the tests and elsewhere, by the old ones.
    """

    opened: OpenDocument | None = None
    files: JsonObject | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)
    kind: str = Kind.OPERATION
    summary: str = ""
    touched: Sequence[Touch] = ()
    selected: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    new_ids: Mapping[str, str] = field(default_factory=dict)
    reverses: DraftChange | None = None
    on_store: Callable[[], None] | None = None


def known_answer(workflow_id: str, request_id: str, *, by: User) -> Changed | None:
    """Return the current draft if this request has already changed it; None for a new request."""
    made = DraftChange.objects.filter(workflow=workflow_id, request_id=request_id, by=by)
    change = made.defer("changes").first() if request_id else None
    if change is None:
        return None
    workflow = Workflow.objects.get(pk=workflow_id)
    opened = None if workflow.is_project else open_draft(workflow)
    selectable = opened.draft.nodes if opened else workflow.files
    return Changed(
        workflow=workflow,
        revision=workflow.draft_revision,
        opened=opened,
        summary=change.summary,
        selected=change.selected if change.selected in selectable else "",
        renamed=change.renamed,
    )


def make_change(
    workflow_id: str, make: Callable[[Workflow], Step], *, by: User, request_id: str
) -> Changed:
    """Store a change to the draft; try again if someone else was faster."""
    for _ in range(_ATTEMPTS):
        workflow = Workflow.objects.get(pk=workflow_id)
        if known := known_answer(workflow_id, request_id, by=by):
            return known
        if workflow.is_archived:
            raise Refused(ARCHIVED)
        step = make(workflow)
        if step.summary and not _store(workflow, step, by=by, request_id=request_id):
            continue
        return Changed(
            workflow=workflow,
            revision=workflow.draft_revision,
            opened=step.opened,
            summary=step.summary,
            selected=step.selected,
            renamed=step.renamed,
        )
    raise Refused("Too many people are changing this workflow at the same time. Try again.")


@transaction.atomic
def _store(workflow: Workflow, step: Step, *, by: User, request_id: str) -> bool:
    """Store the draft and the change; False if the draft's revision has changed in the meantime."""
    found = [*_content_differences(workflow, step), *differences(workflow, step.beside)]
    if not _update(workflow, step):
        return False
    _mark(workflow, step, by)
    _record(
        workflow,
        difference=found,
        revision=workflow.draft_revision,
        kind=step.kind,
        summary=step.summary[:_MAX_SUMMARY],
        touched=list(step.touched),
        renamed=dict(step.renamed),
        selected=step.selected,
        reverses=step.reverses.revision if step.reverses else None,
        by=by,
        by_name=by.get_username(),
        request_id=request_id,
    )
    if step.on_store:
        step.on_store()
    for follow in _on_new_ids if step.new_ids else ():
        follow(workflow.pk, step.new_ids)
    if step.opened:
        replace_opened(workflow, step.opened)
    return True


def _content_differences(workflow: Workflow, step: Step) -> list[JsonObject]:
    if step.opened:
        return document_changes.difference(_as_object(workflow.ir), step.opened.document)
    return [] if step.files is None else file_differences(workflow.files, step.files)


def _update(workflow: Workflow, step: Step) -> bool:
    """Store the draft; False if its revision has changed in the meantime, or it was archived."""
    columns = {name: value for name, value in step.beside.items() if name != _BINDINGS}
    columns |= {"draft_revision": workflow.draft_revision + 1}
    columns |= {"ir": step.opened.document} if step.opened else {}
    columns |= {FILES: step.files} if step.files is not None else {}
    if step.new_ids and workflow.tests:
        columns[TESTS] = with_node_ids(workflow.tests, step.new_ids)
    unchanged = Workflow.objects.filter(
        pk=workflow.pk, draft_revision=workflow.draft_revision, archived_at=None
    )
    if not unchanged.update(**columns, updated_at=timezone.now()):
        return False
    if _BINDINGS in step.beside:
        _declare(workflow, step.beside[_BINDINGS])
    for name, value in columns.items():
        setattr(workflow, name, value)
    return True


def _mark(workflow: Workflow, step: Step, by: User) -> None:
    """Note what can be undone and redone after a change."""
    if step.reverses:
        step.reverses.is_undone = step.kind == Kind.UNDO
        step.reverses.can_redo = step.kind == Kind.UNDO
        step.reverses.save(update_fields=["is_undone", "can_redo"])
    else:
        workflow.draft_changes.filter(by=by, can_redo=True).update(can_redo=False)


def differences(workflow: Workflow, beside: Mapping[str, Any]) -> Iterator[JsonObject]:
    """Yield the changes to the parts that are not in the document, in the same form as changes to it."""
    for name, value in beside.items():
        yield from _difference(name, getattr(workflow, name), value)


def _difference(part: str, before: Any, after: Any) -> Iterator[JsonObject]:
    if not document_changes.is_equal(before, after):
        yield {"part": part, "id": "", "before": [before], "after": [after]}


def _declare(workflow: Workflow, bindings: Mapping[str, str]) -> None:
    """Replace the declared bindings; raises Refused if one has the name of a variable."""
    taken = workflow.variables.filter(name__in=bindings).values_list("name", flat=True).first()
    if taken:
        raise Refused(
            f"The binding {taken} cannot be declared, because the workflow has a variable with this "
            "name. Delete the variable first."
        )
    workflow.declared_bindings.all().delete()
    DeclaredBinding.objects.bulk_create(
        DeclaredBinding(workflow=workflow, name=name, kind=kind) for name, kind in bindings.items()
    )


def record_replacement(workflow: Workflow, before: Workflow, *, by: Actor) -> None:
    """Record that a form or an import replaced the draft `before`; `workflow` is already saved."""
    changes = document_changes.difference(_as_object(before.ir), workflow.ir)
    changes += file_differences(before.files, workflow.files)
    new_code = list(_difference(ENTRY_CODE, before.entry_code, workflow.entry_code))
    if not changes and not new_code:
        return
    Workflow.objects.filter(pk=workflow.pk).update(draft_revision=workflow.draft_revision + 1)
    workflow.draft_revision += 1
    _record(
        workflow,
        difference=[*changes, *new_code],
        revision=workflow.draft_revision,
        kind=Kind.REPLACED,
        summary=_replaced(workflow) if changes else "Changed the entry code",
        touched=[EVERYTHING] if changes else [("", ENTRY_CODE)],
        by=by.user,
        by_name=by.name,
    )


def _replaced(workflow: Workflow) -> str:
    return "Replaced the files" if workflow.is_project else "Replaced the document"


def file_differences(before: JsonObject, after: JsonObject) -> list[JsonObject]:
    """Return the changes to the files of a project, in the same form as changes to a document."""
    return [
        {
            "part": FILES,
            "id": path,
            "before": [before[path]] if path in before else [],
            "after": [after[path]] if path in after else [],
        }
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]


def _record(workflow: Workflow, *, difference: list[JsonObject], **fields: Any) -> None:
    """Store a change, and delete the oldest changes if there are too many."""
    size = len(json.dumps(difference))
    DraftChange.objects.create(workflow=workflow, changes=difference, size=size, **fields)
    total = 0
    for number, (revision, size) in enumerate(
        workflow.draft_changes.order_by("-revision").values_list("revision", "size")
    ):
        total += size
        if number and (number >= MAX_CHANGES or total > MAX_CHANGES_SIZE):
            workflow.draft_changes.filter(revision__lte=revision).delete()
            return


def _as_object(document: Any) -> JsonObject:
    """Return a document that can be compared, even if something other than a form stored it."""
    return document if isinstance(document, dict) else {}
