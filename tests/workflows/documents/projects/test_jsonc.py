"""JSON with comments is read as wrangler reads it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.workflows.documents.projects.toml_writer import toml_documents
from tests.workflows.documents.projects.wrangler_reader import read_with_wrangler
from workflows.documents.projects.files import ProjectFiles
from workflows.documents.projects.problems import ProjectProblem
from workflows.documents.projects.wrangler.bounds import MAX_KEYS, MAX_NESTING, TooComplex
from workflows.documents.projects.wrangler.jsonc import plain_json
from workflows.documents.projects.wrangler.source import Source, read_source

_TRIVIA: Final = [
    "", "", " ", "\t", "\n", "\r\n", "// line\n", "/* block */", "/**/", "/* \n * { [ \" \n */", '// "a": [1,\n',
]  # fmt: skip
_MARKS: Final = [
    *"{}[]:,\n \t/*\"'\\", "//", "/*", "*/", '"a"', '"b"', "1", "-2.5e3", "true", "null", "{}", '"/*"', '"\\u00e9"', "é",
    "\x01", "truex", "01", "\ufeff",
]  # fmt: skip
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-1000, 1000), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


def _written(value: Any, random: Random) -> str:
    """Return the value with comments and trailing commas."""

    def gap() -> str:
        return random.choice(_TRIVIA)

    if isinstance(value, dict):
        items = [
            f"{gap()}{json.dumps(key)}{gap()}:{gap()}{_written(item, random)}{gap()}"
            for key, item in value.items()
        ]
        brackets = "{}"
    elif isinstance(value, list):
        items = [f"{gap()}{_written(item, random)}{gap()}" for item in value]
        brackets = "[]"
    else:
        return json.dumps(value, ensure_ascii=random.random() < 0.5)
    trailing = random.choice(["", ","]) if items else ""
    return f"{brackets[0]}{','.join(items)}{trailing}{gap()}{brackets[1]}"


@given(value=_VALUES, seed=st.integers(0, 10_000))
@settings(max_examples=examples(300, 3_000), deadline=None)
def test_comments_and_trailing_commas_do_not_change_the_value(value: Any, seed: int) -> None:
    text = _written(value, Random(seed))  # noqa: S311 - the same every time
    plain = plain_json(text)
    assert json.loads(plain) == value
    assert len(plain) == len(text)
    assert plain.count("\n") == text.count("\n")


def test_random_texts_are_read_as_wrangler_reads_them(tmp_path: Path) -> None:
    random = Random(3)  # noqa: S311 - the same every time
    texts = [
        "".join(random.choices(_MARKS, k=random.randrange(12))) for _ in range(examples(400, 2_000))
    ]
    objects = [
        f"{{{''.join(random.choices(_MARKS, k=random.randrange(10)))}}}"
        for _ in range(examples(400, 2_000))
    ]
    projects: dict[str, ProjectFiles] = {
        str(index): {"wrangler.jsonc": text} for index, text in enumerate([*texts, *objects])
    }
    found = read_with_wrangler(tmp_path, projects)
    for name, files in projects.items():
        source = read_source(files)
        values = found[name].get("values")
        if isinstance(values, dict) and not _has_repeated_key(source.problems):
            assert (source.data, source.problems) == (values, []), files
        else:
            assert source.problems, files


def _has_repeated_key(problems: list[ProjectProblem]) -> bool:
    """Whether there is a mistake that wrangler ignores."""
    return any("twice: keep one" in problem.message for problem in problems)


@given(documents=st.lists(toml_documents(), min_size=20, max_size=20))
@settings(max_examples=examples(2, 20), deadline=None, suppress_health_check=list(HealthCheck))
def test_random_toml_is_read_as_wrangler_reads_it(
    documents: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    projects: dict[str, ProjectFiles] = {
        str(index): {"wrangler.toml": document[0]} for index, document in enumerate(documents)
    }
    found = read_with_wrangler(tmp_path_factory.mktemp("toml"), projects)
    for name, files in projects.items():
        source = read_source(files)
        assert (source.data, source.problems) == (found[name]["values"], [])


def test_values_have_their_lines() -> None:
    text = '{\n"a": 1, // one\n"b": [\n1, /* \n */ {"id": 3,\n"b.c": 4}\n]\n,}'
    source = read_source({"wrangler.jsonc": text})
    assert [source.line_of(path) for path in _paths()] == [2, 3, 4, 5, 5, 6, 5]


def _paths() -> list[tuple[str | int, ...]]:
    return [
        ("a",),
        ("b",),
        ("b", 0),
        ("b", 1),
        ("b", 1, "id"),
        ("b", 1, "b.c"),
        ("b", 1, "missing"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a":\n' + "[" * MAX_NESTING, "nests values more than"),
        ('{"a":\n' + '{"a":' * MAX_NESTING, "nests values more than"),
        (f'{{"a":\n[{"1," * 2 * MAX_KEYS}]}}', "more than 5,000 keys and items"),
    ],
)
def test_text_that_would_keep_the_parser_busy_is_not_read(text: str, message: str) -> None:
    with pytest.raises(TooComplex, match=message) as caught:
        plain_json(text)
    assert caught.value.line == 2


@given(text=st.text(alphabet="".join(_MARKS)))
@settings(max_examples=examples(300, 3_000), deadline=None)
def test_no_text_raises_an_error(text: str) -> None:
    for file in ("wrangler.jsonc", "wrangler.toml"):
        with suppress(UnicodeEncodeError):
            assert isinstance(read_source({file: text}), Source)
