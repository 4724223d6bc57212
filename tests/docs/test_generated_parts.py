"""The generated parts of the documentation match the declared fields and the generated code."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflows.documentation.generated_parts import pages
from workflows.documentation.pages import DOCS
from workflows.ir.document.node_types import NodeType
from workflows.nodes.built_in import BUILT_IN

PAGES = pages()


@pytest.mark.parametrize("path", sorted(PAGES), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_generated_parts_of_a_page_are_up_to_date(path: Path) -> None:
    assert path.read_text("utf-8") == PAGES[path], (
        "run python -m workflows.documentation.generated_parts"
    )


@pytest.mark.parametrize("type_", BUILT_IN, ids=lambda type_: type_.name)
def test_the_page_of_a_type_with_settings_has_its_table(type_: NodeType) -> None:
    marker = f"<!-- settings of {type_.name} -->"

    assert (marker in (DOCS / type_.docs).read_text("utf-8")) == bool(type_.fields)


@pytest.mark.parametrize("type_", BUILT_IN, ids=lambda type_: type_.name)
def test_the_page_of_a_type_shows_its_code(type_: NodeType) -> None:
    assert f"<!-- code of {type_.name} -->" in (DOCS / type_.docs).read_text("utf-8")
