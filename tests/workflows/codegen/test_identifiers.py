from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.ir.reading.identifiers import RESERVED, Names, assign_variables, is_identifier

CASES = [
    (["charge"], ["charge"]),
    (["charge-card", "charge_card"], ["charge_card_2", "charge_card"]),
    (["1st", "fetch", "step", "class", "await", "Response"],
     ["_1st", "fetch_", "step_", "class_", "await_", "Response_"]),
    (["", "a b", "a\u2019b", "😀"], ["_", "a_b", "a_b_2", "__2"]),
    (["été", "größe", "価格", "स्थिति", "ℵ", "a·b"], ["été", "größe", "価格", "स्थिति", "ℵ", "a·b"]),
    (["٣x", "é-é", "é é"], ["_٣x", "é_é", "é_é_2"]),
    (["crypto", "process", "type", "of", "trigger", "request", "entry", "File", "module"],
     ["crypto", "process", "type", "of", "trigger", "request", "entry", "File", "module"]),
    (["a", "a_2", "A"], ["a", "a_2", "A"]),
]  # fmt: skip


@pytest.mark.parametrize(("ids", "expected"), CASES)
def test_a_variable_is_named_after_the_id(ids: list[str], expected: list[str]) -> None:
    names = assign_variables(ids, Names())

    assert [names[id_] for id_ in ids] == expected


@given(ids=st.lists(st.one_of(st.text(max_size=5), st.sampled_from(sorted(RESERVED))), unique=True))
def test_variables_are_valid_unique_and_not_reserved(ids: list[str]) -> None:
    names = assign_variables(ids, Names())

    assert set(names) == set(ids)
    assert len(set(names.values())) == len(ids)
    assert all(is_identifier(name) and name not in RESERVED for name in names.values())
