from __future__ import annotations

import gc
from typing import Any

import pytest

from tests.workflows.codegen.modules import generated, refusal
from tests.workflows.ir.documents import chain, every_type, node
from workflows.nodes.documents import parse


@pytest.fixture(autouse=True)
def empty() -> None:
    generated(every_type())  # whatever is made once
    gc.collect()


@pytest.mark.parametrize("drawn", [every_type(), chain(*(node(f"n{i}") for i in range(300)))])
def test_a_module_leaves_nothing_that_only_a_collection_would_free(drawn: dict[str, Any]) -> None:
    generated(drawn)

    assert gc.collect() == 0


def test_collections_go_on_after_a_module_and_after_a_refusal() -> None:
    generated(every_type())
    assert gc.isenabled()

    refusal(chain(node("a", code="return {{ nobody }};")))
    parse([1])
    assert gc.isenabled()
