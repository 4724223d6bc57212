from __future__ import annotations

import pytest

from workflows.ir.reading.references import malformed_references_in, references_in


@pytest.mark.parametrize(
    ("source", "malformed"),
    [
        ("{{ a.b[0] }}", ()),
        ("{{ }} {{ a }} {{ b c }}", ("{{ }}", "{{ b c }}")),
        ("}} {{ a", ()),
        ("{{ {{ a }}", ("{{ {{ a }}",)),
        ("{{ a\n}} and {{ then", ()),
    ],
)
def test_malformed_references_are_found(source: str, malformed: tuple[str, ...]) -> None:
    assert malformed_references_in(source) == malformed


@pytest.mark.parametrize(
    "source", ["{{" * 10**6, "{{ a" * 10**6, "{{" + " " * 10**6, "{{a" + ".b" * 10**6]
)
def test_megabytes_of_unclosed_braces_take_linear_time(source: str) -> None:
    assert malformed_references_in(source) == ()
    assert references_in(source) == ()
