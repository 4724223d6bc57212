"""All node types that a document can use: built-in ones, those of the library, and loaded ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workflows.ir.custom.definition import Definition, read_definition
from workflows.ir.document.node_types import NodeType
from workflows.ir.document.registry import Registry
from workflows.nodes.built_in import BUILT_IN, NODE_TYPES
from workflows.nodes.custom import custom_type
from workflows.nodes.library.library import library


def registry(saved: Iterable[Mapping[str, Any]] = (), names: Iterable[str] = ()) -> Registry:
    """Return the built-in types, the library, and the types saved as `{definition, template}`.

    A saved version of a type in the library replaces it, because documents rely on its content.
    Definitions that are no longer valid are left out. `names` are other types that exist.
    """
    own = (each.type for each in library().values())
    return Registry([*BUILT_IN, *own, *_saved_types(saved)], names)


def _saved_types(saved: Iterable[Mapping[str, Any]]) -> Iterator[NodeType]:
    for definition, row in _definitions(saved):
        known = library().get((definition.id, definition.version))
        if not (known and known.has_content(row["definition"], row["template"])):
            yield custom_type(definition, row["template"])


def _definitions(
    saved: Iterable[Mapping[str, Any]],
) -> Iterator[tuple[Definition, Mapping[str, Any]]]:
    for row in saved:
        definition = read_definition(row["definition"], built_in=NODE_TYPES.names).definition
        if definition:
            yield definition, row


def secret_variables(saved: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the variables that hold secrets of these types, however they are marked."""
    return frozenset(
        field.variable for definition, _ in _definitions(saved) for field in definition.secrets
    )
