"""The node types that documents may use, by name and version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from workflows.ir.document.node_types import NodeType


class Registry:
    """Types by their names, each in one version or in several; a node pins the version it means.

    `names` are all that a person may choose from, also where not every type is at hand.
    """

    def __init__(self, types: Iterable[NodeType], names: Iterable[str] = ()) -> None:
        self._by_name: dict[str, dict[str, NodeType]] = {}
        for type_ in types:
            self._by_name.setdefault(type_.name, {})[type_.version] = type_
        self.names = tuple(dict.fromkeys([*self._by_name, *names]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def versions(self, name: str) -> dict[str, NodeType]:
        """Return the versions of a type, none where there is no type of this name."""
        return self._by_name.get(name, {})

    def and_also(self, types: Iterable[NodeType], names: Iterable[str] = ()) -> Registry:
        """Return a registry that holds more types; none takes the place of one that is here."""
        mine = [type_ for versions in self._by_name.values() for type_ in versions.values()]
        others = [type_ for type_ in types if type_.name not in self._by_name]
        return Registry([*mine, *others], [*self.names, *names])
