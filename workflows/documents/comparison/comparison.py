"""What differs between two contents: nodes, and the parts beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from workflows.documents.comparison.content import Content
from workflows.documents.comparison.files import FileChange, file_changes
from workflows.documents.comparison.hidden import OF_METADATA, without
from workflows.documents.comparison.lines import effort
from workflows.documents.comparison.nodes import Kind, NodeChange, compare_nodes
from workflows.documents.comparison.values import FieldChange, field_changes, label_in
from workflows.editing.document.changes import is_equal
from workflows.ir.document.kinds import kind_of
from workflows.ir.document.triggers import trigger_type_of

_MAX_PAIRS: Final = 10_000_000
_Change = TypeVar("_Change", bound=FieldChange)
_MANUAL: Final = {"type": "manual"}
_NOT_METADATA: Final = frozenset({"nodes", "edges", "entryNodeId", "trigger"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PartChange:
    """A part beside the nodes that differs, such as the trigger, with its fields."""

    title: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs; `has_places` is whether both documents show where their nodes are.

    `files` are those of a project, which has no nodes and no places.
    `has_hidden_differences` is whether the documents differ only in what has no effect, such as
    the positions of nodes.
    """

    nodes: tuple[NodeChange, ...]
    parts: tuple[PartChange, ...]
    has_places: bool
    has_hidden_differences: bool
    files: tuple[FileChange, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.nodes or self.parts or self.files)

    @property
    def summary(self) -> str:
        """One line, such as "2 nodes added, 1 changed; trigger changed"; "" without differences."""
        nodes = _counted("node", (kind for node in self.nodes for kind in node.kinds))
        files = _counted("file", (file.how for file in self.files))
        titles = [part.title.lower() for part in self.parts]
        changed = f"{_joined(titles)} changed" if titles else ""
        text = "; ".join(filter(None, [nodes, files, changed]))
        return text if text.startswith("npm") else text[:1].upper() + text[1:]


def _counted(what: str, kinds: Iterable[str]) -> str:
    """Return for example "2 nodes added, 1 changed"."""
    counts = Counter(map(str, kinds))
    phrases = [f"{counts[kind]} {kind}" for kind in Kind if counts[kind]]
    if phrases:
        number, _, rest = phrases[0].partition(" ")
        phrases[0] = f"{number} {what}{'' if number == '1' else 's'} {rest}"
    return ", ".join(phrases)


def _joined(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def compare(before: Content, after: Content) -> Comparison:
    """Compare two contents."""
    is_project = before.files or after.files
    found = _compare_projects(before, after) if is_project else _compare_graphs(before, after)
    return _limited(found)


def _limited(found: Comparison) -> Comparison:
    """Return the comparison with so many fields whose lines are matched that a page takes seconds."""
    left = _Effort()
    return replace(
        found,
        parts=tuple(replace(each, fields=left.limit(each.fields)) for each in found.parts),
        files=left.limit(found.files),
        nodes=tuple(replace(each, fields=left.limit(each.fields)) for each in found.nodes),
    )


class _Effort:
    """Counts the pairs of lines that a page compares."""

    def __init__(self) -> None:
        self._left = _MAX_PAIRS

    def limit(self, changes: Iterable[_Change]) -> tuple[_Change, ...]:
        """Return the changes; only the lines of the first ones are matched."""
        return tuple(
            each if self._takes(each) else replace(each, is_matched=False) for each in changes
        )

    def _takes(self, change: FieldChange) -> bool:
        if change.has_lines and self._left > 0:
            self._left -= effort(change.before or "", change.after or "")
        return self._left > 0


def _compare_graphs(before: Content, after: Content) -> Comparison:
    nodes, parts = tuple(compare_nodes(before, after)), tuple(_parts(before, after))
    return Comparison(
        nodes=nodes,
        parts=parts,
        has_places=before.places is not None and after.places is not None,
        has_hidden_differences=not (nodes or parts) and not is_equal(before.ir, after.ir),
    )


def _compare_projects(before: Content, after: Content) -> Comparison:
    """Compare files; one side can be the document that the project was made of."""
    kinds = (kind_of(each.ir) for each in (before, after))
    parts = (
        ("Name", _whole("name", "Name", *(_name(each.document) for each in (before, after)))),
        ("Kind", _whole("kind", "Kind", *kinds)),
        ("npm packages", field_changes(before.dependencies, after.dependencies, "")),
    )
    found = ((title, tuple(fields)) for title, fields in parts)
    return Comparison(
        nodes=(),
        parts=tuple(PartChange(title=title, fields=fields) for title, fields in found if fields),
        has_places=True,
        has_hidden_differences=False,
        files=tuple(file_changes(before.files, after.files)),
    )


def _name(document: Mapping[str, Any]) -> str:
    metadata = document.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, Mapping) else ""


def _parts(before: Content, after: Content) -> Iterator[PartChange]:
    for title, fields in (
        ("Trigger", _trigger(before, after)),
        ("Entry code", _whole("entry_code", "Entry code", before.entry_code, after.entry_code)),
        ("npm packages", field_changes(before.dependencies, after.dependencies, "")),
        ("Bindings", field_changes(before.bindings, after.bindings, "")),
        ("Deploy settings", field_changes(before.deploy_settings, after.deploy_settings, "")),
        ("Tests", _tests(before.tests, after.tests)),
        ("Document", _document(before, after)),
        ("Connections", _connections(before, after)),
    ):
        found = tuple(fields)
        if found:
            yield PartChange(title=title, fields=found)


def _trigger(before: Content, after: Content) -> Iterator[FieldChange]:
    old, new = (each.document.get("trigger") or _MANUAL for each in (before, after))
    types = [trigger_type_of(each) for each in (new, old) if isinstance(each, Mapping)]
    label = label_in(field for type_ in types for field in type_.fields)
    yield from field_changes(old, new, "trigger", label)


def _whole(path: str, label: str, before: str, after: str) -> Iterator[FieldChange]:
    """Yield a text that differs; "" is a missing one."""
    if before != after:
        yield FieldChange(path=path, label=label, before=before or None, after=after or None)


def _tests(before: Any, after: Any) -> Iterator[FieldChange]:
    """Yield what differs in the tests, by their names."""
    if isinstance(before, list) and isinstance(after, list):
        yield from field_changes(_by_name(before), _by_name(after), "")


def _by_name(tests: list[Any]) -> dict[str, Any]:
    return {str(test.get("name")): test for test in tests if isinstance(test, dict)}


def _document(before: Content, after: Content) -> Iterator[FieldChange]:
    """Yield the changed members of the document, and of its metadata without the times."""
    old, new = _members(before.document), _members(after.document)
    yield from field_changes(old, new, "")


def _members(document: Mapping[str, Any]) -> dict[str, Any]:
    members = {key: value for key, value in document.items() if key not in _NOT_METADATA}
    if "metadata" in members:
        members["metadata"] = without(members["metadata"], OF_METADATA)
    return members


def _connections(before: Content, after: Content) -> Iterator[FieldChange]:
    """Yield the edges, unless both documents are trees, whose places say more."""
    if before.places and after.places:
        return
    old, new = _edges(before.document.get("edges")), _edges(after.document.get("edges"))
    yield from _whole("edges", "From, label, to", old, new)


def _edges(edges: Any) -> str:
    items: Iterable[Any] = edges if isinstance(edges, list) else []
    lines = (
        " ".join(str(edge.get(key) or "-") for key in ("source", "label", "target"))
        for edge in items
        if isinstance(edge, dict)
    )
    return "\n".join(sorted(lines))
