"""The lines of TOML, and the bounds of what is read."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.workflows.documents.projects.toml_writer import Path, toml_documents
from workflows.documents.projects.wrangler.bounds import MAX_KEYS, MAX_NESTING, TooComplex
from workflows.documents.projects.wrangler.source import read_source
from workflows.documents.projects.wrangler.toml_text import toml_text

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
_MARKS = st.sampled_from(
    [*"[]{}=.,#'\"\\ \t\n\rab1é\0", '"""', "'''", "[[", "]]", "\\u00e9", "true", "1.5", "k = "]
)


@given(document=toml_documents())
@settings(max_examples=examples(150, 2_000), deadline=None, suppress_health_check=_SLOW)
def test_every_key_table_and_item_has_its_line(
    document: tuple[str, dict[str, Any], dict[Path, int]],
) -> None:
    text, data, lines = document
    prepared = toml_text(text)
    assert prepared.is_whole
    assert tomllib.loads(prepared.text) == data
    assert prepared.lines == lines


@given(parts=st.lists(_MARKS, max_size=30))
@example(parts=["a", ".", "'", "b", "'", "=", "1"])
@settings(max_examples=examples(500, 20_000), deadline=None)
def test_whatever_tomllib_accepts_is_read_to_its_end(parts: list[str]) -> None:
    text = "".join(parts)
    with suppress(tomllib.TOMLDecodeError):
        tomllib.loads(text)
        assert toml_text(text).is_whole
        assert toml_text(text).text == text


@given(document=toml_documents(), data=st.data())
@settings(max_examples=examples(100, 2_000), deadline=None, suppress_health_check=_SLOW)
def test_a_mistake_is_reported_in_its_line(
    document: tuple[str, Any, dict[Path, int]], data: st.DataObject
) -> None:
    text, _, paths = document
    lines = text.split("\n")
    statements = [line for path, line in paths.items() if len(path) == 1]
    line = data.draw(st.sampled_from([*statements, len(lines)]))
    lines.insert(line - 1, "= mistake")
    [problem] = read_source({"wrangler.toml": "\n".join(lines)}).problems
    assert (problem.line, problem.message[:11]) == (line, "is not TOML")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb" + ".b" * MAX_NESTING + " = 1", 2),
        ("\n\na = " + "[" * MAX_NESTING, 3),
        ("a = " + "{ a = " * MAX_NESTING, 1),
        ("a = " + "{ a.a.a.a = " * (MAX_NESTING // 4), 1),
        ("[" + ".".join(["a"] * (MAX_NESTING + 1)) + "]", 1),
        ("\n".join(f"[[a{'.a' * depth}]]" for depth in range(MAX_NESTING)), 17),
    ],
)
def test_text_that_is_nested_too_deeply_is_not_read_further(text: str, line: int) -> None:
    with pytest.raises(TooComplex, match="nests values more than") as caught:
        toml_text(text)
    assert caught.value.line == line


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"k{number} = 1" for number in range(MAX_KEYS + 1)),
        f"a = [{'1,' * MAX_KEYS}]",
        f"a = {{{','.join(f'k{number} = 1' for number in range(MAX_KEYS))}}}",
        "[[a]]\n" * (MAX_KEYS + 1),
    ],
)
def test_text_with_too_many_keys_is_not_read_further(text: str) -> None:
    with pytest.raises(TooComplex, match="more than 5,000 keys and items"):
        toml_text(text)


def test_the_line_of_a_mistake_after_joined_lines_is_that_of_the_original() -> None:
    prepared = toml_text('a = {\n  b = 1, # one\n  c = "\\e",\n}\nd = \n')
    assert prepared.text == 'a = { b = 1, c = "\\u001b" }\nd = \n'
    assert [prepared.original_line(line) for line in (1, 2, 3)] == [1, 5, 6]
