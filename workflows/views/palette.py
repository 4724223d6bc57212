"""The palette: all node types by what they are for, and the commands of the editor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from workflows.ir.document.node_types import NodeType
from workflows.ir.document.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Node types with the same purpose."""

    title: str
    types: tuple[NodeType, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What can be done with the selected nodes: a method of the script's actions, with an argument."""

    label: str
    action: str
    key: str = ""
    argument: str = ""


COMMANDS: Final = (
    Command(label="Undo", action="undo", key="Ctrl+Z"),
    Command(label="Redo", action="redo", key="Ctrl+Shift+Z"),
    Command(label="Duplicate", action="duplicate", key="d"),
    Command(label="Move", action="lift", key="Space"),
    Command(label="Copy", action="copy", key="Ctrl+C"),
    Command(label="Cut", action="cut", key="Ctrl+X"),
    Command(label="Paste", action="paste", key="Ctrl+V"),
    Command(label="Wrap in a loop", action="wrap", argument="loop"),
    Command(label="Wrap in a branch", action="wrap", argument="branch"),
    Command(label="Wrap in a try and catch", action="wrap", argument="try_catch"),
    Command(label="Wrap in a parallel", action="wrap", argument="parallel"),
    Command(label="Wrap in a race", action="wrap", argument="race"),
    Command(label="Unwrap", action="unwrap", key="u"),
    Command(label="Add an arm", action="addArm"),
    Command(label="Delete", action="deleteSelected", key="Delete"),
    Command(label="Show all keys", action="help", key="?"),
)
KEYS: Final = (
    ("↑ ↓", "Select the node above or below; with Shift, several"),
    ("← →", "Fold and unfold, go out and in"),
    ("Enter", "Edit the settings"),
    ("a", "Add a node after the selected one"),
    ("Space", "Lift the node; arrow keys choose a place, Space drops, Escape cancels"),
    ("d", "Duplicate"),
    ("u", "Unwrap a container"),
    ("Delete", "Delete"),
    ("Ctrl+C, X, V", "Copy, cut and paste, also between workflows"),
    ("Ctrl+Z", "Undo"),
    ("Ctrl+Shift+Z", "Redo"),
    ("Ctrl+K", "All node types and commands"),
    ("?", "This list"),
)


def palette(registry: Registry) -> list[Group]:
    """Return all node types in their newest version, grouped by category."""
    return list(_groups(list(registry.versions(name).values())[-1] for name in registry))


def _groups(types: Iterable[NodeType]) -> Iterator[Group]:
    by_category: dict[str, list[NodeType]] = {}
    for type_ in types:
        by_category.setdefault(type_.category, []).append(type_)
    for category, members in by_category.items():
        yield Group(title=str(category), types=tuple(members))
