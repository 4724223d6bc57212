"""docs/building-workflows.md: its examples compile, and it lists every node type."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from workflows.codegen.module.generate import generate
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.compilation.typescript import compile_module
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.documents import parse_valid

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "building-workflows.md").read_text("utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.S)
    assert found
    return found[1]


def settings(**more: Any) -> ModuleSettings:
    names = frozenset({"SHIPPING_API"})
    return ModuleSettings(class_name="Order", workflow_binding="WORKFLOW", variables=names, **more)


def test_the_example_on_the_page_compiles(tmp_path: Path) -> None:
    module = generate(parse_valid(json.loads(block("json"))), settings())

    assert module.problems == ()
    assert "class Order" in compile_module(module.source, tmp_path)


def test_the_entry_code_on_the_page_compiles(tmp_path: Path) -> None:
    ir = parse_valid(json.loads(block("json")))

    module = generate(ir, settings(entry_code=block("ts")))

    assert "env.WORKFLOW.create" in compile_module(module.source, tmp_path)


def test_the_page_lists_every_node_type() -> None:
    assert all(f"`{name}`" in PAGE for name in NODE_TYPES)
