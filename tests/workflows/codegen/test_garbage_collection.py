from __future__ import annotations

import gc
from typing import Any

import pytest

from tests.workflows.codegen.modules import generated, refusal
from tests.workflows.ir.documents import chain, every_type, node
from workflows.nodes.documents import parse


@pytest.fixture(autouse=True)
def clean_heap() -> None:
    generated(every_type())  # creates everything that is only created once
    gc.collect()


@pytest.mark.parametrize("workflow", [every_type(), chain(*(node(f"n{i}") for i in range(300)))])
def test_generating_a_module_leaves_no_reference_cycles(
    workflow: dict[str, Any],
) -> None:
    generated(workflow)

    assert gc.collect() == 0


def test_garbage_collection_is_enabled_again_after_success_and_failure() -> None:
    generated(every_type())
    assert gc.isenabled()

    refusal(chain(node("a", code="return {{ nobody }};")))
    parse([1])
    assert gc.isenabled()
