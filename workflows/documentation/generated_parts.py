"""Writes the parts of the documentation that are generated: `python -m workflows.documentation.generated_parts`.

They are the tables of settings, and the TypeScript that the example of each node type becomes, including on
the pages in the folders of the library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from workflows.codegen.module.module_settings import ModuleSettings
from workflows.compilation.from_document import generate_from_document
from workflows.documentation import pages as documentation
from workflows.documentation.markdown import JsonObject, parsed
from workflows.documentation.pages import DOCS
from workflows.documentation.settings_tables import table
from workflows.ir.document.node_types import NodeType
from workflows.ir.document.step_policy import RETRY_FIELDS, ROLLBACK_FIELDS
from workflows.ir.document.triggers import TRIGGER_TYPES
from workflows.nodes.built_in import BUILT_IN
from workflows.nodes.library.library import library, page_files
from workflows.nodes.library.registry import registry

_PART: Final = re.compile(r"(<!-- (settings|code) of ([\w-]+) -->\n).*?(<!-- end of \2 -->)", re.S)
_DOCS_FROM_LIBRARY: Final = "../../../../../docs/"
_SETTINGS: Final = ModuleSettings(class_name="Example", workflow_binding="EXAMPLE")

Parts = Mapping[tuple[str, str], str]
"""The content of each part, by its kind and the name of its type."""


def pages() -> Mapping[Path, str]:
    """Return the pages with generated parts, with up-to-date content."""
    tables = {("settings", type_.name): table(type_.fields) for type_ in BUILT_IN}
    triggers = {("settings", type_.name): table(type_.fields) for type_ in TRIGGER_TYPES.values()}
    steps = {
        ("settings", "steps"): table(RETRY_FIELDS, folds_retries=False),
        ("settings", "rollbacks"): table(ROLLBACK_FIELDS, folds_retries=False),
    }
    steps = {name: text.replace("](../steps.md#", "](#") for name, text in steps.items()}
    expected = {
        DOCS / "triggers.md": _with_parts(DOCS / "triggers.md", triggers),
        DOCS / "steps.md": _with_parts(DOCS / "steps.md", steps),
    }
    for type_ in BUILT_IN:
        path = DOCS / type_.docs
        expected[path] = _with_parts(path, {**tables, ("code", type_.name): _code(type_)})
    newest = {name: each.type for (name, _), each in library().items()}
    for name, path in page_files():
        type_ = newest[name]
        settings = table(type_.fields).replace("](../", f"]({_DOCS_FROM_LIBRARY}")
        parts = {("settings", name): settings, ("code", name): _code(type_)}
        expected[path] = _with_parts(path, parts)
    return expected


def _with_parts(path: Path, parts: Parts) -> str:
    return _PART.sub(
        lambda match: f"{match[1]}{parts[match[2], match[3]]}\n{match[4]}", path.read_text("utf-8")
    )


def _code(type_: NodeType) -> str:
    """Return what the first node of a type in the examples of its page becomes, as a block of code."""
    document, node = _first_example(type_)
    module = generate_from_document(document, _SETTINGS, registry())
    own = [at for at, id_ in enumerate(module.line_nodes()) if id_ == node["id"]]
    lines = module.source.split("\n")[own[0] : own[-1] + 1]
    depth = len(lines[0]) - len(lines[0].lstrip())
    code = re.sub(rf"^ {{1,{depth}}}", "", "\n".join(lines).rstrip(), flags=re.M)
    return f"The node *{node['name']}* becomes:\n\n```ts\n{code}\n```"


def _first_example(type_: NodeType) -> tuple[JsonObject, JsonObject]:
    """Return the document and the node in it."""
    page = documentation.pages()[type_.docs.removesuffix(".md")]
    return next(
        (block.document, node)
        for block in parsed(page).documents
        if block.document
        for node in block.document["nodes"]
        if node["type"] == type_.name
    )


def main() -> None:
    """Write the pages that are out of date."""
    for path, text in pages().items():
        if path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
