from __future__ import annotations

import pytest

from workflows.ir.reading.code_references import references_in_code
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


IN_CODE = [
    ("{{ a }}", 1), ("'{{ a }}'", 0), ('"{{ a }}"', 0), ("`{{ a }}`", 0), ("`${ {{ a }} }`", 1),
    ("`${ `x${ {{ a }} }{{ b }}` }{{ c }}` + {{ d }}", 2), ("// {{ a }}\n{{ b }}", 1), ("/* {{ a }} */ {{ b }}", 1),
    ("'it\\'s {{ a }}' + {{ b }}", 1), ("/'{{ a }}/.test({{ b }})", 1), ("x / {{ a }} / 2", 1), ("(x) / {{ a }} / '{{ b }}'", 1),
    ("return /[/'`]{{ a }}/g.source + {{ b }}", 1), ("`${ { a: { b: 1 } }.a }{{ a }}` + {{ b }}", 1),
    ("'{{ a }}\n{{ b }}", 1), ("const a = 1; /x'/.test({{ a }})", 1), ("`{{ a }}", 0), ("/* {{ a }}", 0), ("a = b /* ' */ / {{ c }}", 1),
    ("{{ a }} ? '{{ b }}' : `{{ c }}${ {{ d }} }`", 2), ("}}{{ a }}`", 1), ("x = y\n/{{ a }}/i", 1),
]  # fmt: skip


@pytest.mark.parametrize(("source", "count"), IN_CODE)
def test_references_in_code_are_distinguished_from_text(source: str, count: int) -> None:
    references, quoted = references_in_code(source)

    assert len(references) == count
    assert sorted((*references, *quoted), key=lambda one: one.start) == list(
        references_in(source, has_literals=False)
    )


@pytest.mark.parametrize(
    "monster", ["!", "[", "/[", "`${", "'", '"', "/*", "/", "(/", "\\", "{{ a }}", "`", "//", "}"]
)
def test_megabytes_of_broken_code_take_linear_time(monster: str) -> None:
    references, quoted = references_in_code("{{ first }}" + monster * (10**5 // len(monster)))

    assert references[0].root == "first"
    assert len(references) + len(quoted) >= 1


@pytest.mark.parametrize(
    "path", ["x" * 257, "x[" + "7" * 5_000 + "]", "x" + ".y" * 101, "x" * 1_000_000]
)
def test_text_longer_than_any_reference_is_text(path: str) -> None:
    assert references_in(f"{{{{ {path} }}}}") == ()
