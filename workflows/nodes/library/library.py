"""Reads the node types that come with AwaitStep: `types/<id>/<version>/node.json` and `template.ts`.

The folder of a type also has its page of the documentation, and the cases that the tests run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from workflows.ir.custom.definition import read_definition
from workflows.ir.document.node_types import Category, NodeType
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.custom import custom_type

TYPES: Final = Path(__file__).with_name("types")
PAGE: Final = "page.md"
CASES: Final = "cases.json"
_NUMBER: Final = re.compile(r"[0-9]+")

Pin = tuple[str, str]
"""The id and the version of a type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryType:
    """One version of a type in the library."""

    definition: Mapping[str, Any]
    template: str
    type: NodeType

    @property
    def saved(self) -> dict[str, Any]:
        """The content in the form in which loaded types and snapshots hold it."""
        return {"definition": self.definition, "template": self.template}

    def has_content(self, definition: object, template: str) -> bool:
        """Return whether the definition and the template are those of the library."""
        return bool(self.definition == definition and self.template == template)


@cache
def library() -> Mapping[Pin, LibraryType]:
    """Return all types in the library; the newest version of each comes last."""
    types = (_read(version) for id_ in sorted(TYPES.iterdir()) for version in _versions(id_))
    return {(each.type.name, each.type.version): each for each in types}


def page_files() -> Iterator[tuple[str, Path]]:
    """Yield the id of each type in the library, and the file of its page."""
    for name in dict.fromkeys(name for name, _ in library()):
        yield name, TYPES / name / PAGE


def _versions(folder: Path) -> list[Path]:
    folders = (path for path in folder.iterdir() if path.is_dir())
    return sorted(folders, key=lambda path: [int(part) for part in _NUMBER.findall(path.name)])


def _read(folder: Path) -> LibraryType:
    value = json.loads((folder / "node.json").read_text("utf-8"))
    template = (folder / "template.ts").read_text("utf-8")
    read = read_definition(value, built_in=NODE_TYPES.names)
    if read.definition is None:
        raise ValueError(f"{folder}: {'; '.join(map(str, read.problems))}")
    definition = read.definition
    type_ = replace(
        custom_type(definition, template),
        category=Category(definition.category),
        docs=f"nodes/{definition.id}.md",
        icon=definition.icon,
    )
    return LibraryType(definition=value, template=template, type=type_)
