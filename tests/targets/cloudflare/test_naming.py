"""Generated resource names are valid for Cloudflare."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.cloudflare.naming import dataset_name, resource_name
from targets.cloudflare.resource_ids import IDENTIFIERS
from workflows.ir.reading.bindings import BindingKind

WORKER = "awaitstep-abcdefghij"
MADE = (BindingKind.R2, BindingKind.QUEUE)


def test_a_resource_is_named_after_the_worker_and_the_binding() -> None:
    assert resource_name(WORKER, "MY_KV") == f"{WORKER}-my-kv"
    assert dataset_name(WORKER, "MY_ANALYTICS") == "awaitstep_abcdefghij_my_analytics"


@given(st.text(min_size=1, max_size=200))
def test_any_name_of_a_binding_makes_names_that_cloudflare_accepts(binding: str) -> None:
    for kind in MADE:
        assert IDENTIFIERS[kind].accepts(resource_name(WORKER, binding))
    assert IDENTIFIERS[BindingKind.ANALYTICS].accepts(dataset_name(WORKER, binding))


@pytest.mark.parametrize(
    ("first", "second"),
    [("MY_KV", "my_KV"), ("_A", "A"), ("A_", "A"), ("A" * 60 + "1", "A" * 60 + "2"), ("Ä", "Ö")],
)
def test_two_bindings_never_get_the_same_resource_name(first: str, second: str) -> None:
    assert resource_name(WORKER, first) != resource_name(WORKER, second)
