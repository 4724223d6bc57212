"""Completion of `{{ reference }}` in code, text and JSON: names, and the parts of their values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from workflows.codegen.module.editing import EditingModule
from workflows.codegen.steps.values import access
from workflows.codegen.text.slots import SlotKey
from workflows.ir.reading.references import references_in
from workflows.ir.tree.scope_names import scope_names

_VARIABLE: Final = 6  # the protocol's kind of a completion item
_CALLABLE: Final = frozenset({2, 3})
_WRITTEN: Final = re.compile(r"\s*(?P<base>[\w$.\[\]-]*?)(?P<dot>\.?)(?P<last>[\w$-]*)")
_LONGEST: Final = 500
_NAME: Final = re.compile(r"[\w$-]+")


@dataclass(frozen=True, slots=True)
class WrittenReference:
    """A reference up to the cursor: `base` is the part before the last dot, "" for a name."""

    base: str
    last: str


def reference_at(text: str, offset: int) -> WrittenReference | None:
    """Return the unfinished reference at an offset, or None."""
    start = text.rfind("{{", max(0, offset - _LONGEST), offset)
    if start < 0:
        return None
    match = _WRITTEN.fullmatch(text, start + 2, offset)
    if match is None or (match["base"] and not match["dot"]):
        return None
    return WrittenReference(match["base"], match["last"])


def expression(base: str, module: EditingModule, key: SlotKey) -> str:
    """Return the expression for the base of a reference before the node; "" if there is none."""
    found = references_in(f"{{{{ {base} }}}}")
    own = {parameter.name for parameter in module.parameters(*key)}
    if len(found) != 1 or found[0].root in own:
        return ""
    return module.expression(found[0].root, *key) + access(found[0].path)


def names(module: EditingModule, key: SlotKey) -> Iterator[dict[str, Any]]:
    """Yield completion items for the names that a field of a node can refer to."""
    own = module.parameters(*key)
    found = [(each.name, each.title) for each in own]
    hidden = {each.name for each in own}
    scope = (each for each in scope_names(module.ir, key[0]) if each.name not in hidden)
    found += [(each.name, each.title) for each in scope]
    known = module.names(*key) if module.ir is None else None
    found += [(id_, module.nodes[id_].name) for id_ in (known.outputs if known else ())]
    for number, (name, title) in enumerate(found):
        yield {"label": name, "kind": _VARIABLE, "sortText": f"{number:05}", "detail": title}


def parts(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the items that a reference can name: values, not functions."""
    for item in items:
        if item.get("kind") not in _CALLABLE and _NAME.fullmatch(item["label"]):
            yield {key: item[key] for key in ("label", "kind", "sortText") if key in item}
