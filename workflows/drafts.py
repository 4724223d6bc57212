"""The draft of a workflow, its document and its entry code: operations, undo and redo, conflicts.

Each operation names the revision that it is based on. If the draft has changed since then, the
operation is performed on the newest revision, unless it touches a part that has changed: that is a
conflict, and nothing is changed.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from audit.trail import Actor
from workflows.documents.saved_tests.making import with_node_ids
from workflows.documents.saved_tests.reading import InvalidTests, read_tests
from workflows.editing import changes as document_changes
from workflows.editing.arguments import Arguments
from workflows.editing.content import index_of
from workflows.editing.operations import REPLACE, Edit, perform, perform_without_tree
from workflows.editing.outcome import EVERYTHING, Touch, overlap
from workflows.editing.problem_places import sentence, sentence_in_text
from workflows.editing.refusals import NotEditable, Refused
from workflows.editing.repairs import Repair, repair
from workflows.editing.workbench import OpenDocument
from workflows.ir.reading.problems import Problem
from workflows.models import ARCHIVED, DeclaredBinding, DraftChange, NodeType, Workflow
from workflows.node_types.registered import all_types

if TYPE_CHECKING:
    from django.contrib.auth.models import User

JsonObject = dict[str, Any]
Kind = DraftChange.Kind
SET_ENTRY_CODE: Final = "set_entry_code"
"""The operation on the entry code, which is not part of the document; its argument is `value`."""
_ENTRY_CODE: Final = "entry_code"
_BINDINGS: Final = "bindings"
_TESTS: Final = "tests"
_BESIDE_DOCUMENT: Final[Mapping[str, str]] = {
    _ENTRY_CODE: "the entry code has",
    "dependencies": "the npm packages have",
    "deploy_settings": "the deploy settings have",
    _BINDINGS: "the declared bindings have",
    _TESTS: "the tests have",
}
"""The parts of a draft that are not in the document; a change may contain them."""
_ATTEMPTS: Final = 20  # if others change the draft in the meantime
_MAX_SUMMARY: Final = 600
_MAX_OPEN: Final = 16
_MAX_ENTRY_CODE: Final = 1_000_000
MAX_CHANGES: Final = 1_000
"""How many changes to a draft are kept, for undo and for finding conflicts."""
MAX_CHANGES_SIZE: Final = 64_000_000  # characters
_IN_CONFLICT: Final = "{name} changed this while you were editing it: {summary}."


class ChangedMeanwhile(Exception):
    """Someone else has changed the part that the operation would change; `theirs` is that change.

    `current` is the draft's current value of that part.
    """

    def __init__(self, theirs: DraftChange, current: Any = None) -> None:
        super().__init__(
            _IN_CONFLICT.format(name=theirs.by_name or "Someone", summary=theirs.summary)
        )
        self.theirs = theirs
        self.current = current


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The draft after a change: the workflow, its revision, the open document and the node to show."""

    workflow: Workflow
    revision: int
    opened: OpenDocument
    summary: str
    selected: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)


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


_State = tuple[int | None, int]
"""The newest node type and the revision of a draft."""

_opened: OrderedDict[str, tuple[_State, OpenDocument]] = OrderedDict()
"""The most recently opened drafts, by workflow."""
_lock = threading.Lock()


def _remember(workflow_id: str, state: _State, opened: OpenDocument) -> None:
    with _lock:
        _opened[workflow_id] = state, opened
        _opened.move_to_end(workflow_id)
        while len(_opened) > _MAX_OPEN:
            _opened.popitem(last=False)


def change_draft(
    workflow_id: str, operation: JsonObject, *, revision: int, by: User, request_id: str = ""
) -> Changed:
    """Perform an operation that is based on a revision of the draft.

    A request whose response was lost can be sent again: the same `request_id` changes nothing the
    second time. Raises Refused, NotEditable, ChangedMeanwhile, or Workflow.DoesNotExist.
    """

    def edit(workflow: Workflow) -> _Step:
        later = _changes_since(workflow, revision)
        if isinstance(operation, dict) and operation.get("type") == SET_ENTRY_CODE:
            return _with_entry_code(workflow, operation, later)
        made = _with_new_ids(operation, later)
        result = _performed(workflow, made)
        if document_changes.is_equal(result.document, workflow.ir):
            return _Step(opened=result.opened, selected=result.selected)
        if theirs := _conflict(later, result.touched):
            raise ChangedMeanwhile(theirs, current=_current(workflow.ir, made))
        return _Step(
            opened=result.opened,
            summary=result.summary,
            touched=result.touched,
            selected=result.selected,
            renamed=result.renamed,
            new_ids=result.renamed,
        )

    return _changed(workflow_id, edit, by=by, request_id=request_id)


def _with_entry_code(
    workflow: Workflow, operation: JsonObject, later: Iterable[DraftChange]
) -> _Step:
    """Replace the entry code; raises Refused, NotEditable or ChangedMeanwhile."""
    code, opened = Arguments(operation).text("value"), open_draft(workflow)
    if len(code) > _MAX_ENTRY_CODE:
        raise Refused(f"Entry code can have at most {_MAX_ENTRY_CODE:,} characters.")
    if code == workflow.entry_code:
        return _Step(opened=opened)
    touched = ("", _ENTRY_CODE)
    if theirs := _conflict(later, [touched]):
        raise ChangedMeanwhile(theirs, current=workflow.entry_code)
    summary = "Changed the entry code" if code.strip() else "Removed the entry code"
    return _Step(opened=opened, beside={_ENTRY_CODE: code}, summary=summary, touched=[touched])


def replace_draft(
    workflow_id: str,
    content: Mapping[str, Any],
    *,
    revision: int,
    summary: str,
    by: User,
    on_store: Callable[[], None] | None = None,
) -> Changed:
    """Replace the whole draft in one change that can be undone; `content` is that of a workflow.

    `on_store` is called in the transaction of the change, unless nothing changes. Raises Refused, NotEditable, ChangedMeanwhile, or Workflow.DoesNotExist.
    """
    beside = {name: content[name] for name in _BESIDE_DOCUMENT}

    def edit(workflow: Workflow) -> _Step:
        later = _changes_since(workflow, revision)
        opened = OpenDocument(content["ir"], all_types())
        if theirs := _conflict(later, [EVERYTHING]):
            raise ChangedMeanwhile(theirs)
        is_same = document_changes.is_equal(workflow.ir, opened.document)
        if is_same and not list(_differences(workflow, beside)):
            return _Step(opened=opened)
        return _Step(
            opened=opened,
            beside=beside,
            summary=summary,
            touched=[EVERYTHING],
            on_store=on_store,
        )

    return _changed(workflow_id, edit, by=by, request_id="")


def change_tests(
    workflow_id: str,
    change: Callable[[list[JsonObject]], list[JsonObject]],
    *,
    summary: str,
    by: User,
    on_store: Callable[[], None] | None = None,
) -> Changed:
    """Change the tests of the draft; `change` gets the current ones. The author can undo it.

    `on_store` is called in the transaction of the change, unless nothing changes.

    Raises Refused if the tests are invalid, if the draft cannot be edited, or Workflow.DoesNotExist.
    """

    def edit(workflow: Workflow) -> _Step:
        tests = change(list(workflow.tests))
        try:
            read_tests(tests)
        except InvalidTests as invalid:
            raise Refused(str(invalid.problems[0])) from None
        opened = open_draft(workflow)
        if document_changes.is_equal(tests, workflow.tests):
            return _Step(opened=opened)
        beside, touched = {_TESTS: tests}, [("", _TESTS)]
        return _Step(
            opened=opened, beside=beside, summary=summary, touched=touched, on_store=on_store
        )

    return _changed(workflow_id, edit, by=by, request_id="")


def known_answer(workflow_id: str, request_id: str, *, by: User) -> Changed | None:
    """Return the current draft if this request has already changed it; None for a new request."""
    made = DraftChange.objects.filter(workflow=workflow_id, request_id=request_id, by=by)
    change = made.defer("changes").first() if request_id else None
    if change is None:
        return None
    workflow = Workflow.objects.get(pk=workflow_id)
    opened = open_draft(workflow)
    return Changed(
        workflow=workflow,
        revision=workflow.draft_revision,
        opened=opened,
        summary=change.summary,
        selected=change.selected if change.selected in opened.draft.nodes else "",
        renamed=change.renamed,
    )


def _performed(workflow: Workflow, operation: JsonObject) -> Edit:
    """Perform an operation; a draft without a tree can only be repaired or replaced."""
    try:
        opened = open_draft(workflow)
    except NotEditable:
        edit = perform_without_tree(workflow.ir, operation, all_types())
        if edit is None:
            raise
        return edit
    return perform(opened, operation)


def repair_of(workflow: Workflow) -> Repair | None:
    """Return the repair for a draft without a tree; None if there is not exactly one."""
    return repair(workflow.ir, all_types())


def undo(workflow_id: str, *, by: User, request_id: str = "") -> Changed:
    """Reverse the last operation of this user that is not undone; raises Refused if there is none."""
    edit = partial(_reversed, by=by, kind=Kind.UNDO)
    return _changed(workflow_id, edit, by=by, request_id=request_id)


def redo(workflow_id: str, *, by: User, request_id: str = "") -> Changed:
    """Repeat the operation that this user undid last; raises Refused if there is none."""
    edit = partial(_reversed, by=by, kind=Kind.REDO)
    return _changed(workflow_id, edit, by=by, request_id=request_id)


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


def is_newest(workflow: Workflow) -> bool:
    """Whether the draft has not been edited since it was loaded; true for a new workflow."""
    stored = Workflow.objects.filter(pk=workflow.pk).values_list("draft_revision", flat=True)
    return stored.first() in (None, workflow.draft_revision)


def record_replacement(
    workflow: Workflow, before: JsonObject, entry_code: str, *, by: Actor
) -> None:
    """Record that a form replaced the document or the entry code; `workflow` is already saved."""
    changes = document_changes.difference(_as_object(before), workflow.ir)
    new_code = list(_difference(_ENTRY_CODE, entry_code, workflow.entry_code))
    if not changes and not new_code:
        return
    Workflow.objects.filter(pk=workflow.pk).update(draft_revision=workflow.draft_revision + 1)
    workflow.draft_revision += 1
    _record(
        workflow,
        difference=[*changes, *new_code],
        revision=workflow.draft_revision,
        kind=Kind.REPLACED,
        summary="Replaced the document" if changes else "Changed the entry code",
        touched=[EVERYTHING] if changes else [("", _ENTRY_CODE)],
        by=by.user,
        by_name=by.name,
    )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A change before it is stored; without a summary, nothing changes.

    `beside` are the new values of parts that are not in the document. `new_ids` are the ids of nodes to
    replace in the tests, by the old ones.
    """

    opened: OpenDocument
    beside: Mapping[str, Any] = field(default_factory=dict)
    kind: str = Kind.OPERATION
    summary: str = ""
    touched: Sequence[Touch] = ()
    selected: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    new_ids: Mapping[str, str] = field(default_factory=dict)
    reverses: DraftChange | None = None
    on_store: Callable[[], None] | None = None


def _changed(
    workflow_id: str, make: Callable[[Workflow], _Step], *, by: User, request_id: str
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
def _store(workflow: Workflow, step: _Step, *, by: User, request_id: str) -> bool:
    """Store the document and the change; False if the draft's revision has changed in the meantime."""
    differences = [
        *document_changes.difference(_as_object(workflow.ir), step.opened.document),
        *_differences(workflow, step.beside),
    ]
    if not _update(workflow, step):
        return False
    _mark(workflow, step, by)
    _record(
        workflow,
        difference=differences,
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
    known = _opened.get(workflow.pk)
    if known:
        _remember(workflow.pk, (known[0][0], workflow.draft_revision), step.opened)
    return True


def _update(workflow: Workflow, step: _Step) -> bool:
    """Store the draft; False if its revision has changed in the meantime, or it was archived."""
    columns = {name: value for name, value in step.beside.items() if name != _BINDINGS}
    columns |= {"ir": step.opened.document, "draft_revision": workflow.draft_revision + 1}
    if step.new_ids and workflow.tests:
        columns[_TESTS] = with_node_ids(workflow.tests, step.new_ids)
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


def _differences(workflow: Workflow, beside: Mapping[str, Any]) -> Iterator[JsonObject]:
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


def _reversed_beside(workflow: Workflow, change: DraftChange, *, is_undo: bool) -> JsonObject:
    """Return the parts that are not in the document after an undo or redo.

    Raises Conflict if another operation has changed one, and Refused if a form has.
    """
    old, new = ("after", "before") if is_undo else ("before", "after")
    values: JsonObject = {}
    for part in change.changes:
        name = part["part"]
        if name not in _BESIDE_DOCUMENT:
            continue
        if not document_changes.is_equal(part[old], [getattr(workflow, name)]):
            if name == _ENTRY_CODE:
                raise document_changes.Conflict("the entry code")
            raise Refused(
                f"\u201c{change.summary}\u201d cannot be {'undone' if is_undo else 'redone'}, because "
                f"{_BESIDE_DOCUMENT[name]} been changed since then."
            )
        values[name] = part[new][0]
    return values


def _as_object(document: Any) -> JsonObject:
    """Return a document that can be compared, even if something other than a form stored it."""
    return document if isinstance(document, dict) else {}


def _mark(workflow: Workflow, step: _Step, by: User) -> None:
    """Note what can be undone and redone after a change."""
    if step.reverses:
        step.reverses.is_undone = step.kind == Kind.UNDO
        step.reverses.can_redo = step.kind == Kind.UNDO
        step.reverses.save(update_fields=["is_undone", "can_redo"])
    else:
        workflow.draft_changes.filter(by=by, can_redo=True).update(can_redo=False)


def _reversed(workflow: Workflow, by: User, kind: Kind) -> _Step:
    is_undo = kind == Kind.UNDO
    change = (next_undo if is_undo else next_redo)(workflow, by)
    if change is None:
        raise Refused("There is nothing to undo." if is_undo else "There is nothing to redo.")
    try:
        beside = _reversed_beside(workflow, change, is_undo=is_undo)
        of_document = [part for part in change.changes if part["part"] not in _BESIDE_DOCUMENT]
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
    return _Step(
        opened=opened,
        beside=beside,
        kind=kind,
        summary=f"{'Undid' if is_undo else 'Redid'}: {change.summary}",
        touched=tuple(map(tuple, change.touched)),
        selected=selected,
        new_ids=_reversed_ids(change) if is_undo else change.renamed,
        reverses=change,
    )


def _reversed_ids(change: DraftChange) -> dict[str, str]:
    return {new: old for old, new in change.renamed.items()}


def _not_reversible(workflow: Workflow, change: DraftChange, kind: Kind) -> Refused:
    later = workflow.draft_changes.filter(revision__gt=change.revision).exclude(by=change.by)
    names = sorted(set(later.values_list("by_name", flat=True)) - {""}) or ["someone else"]
    return Refused(
        f"\u201c{change.summary}\u201d cannot be {'undone' if kind == Kind.UNDO else 'redone'}, because "
        f"{' and '.join(names)} changed the same part since then."
    )


def _changes_since(workflow: Workflow, revision: int) -> list[DraftChange]:
    if revision >= workflow.draft_revision:
        return []
    later = workflow.draft_changes.filter(revision__gt=revision).order_by("revision")
    changes = list(later.defer("changes"))
    if len(changes) < workflow.draft_revision - revision:
        raise Refused("This page is out of date. Reload it before you change the workflow.")
    return changes


def _with_new_ids(operation: JsonObject, later: Iterable[DraftChange]) -> JsonObject:
    """Return the operation with the current ids of nodes whose ids have changed since then."""
    ids: dict[str, str] = {}
    for change in later:
        ids = {**{old: change.renamed.get(new, new) for old, new in ids.items()}, **change.renamed}
    if not ids:
        return operation
    result = dict(operation)
    for key in ("node", "target"):
        if isinstance(result.get(key), str):
            result[key] = ids.get(result[key], result[key])
    if isinstance(result.get("nodes"), list):
        result["nodes"] = [
            ids.get(id_, id_) if isinstance(id_, str) else id_ for id_ in result["nodes"]
        ]
    if isinstance(result.get("slot"), dict):
        result["slot"] = {
            key: ids.get(value, value) if isinstance(value, str) else value
            for key, value in result["slot"].items()
        }
    return result


def _conflict(later: Iterable[DraftChange], touched: Sequence[Touch]) -> DraftChange | None:
    """Return the first later change that touches the same parts."""
    for change in later:
        theirs = [tuple(touch) for touch in change.touched]
        if any(overlap(own, other) for own in touched for other in theirs):
            return change
    return None


def _current(before: JsonObject, operation: JsonObject) -> Any:
    """Return the value of the first field that the operation would set, or the whole document."""
    if operation.get("type") == REPLACE:
        return before
    if operation.get("type") != "configure":
        return None
    changes = operation.get("changes") or [operation]
    value: Any = next(item for item in before["nodes"] if item["id"] == operation["node"])
    for key in changes[0]["field"].split("."):
        index = index_of(key)
        if isinstance(value, list) and index is not None and index < len(value):
            value = value[index]
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value
