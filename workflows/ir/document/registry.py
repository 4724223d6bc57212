"""The node types that documents may use, by name and version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from workflows.ir.document.node_types import NodeType


class Registry:
    """Node types by name, each in one or more versions; a node pins its version.

    `names` are all types that exist, including those that were not loaded.
    """

    def __init__(self, types: Iterable[NodeType], names: Iterable[str] = ()) -> None:
        self._by_name: dict[str, dict[str, NodeType]] = {}
        for type_ in types:
            self._by_name.setdefault(type_.name, {})[type_.version] = type_
        self.names = tuple(dict.fromkeys([*self._by_name, *names]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def versions(self, name: str) -> dict[str, NodeType]:
        """Return the versions of a type; empty if the type does not exist."""
        return self._by_name.get(name, {})

    def extended(self, types: Iterable[NodeType], names: Iterable[str] = ()) -> Registry:
        """Return a registry with more types; existing types are not replaced."""
        existing = [type_ for versions in self._by_name.values() for type_ in versions.values()]
        added = [type_ for type_ in types if type_.name not in self._by_name]
        return Registry([*existing, *added], [*self.names, *names])
