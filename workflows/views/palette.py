"""The palette: all node types by purpose, and the commands of the editor."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from workflows.documentation.places import url_of
from workflows.ir.document.node_types import NodeType
from workflows.ir.document.registry import Registry
from workflows.ir.settings.setting_field import Group, SettingField, fields_by_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A node type in the palette, and the information shown about it."""

    type: NodeType

    @property
    def other_names(self) -> str:
        """Other names that people search for."""
        custom = self.type.custom
        tags = " ".join(custom.definition.tags) if custom else ""
        return OTHER_NAMES.get(self.type.name, tags)

    @property
    def settings(self) -> list[SettingField]:
        """The settings that are specific to the type."""
        return [field for field in self.type.fields if field.group is Group.MAIN]

    @property
    def example(self) -> list[tuple[str, str]]:
        """The settings of a new node: the label and the value of each."""
        fields = fields_by_name(self.type.fields)
        return [
            (fields[name].label if name in fields else name, _text(value))
            for name, value in self.type.new_data().items()
        ]

    @property
    def docs_url(self) -> str:
        """The URL of the type's documentation."""
        return url_of(self.type.docs)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeGroup:
    """Node types with the same purpose."""

    title: str
    types: tuple[NodeType, ...]

    @property
    def options(self) -> list[Option]:
        return [Option(type=type_) for type_ in self.types]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An action on the selected nodes: a method of the script's actions, with an argument.

    It is offered if the page has an element that matches the selector `needs`.
    """

    label: str
    action: str
    key: str = ""
    argument: str = ""
    needs: str = ""


OTHER_NAMES: Final = {
    "step": "code javascript typescript script function run",
    "transform": "set map fields values compute rename expression",
    "http_request": "fetch url api rest get post webhook call download send",
    "sleep": "delay wait pause",
    "sleep_until": "delay wait pause date time schedule",
    "wait_for_event": "webhook callback signal resume pause human approval",
    "human_approval": "approve reject decision review confirm person manual form",
    "wait_until": "poll check condition status ready repeat until",
    "debounce": "throttle collect deduplicate last newest burst quiet",
    "rate_limit": "throttle quota limit per minute slow queue",
    "branch": "if else switch condition case router filter",
    "parallel": "all fork concurrent split merge same time",
    "race": "any first timeout",
    "loop": "list array item items each foreach map while repeat batch",
    "break": "stop exit end return",
    "try_catch": "error failure exception handle finally retry",
    "sub_workflow": "call execute child another workflow",
    "start_many": "batch bulk fan out each children spawn createBatch",
    "sub_script": "worker service binding call rpc",
}
"""Other names for the built-in types, for the search."""
COMMANDS: Final = (
    Command(label="Undo", action="undo", key="Ctrl+Z"),
    Command(label="Redo", action="redo", key="Ctrl+Shift+Z"),
    Command(label="Save as a version", action="saveVersion"),
    Command(label="Deploy", action="deploy", needs="#deploy"),
    Command(label="Duplicate", action="duplicate", key="d"),
    Command(label="Move", action="lift", key="Space"),
    Command(label="Copy", action="copy", key="Ctrl+C"),
    Command(label="Cut", action="cut", key="Ctrl+X"),
    Command(label="Paste", action="paste", key="Ctrl+V"),
    Command(label="Wrap in a loop", action="wrap", argument="loop"),
    Command(label="Wrap in a branch", action="wrap", argument="branch"),
    Command(label="Wrap in Try / catch", action="wrap", argument="try_catch"),
    Command(label="Wrap in a parallel", action="wrap", argument="parallel"),
    Command(label="Wrap in a race", action="wrap", argument="race"),
    Command(label="Unwrap", action="unwrap", key="u"),
    Command(label="Add an arm", action="addArm"),
    Command(label="Delete", action="deleteSelected", key="Delete"),
    Command(label="Keyboard shortcuts", action="help", key="?"),
)
KEYS: Final = (
    ("↑ ↓", "Select the node above or below; with Shift, several"),
    ("← →", "Fold and unfold; go to the container or into it"),
    ("Enter", "Edit the settings"),
    ("a", "Add a node after the selected one"),
    ("Space", "Pick up the node; arrow keys choose a place, Space drops it, Escape cancels"),
    ("d", "Duplicate"),
    ("u", "Unwrap a container"),
    ("Delete", "Delete"),
    ("Ctrl+C, X, V", "Copy, cut and paste, even between workflows"),
    ("Ctrl+Z", "Undo"),
    ("Ctrl+Shift+Z", "Redo"),
    ("Ctrl+K", "All node types, commands and pages of the workflow"),
    ("F1", "Open the documentation of the field"),
    ("?", "Keyboard shortcuts"),
)


def palette(registry: Registry) -> list[TypeGroup]:
    """Return all node types in their newest version, grouped by category."""
    return list(_groups(list(registry.versions(name).values())[-1] for name in registry))


def _groups(types: Iterable[NodeType]) -> Iterator[TypeGroup]:
    by_category: dict[str, list[NodeType]] = {}
    for type_ in types:
        by_category.setdefault(type_.category, []).append(type_)
    for category, members in by_category.items():
        yield TypeGroup(title=str(category), types=tuple(members))
