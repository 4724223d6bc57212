"""The node types that documents can use: built-in ones, those of the library, and loaded ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from workflows.ir.document.registry import Registry
from workflows.models import NodeType, Workflow, WorkflowVersion
from workflows.nodes.library.library import Pin, library
from workflows.nodes.library.registry import registry


def types_for(document: object, more: Iterable[Mapping[str, Any]] = ()) -> Registry:
    """Return all versions of the types that the document names, and the names of all other types.

    `more` are types that are not loaded yet, as `{definition, template}`.
    """
    used = {name for name, _ in pins(document)}
    rows = NodeType.objects.filter(type_id__in=used).order_by("pk")
    names = NodeType.objects.order_by("type_id").values_list("type_id", flat=True).distinct()
    return registry([*rows.values("definition", "template"), *more], names)


def all_types() -> Registry:
    """Return all versions of all types, for documents to which any type can be added."""
    rows = NodeType.objects.order_by("pk")
    return registry(rows.values("definition", "template"))


def snapshot(document: object) -> list[dict[str, Any]]:
    """Return copies of the types that the document uses, except built-in ones."""
    return list(contents_of(pins(document)).values())


def contents_of(used: Collection[Pin]) -> dict[Pin, dict[str, Any]]:
    """Return the content of these types, except built-in ones; a loaded type precedes the library's."""
    rows = NodeType.objects.filter(type_id__in={name for name, _ in used}).order_by("pk")
    loaded = {
        (row.type_id, row.version): {"definition": row.definition, "template": row.template}
        for row in rows
        if (row.type_id, row.version) in used
    }
    shipped = {pin: each.saved for pin, each in library().items() if pin in used}
    return {pin: {**shipped, **loaded}[pin] for pin in sorted({*shipped, *loaded})}


def workflows_using(node_type: NodeType) -> list[Workflow]:
    """Return the workflows whose draft uses this version of the type."""
    pin = (node_type.type_id, node_type.version)
    candidates = _that_name(Workflow.objects.all(), node_type.type_id).only("name", "ir")
    return [workflow for workflow in candidates if pin in pins(workflow.ir)]


def is_used(pin: Pin) -> bool:
    """Return whether a draft or a version of any workflow uses this version of the type."""
    name, _ = pin
    documents = (
        document
        for model in (Workflow, WorkflowVersion)
        for document in _that_name(model.objects.all(), name)
        .values_list("ir", flat=True)
        .iterator()
    )
    return any(pin in pins(document) for document in documents)


def _that_name(rows: QuerySet[Any], name: str) -> QuerySet[Any]:
    """Return the rows whose document contains the name of a type."""
    searchable: QuerySet[Any] = rows.alias(text=Cast("ir", TextField()))
    return searchable.filter(text__contains=f'"{name}"')


def pins(document: object) -> set[Pin]:
    """Return the types and versions that the nodes of a document name; it need not be valid."""
    return set(_pins(document))


def _pins(document: object) -> Iterator[Pin]:
    nodes = document.get("nodes") if isinstance(document, dict) else None
    for node in nodes if isinstance(nodes, list) else ():
        name, version = _pin(node) if isinstance(node, dict) else ("", "")
        if name and version:
            yield name, version


def _pin(node: dict[str, Any]) -> tuple[str, str]:
    """Return type and version; "" for a value that cannot be looked up."""
    name, version = (
        part if isinstance(part, str) and part.isprintable() else ""
        for part in (node.get("type"), node.get("version"))
    )
    return name, version
