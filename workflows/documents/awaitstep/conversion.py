"""A document and its entry code as they are imported, with everything that was changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from workflows.codegen.analysis.code_reader import ENTRY_PATH
from workflows.documents.awaitstep.document import rewrite_document
from workflows.documents.awaitstep.entry_code import EntryCode, rewrite_entry_code
from workflows.documents.awaitstep.rewrites import Log, Rewrite
from workflows.ir.deploy.deploy_settings import InvalidSettings, read_settings
from workflows.ir.document.kinds import SCRIPT, kind_of
from workflows.ir.document.registry import Registry
from workflows.ir.reading.problems import InvalidIR, Problem

CONSUMERS: Final = "queueConsumers"
_OF_SCRIPT: Final = (
    "a script answers requests itself, so it has no entry code: leave the entry code out"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A document in our form; without `entry_code`, the import leaves that of the workflow alone.

    `consumers` belong in the deploy settings. `problems` do not include those of the document itself.
    """

    document: Any
    entry_code: str | None
    consumers: tuple[dict[str, Any], ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    problems: tuple[Problem, ...] = ()

    def check(self) -> None:
        """Raise InvalidIR if something prevents the import."""
        if any(problem.is_error for problem in self.problems):
            raise InvalidIR(self.problems)

    def settings(self, current: dict[str, Any]) -> dict[str, Any]:
        """Return deploy settings with the consumers, which replace those of the same queues."""
        if not self.consumers:
            return current
        queues = {consumer["queue"] for consumer in self.consumers}
        others = [each for each in current.get(CONSUMERS, []) if each.get("queue") not in queues]
        return {**current, CONSUMERS: [*others, *self.consumers]}


def convert(document: Any, types: Registry, *, entry_code: str | None = None) -> Converted:
    """Return the document and the entry code in our form; what cannot be taken over is a problem."""
    log = Log()
    changed = rewrite_document(document, types, log)
    entry = _entry(document, entry_code, log)
    _check_consumers(entry, log)
    return Converted(
        document=changed,
        entry_code=None if entry_code is None else entry.code,
        consumers=tuple(entry.consumers),
        rewrites=tuple(_in_order(document, log.rewrites)),
        problems=tuple(log.problems),
    )


def _entry(document: Any, entry_code: str | None, log: Log) -> EntryCode:
    if not entry_code or not entry_code.strip():
        return EntryCode(code=entry_code or "")
    if kind_of(document) == SCRIPT:
        log.refuse("", ENTRY_PATH, _OF_SCRIPT)
        return EntryCode(code=entry_code)
    return rewrite_entry_code(entry_code, log)


def _check_consumers(entry: EntryCode, log: Log) -> None:
    try:
        read_settings({CONSUMERS: entry.consumers})
    except InvalidSettings as invalid:
        for problem in invalid.problems:
            log.refuse("", problem.path, problem.message)


def _in_order(document: Any, rewrites: Iterable[Rewrite]) -> list[Rewrite]:
    """Return the changes in the order of the nodes, followed by those of the entry code."""
    items = document.get("nodes") if isinstance(document, dict) else None
    nodes = items if isinstance(items, list) else []
    order = {str(node.get("id")): at for at, node in enumerate(nodes) if isinstance(node, dict)}
    return sorted(rewrites, key=lambda rewrite: order.get(rewrite.node_id, len(nodes)))
