"""The module of a draft for the language server, whatever is wrong with the draft."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from workflows.codegen.analysis.code_reader import ENTRY_PATH
from workflows.codegen.module.editing import (
    EditingModule,
    generate_for_editing,
    generate_without_tree,
)
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.codegen.text.slots import SlotKey
from workflows.ir.document.model import Node
from workflows.ir.document.registry import Registry
from workflows.ir.garbage_collection import without_garbage_collection
from workflows.ir.reading import fields
from workflows.ir.reading.fields import Code
from workflows.nodes.documents import parse

logger = logging.getLogger(__name__)

_MAX_CODE: Final = 250_000


@dataclass(frozen=True, slots=True)
class DraftModule:
    """The module and the code of a draft; `has_tree` is true if the nodes form one."""

    module: EditingModule
    codes: Mapping[SlotKey, Code]
    has_tree: bool


@without_garbage_collection
def draft_module(document: object, settings: ModuleSettings, types: Registry) -> DraftModule:
    """Return the module of any JSON value; without a tree, nodes do not have each other's types."""
    parsed = parse(document, types)
    codes = dict(_codes(parsed.nodes))
    codes["", ENTRY_PATH] = fields.code(ENTRY_PATH, settings.entry_code, is_expression=False)
    if parsed.draft and parsed.draft.structure.locations.keys() == parsed.draft.nodes.keys():
        try:
            return DraftModule(generate_for_editing(parsed.draft, settings), codes, has_tree=True)
        except Exception:  # the generator may not be able to handle settings with errors
            logger.exception("could not generate the module of a draft")
    return DraftModule(generate_without_tree(parsed.nodes, settings), codes, has_tree=False)


def _codes(nodes: Iterable[Node]) -> Iterator[tuple[SlotKey, Code]]:
    for node in nodes:
        for field in node.fields:
            if isinstance(field, Code) and len(field.source) <= _MAX_CODE:
                yield (node.id, field.path), field
