"""docs/nodes/custom.md: its example loads and compiles, and the page is complete."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import document
from tests.workflows.node_types.test_load_node_types import run, write
from workflows.compilation.typescript import compile_module
from workflows.ir.custom.config_schema import CONFIG_TYPES
from workflows.ir.settings.formats import FORMATS
from workflows.models import NodeType
from workflows.node_types.registered import types_for

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "nodes" / "custom.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


@pytest.mark.django_db
def test_the_example_on_the_page_loads_and_compiles(tmp_path: Path) -> None:
    definition, node = map(json.loads, blocks("json"))
    template = blocks("ts")[0]
    path = f"{definition['id']}/{definition['version']}"
    write(tmp_path / "types", definition, template, path=path)

    printed = run(str(tmp_path / "types"))
    module = generated(drawn := document([node]), types_for(drawn), variables={"TELEGRAM_TOKEN"})

    assert printed == "loaded     telegram_message 1.0.0\n"
    assert NodeType.objects.get().type_id == "telegram_message"
    assert module.problems == ()
    assert "api.telegram.org" in compile_module(module.source, tmp_path)


def test_the_page_lists_every_kind_and_format() -> None:
    for name in (*CONFIG_TYPES, *FORMATS):
        assert f"`{name}`" in PAGE, name
