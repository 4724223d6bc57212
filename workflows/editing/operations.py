"""The operations of the editor: each changes a document, or is refused.

An operation is a JSON object with a `type`, one of the functions in `OPERATIONS`, and its arguments.
Operations on a valid document result in a valid document if the values in them are valid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from workflows.editing import arms, content, structure
from workflows.editing.arguments import Arguments
from workflows.editing.document.needs import lost_needs
from workflows.editing.document.refusals import NotEditable, Refused
from workflows.editing.document.workbench import JsonObject, OpenDocument, Workbench
from workflows.editing.outcome import EVERYTHING, Outcome, Touch
from workflows.editing.problem_places import sentence
from workflows.editing.repairs import repair
from workflows.ir.document.registry import Registry
from workflows.ir.validation.validate import MAX_BYTES

Operation = Callable[[Workbench, Arguments], Outcome]

REPLACE: Final = "replace_document"
REPAIR: Final = "repair_connections"
_ON_THE_TREE: Final[Mapping[str, Operation]] = {
    "add": structure.add,
    "move": structure.move,
    "delete": structure.delete,
    "duplicate": structure.duplicate,
    "wrap": structure.wrap,
    "unwrap": structure.unwrap,
    "add_arm": arms.add_arm,
    "remove_arm": arms.remove_arm,
    "move_arm": arms.move_arm,
    "rename_arm": arms.rename_arm,
    "reconnect": arms.reconnect,
    "set_id": content.set_id,
}
_ON_CONTENT: Final[Mapping[str, Operation]] = {
    "paste": structure.paste,
    "rename": content.rename,
    "configure": content.configure,
    "replace_name": content.replace_name,
    "set_trigger": content.set_trigger,
    REPLACE: content.replace_document,
    REPAIR: content.repair_connections,
}
OPERATIONS: Final[Mapping[str, Operation]] = {**_ON_THE_TREE, **_ON_CONTENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The document after an operation, and what was done; see Outcome."""

    opened: OpenDocument
    summary: str
    touched: tuple[Touch, ...]
    selected: str
    renamed: Mapping[str, str]

    @property
    def document(self) -> JsonObject:
        return self.opened.document


def perform(opened: OpenDocument, operation: object) -> Edit:
    """Perform an operation; raises Refused with the reason and what to do."""
    arguments = Arguments(operation)
    type_ = arguments.choice("type", OPERATIONS)
    bench = Workbench(opened)
    outcome = OPERATIONS[type_](bench, arguments)
    document = bench.document() if outcome.document is None else outcome.document
    edited = _opened(document, opened)
    _refuse_larger(edited, than=max(MAX_BYTES, opened.size))
    if type_ in _ON_THE_TREE and not arguments.flag("force"):
        _refuse_new_errors(opened, edited, outcome.renamed)
    return Edit(
        opened=edited,
        summary=outcome.summary,
        touched=outcome.touched,
        selected=outcome.selected,
        renamed=outcome.renamed,
    )


def perform_without_tree(document: object, operation: object, registry: Registry) -> Edit | None:
    """Perform an operation on a document without a tree; None unless the operation creates a tree."""
    arguments = Arguments(operation)
    match arguments.choice("type", OPERATIONS):
        case "replace_document":
            return _replaced(arguments, registry)
        case "repair_connections":
            return _repaired(document, registry)
    return None


def _replaced(arguments: Arguments, registry: Registry) -> Edit:
    try:
        opened = OpenDocument(arguments.object("document"), registry)
    except NotEditable as error:
        cause = error.problems[0]
        raise Refused(f"This is not possible: {cause}", node_id=cause.node_id) from None
    _refuse_larger(opened, than=MAX_BYTES)
    return _whole(opened, content.REPLACED)


def _repaired(document: object, registry: Registry) -> Edit:
    made = repair(document, registry)
    if made is None:
        raise Refused(
            "The connections cannot be repaired automatically. Edit the document as text."
        )
    _refuse_larger(made.opened, than=MAX_BYTES)
    return _whole(made.opened, content.REPAIRED)


def _whole(opened: OpenDocument, summary: str) -> Edit:
    return Edit(
        opened=opened,
        summary=summary,
        touched=(EVERYTHING,),
        selected="",
        renamed={},
    )


def _refuse_larger(edited: OpenDocument, *, than: int) -> None:
    if edited.size > than:
        raise Refused(
            f"The document would be larger than {MAX_BYTES // 1024**2} MB. Split the workflow."
        )


def _opened(document: JsonObject, before: OpenDocument) -> OpenDocument:
    try:
        return OpenDocument(document, before.registry, before)
    except NotEditable as error:
        known = {problem.message for problem in before.parsed.problems}
        new = [problem for problem in error.problems if problem.message not in known]
        errors = [problem for problem in new if problem.is_error]
        cause = (errors or new or list(error.problems))[0]
        reason = f"This is not possible: {sentence(before, cause)}"
        raise Refused(reason, node_id=cause.node_id) from None


def _refuse_new_errors(
    before: OpenDocument, after: OpenDocument, renamed: Mapping[str, str]
) -> None:
    """Refuse an operation on the tree that causes a new error in a node."""
    for node_id, reason in lost_needs(before.needs, after.draft, renamed):
        raise Refused(f"{reason}.", node_id=node_id, can_force=True)
    for problem in after.parsed.problems:
        if problem.is_error and (problem.node_id, problem.message) not in before.errors:
            reason = f"This is not possible: {sentence(after, problem)}"
            raise Refused(reason, node_id=problem.node_id, can_force=True)
