from __future__ import annotations

import pytest

from workflows.ir.reading.references import malformed_references_in, references_in


@pytest.mark.parametrize(
    ("source", "unreadable"),
    [
        ("{{ a.b[0] }}", ()),
        ("{{ }} {{ a }} {{ b c }}", ("{{ }}", "{{ b c }}")),
        ("}} {{ a", ()),
        ("{{ {{ a }}", ("{{ {{ a }}",)),
        ("{{ a\n}} and {{ then", ()),
    ],
)
def test_braces_that_are_no_reference_are_named(source: str, unreadable: tuple[str, ...]) -> None:
    assert malformed_references_in(source) == unreadable


@pytest.mark.parametrize(
    "source", ["{{" * 10**6, "{{ a" * 10**6, "{{" + " " * 10**6, "{{a" + ".b" * 10**6]
)
def test_megabytes_of_braces_that_are_never_closed_are_read_in_one_pass(source: str) -> None:
    assert malformed_references_in(source) == ()
    assert references_in(source) == ()
