from __future__ import annotations

import json

import pytest

from toolchain.nul_characters import json_without_nul


@pytest.mark.parametrize(
    "text", ["\0", "a\0\0b", "\\\0", "\\\\\0", r"\u0000", r"\\u0000\u0000", "\0\ufffd"]
)
def test_each_nul_of_a_document_is_replaced_and_nothing_else(text: str) -> None:
    document = json.dumps({text: [text]}).encode()

    expected = text.replace("\0", "\ufffd")
    assert json.loads(json_without_nul(document)) == {expected: [expected]}
