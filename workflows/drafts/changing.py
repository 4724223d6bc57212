"""Changes to drafts: operations of the editor, replacements, and conflicts with other people.

Each operation names the revision that it is based on. If the draft has changed since then, the
operation is performed on the newest revision, unless it touches a part that has changed: that is a
conflict, and nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from workflows.documents.saved_tests.reading import InvalidTests, read_tests
from workflows.drafts.opened import open_draft
from workflows.drafts.storing import (
    BESIDE_DOCUMENT,
    ENTRY_CODE,
    TESTS,
    Changed,
    Step,
    differences,
    make_change,
)
from workflows.editing.arguments import Arguments
from workflows.editing.content import index_of
from workflows.editing.document import changes as document_changes
from workflows.editing.document.refusals import NotEditable, Refused
from workflows.editing.document.workbench import OpenDocument
from workflows.editing.operations import REPLACE, Edit, perform, perform_without_tree
from workflows.editing.outcome import EVERYTHING, Touch, overlap
from workflows.ir.deploy.deploy_settings import read_settings
from workflows.ir.reading.dependencies import check_dependencies
from workflows.ir.reading.problems import InvalidIR
from workflows.models import DraftChange, Workflow
from workflows.node_types.registered import all_types

if TYPE_CHECKING:
    from django.contrib.auth.models import User

JsonObject = dict[str, Any]

SET_ENTRY_CODE: Final = "set_entry_code"
"""The operation on the entry code, which is not part of the document; its argument is `value`."""
_MAX_ENTRY_CODE: Final = 1_000_000
_IN_FILES: Final = "The packages, the code and the settings of a project are in its files."
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


def change_draft(
    workflow_id: str, operation: JsonObject, *, revision: int, by: User, request_id: str = ""
) -> Changed:
    """Perform an operation that is based on a revision of the draft.

    A request whose response was lost can be sent again: the same `request_id` changes nothing the
    second time. Raises Refused, NotEditable, ChangedMeanwhile, or Workflow.DoesNotExist.
    """

    def edit(workflow: Workflow) -> Step:
        later = _changes_since(workflow, revision)
        if isinstance(operation, dict) and operation.get("type") == SET_ENTRY_CODE:
            return _with_entry_code(workflow, operation, later)
        made = _with_new_ids(operation, later)
        result = _performed(workflow, made)
        if document_changes.is_equal(result.document, workflow.ir):
            return Step(opened=result.opened, selected=result.selected)
        if theirs := _conflict(later, result.touched):
            raise ChangedMeanwhile(theirs, current=_current(workflow.ir, made))
        return Step(
            opened=result.opened,
            summary=result.summary,
            touched=result.touched,
            selected=result.selected,
            renamed=result.renamed,
            new_ids=result.renamed,
        )

    return make_change(workflow_id, edit, by=by, request_id=request_id)


def _with_entry_code(
    workflow: Workflow, operation: JsonObject, later: Iterable[DraftChange]
) -> Step:
    """Replace the entry code; raises Refused, NotEditable or ChangedMeanwhile."""
    code, opened = Arguments(operation).text("value"), open_draft(workflow)
    if len(code) > _MAX_ENTRY_CODE:
        raise Refused(f"Entry code can have at most {_MAX_ENTRY_CODE:,} characters.")
    if code == workflow.entry_code:
        return Step(opened=opened)
    touched = ("", ENTRY_CODE)
    if theirs := _conflict(later, [touched]):
        raise ChangedMeanwhile(theirs, current=workflow.entry_code)
    summary = "Changed the entry code" if code.strip() else "Removed the entry code"
    return Step(opened=opened, beside={ENTRY_CODE: code}, summary=summary, touched=[touched])


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
    beside = {name: content[name] for name in BESIDE_DOCUMENT}

    def edit(workflow: Workflow) -> Step:
        later = _changes_since(workflow, revision)
        opened = OpenDocument(content["ir"], all_types())
        if theirs := _conflict(later, [EVERYTHING]):
            raise ChangedMeanwhile(theirs)
        is_same = document_changes.is_equal(workflow.ir, opened.document)
        if is_same and not list(differences(workflow, beside)):
            return Step(opened=opened)
        return Step(
            opened=opened,
            beside=beside,
            summary=summary,
            touched=[EVERYTHING],
            on_store=on_store,
        )

    return make_change(workflow_id, edit, by=by, request_id="")


def replace_checked(
    workflow: Workflow, content: Mapping[str, Any], *, summary: str, by: User
) -> Changed:
    """Replace parts of the draft that were loaded with the workflow, once they are valid.

    Raises InvalidTests, and otherwise like `change_parts`.
    """
    if workflow.is_project:
        raise Refused(_IN_FILES)
    _check_parts(content)
    whole = {**workflow.content, **content}
    revision = workflow.draft_revision
    return replace_draft(workflow.pk, whole, revision=revision, summary=summary, by=by)


def _check_parts(parts: Mapping[str, Any]) -> None:
    """Raise InvalidIR, InvalidSettings or InvalidTests."""
    if problems := list(check_dependencies(parts.get("dependencies", {}))):
        raise InvalidIR(problems)
    read_settings(parts.get("deploy_settings", {}))
    read_tests(parts.get("tests", []))


def change_parts(workflow_id: str, parts: Mapping[str, Any], *, by: User) -> Changed:
    """Replace parts that are not in the document, such as the npm packages, in one change.

    Raises Refused, InvalidIR, InvalidSettings, NotEditable, or Workflow.DoesNotExist.
    """
    _check_parts(parts)

    def edit(workflow: Workflow) -> Step:
        if workflow.is_project:
            raise Refused(_IN_FILES)
        opened = open_draft(workflow)
        changed = {each["part"] for each in differences(workflow, parts)}
        if not changed:
            return Step(opened=opened)
        names = ", ".join(each.replace("_", " ") for each in parts if each in changed)
        touched = [("", each) for each in parts if each in changed]
        return Step(opened=opened, beside=parts, summary=f"Changed {names}", touched=touched)

    return make_change(workflow_id, edit, by=by, request_id="")


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

    def edit(workflow: Workflow) -> Step:
        tests = change(list(workflow.tests))
        try:
            read_tests(tests)
        except InvalidTests as invalid:
            raise Refused(str(invalid.problems[0])) from None
        opened = open_draft(workflow)
        if document_changes.is_equal(tests, workflow.tests):
            return Step(opened=opened)
        beside, touched = {TESTS: tests}, [("", TESTS)]
        return Step(
            opened=opened, beside=beside, summary=summary, touched=touched, on_store=on_store
        )

    return make_change(workflow_id, edit, by=by, request_id="")


def is_newest(workflow: Workflow) -> bool:
    """Whether the draft has not been edited since it was loaded; true for a new workflow."""
    stored = Workflow.objects.filter(pk=workflow.pk).values_list("draft_revision", flat=True)
    return stored.first() in (None, workflow.draft_revision)


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
