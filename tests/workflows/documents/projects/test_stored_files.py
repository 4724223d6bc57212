"""Files that come from an editor or the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.workflows.documents.projects.examples import FILES
from tests.workflows.documents.projects.packing import zipped
from workflows.documents.projects.contents import content_of
from workflows.documents.projects.files import (
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_LOCK_BYTES,
    MAX_TOTAL_BYTES,
    InvalidProject,
    check_files,
    file_bytes,
    read_archive,
    stored,
    text_of,
)

_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)
_PARTS = [*"aB/.\\:é\u0301 \u200b~", "ss", "ß", "node_modules", ".env", "con"]
_PATHS = st.lists(st.sampled_from(_PARTS), min_size=1, max_size=8).map("".join)


def _reasons(files: object) -> list[str]:
    return [problem.message for problem in check_files(files)]


@given(
    content=st.one_of(
        st.binary(max_size=50), st.text(max_size=20).filter(str.isprintable).map(str.encode)
    )
)
@settings(max_examples=examples(200, 3_000), deadline=None)
def test_stored_content_keeps_every_byte_and_is_valid(content: bytes) -> None:
    files = {"a": stored(content)}
    assert file_bytes(files, "a") == content
    assert json.loads(json.dumps(files)) == files
    assert check_files(files) == []
    assert (text_of(files, "a") is None) == isinstance(files["a"], dict)


@given(value=_JSON)
@settings(max_examples=examples(200, 3_000), deadline=None)
def test_json_of_any_shape_has_problems_or_can_be_used(value: Any) -> None:
    problems = check_files(value)
    if not problems:
        assert all(isinstance(content_of(file), bytes) for file in value.values())


@given(paths=st.lists(_PATHS, min_size=1, max_size=4, unique=True))
@settings(max_examples=examples(300, 3_000), deadline=None)
def test_an_archive_has_only_paths_that_are_accepted_from_an_editor(paths: list[str]) -> None:
    try:
        project = read_archive(zipped({**dict.fromkeys(paths, "x"), "top.ts": "", "b/top.ts": ""}))
    except (InvalidProject, UnicodeEncodeError):
        return
    assert check_files(project.files) == []
    for path in project.files:
        assert not any(
            part.startswith(".env") or part == "node_modules" for part in path.split("/")
        )


@pytest.mark.parametrize("value", [None, [], "a", 5, [["a", "b"]]])
def test_what_is_not_an_object_is_refused(value: object) -> None:
    assert _reasons(value) == [
        'must be an object of paths and contents, such as {"src/index.ts": "..."}'
    ]


def test_a_project_without_files_is_refused() -> None:
    assert _reasons({}) == ["The project has no files."]


@pytest.mark.parametrize(
    "file",
    [
        None,
        5,
        [],
        {},
        {"base64": 5},
        {"base64": "", "x": ""},
        {"text": "a"},
        {"base64": {"base64": ""}},
    ],
)
def test_what_is_not_a_file_is_refused(file: object) -> None:
    assert _reasons({"a": file}) == ['must be text, or {"base64": "..."} if it is not UTF-8']


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("/w", "is not Base64"),
        ("/w=", "is not Base64"),
        ("/w==\n", "is not Base64"),
        ("_w==", "is not Base64"),
        ("/w==/w==", "is not Base64"),
        ("\u00e9w==", "is not Base64"),
        ("/x==", "unused bits"),
        ("", "is UTF-8 text"),
        ("YQ==", "is UTF-8 text"),
    ],
)
def test_each_content_has_only_one_form(text: str, reason: str) -> None:
    assert reason in _reasons({"a": {"base64": text}})[0]


def test_text_that_cannot_be_stored_is_refused() -> None:
    assert "lone surrogate" in _reasons({"a": "\ud800"})[0]
    assert "NUL character" in _reasons({"a": "a\0b"})[0]
    assert "has a name that is not UTF-8" in _reasons({"a\ud800": ""})


def test_files_that_are_never_stored_are_refused() -> None:
    for path in (
        ".env",
        "src/.dev.vars",
        ".ENV.local",
        "node_modules/a.js",
        ".git/config",
        ".npmrc",
    ):
        assert len(_reasons({**FILES, path: "x"})) == 1
    [reason] = _reasons({**FILES, ".env": "TOKEN=x"})
    assert reason == "may hold secrets, which are never stored here: add them as secret variables"


def test_the_limits_of_a_project_are_exact() -> None:
    assert not check_files({"a": "x" * MAX_FILE_BYTES})
    assert _reasons({"a": "x" * (MAX_FILE_BYTES + 1)}) == ["is larger than 1 MB"]
    assert _reasons({"a": "é" * (MAX_FILE_BYTES // 2 + 1)}) == ["is larger than 1 MB"]
    assert not check_files({"a": stored(b"\xff" * MAX_FILE_BYTES)})
    assert _reasons({"a": stored(b"\xff" * (MAX_FILE_BYTES + 1))}) == ["is larger than 1 MB"]
    assert not check_files({"package-lock.json": "x" * MAX_LOCK_BYTES})
    full = {str(part): "x" * MAX_FILE_BYTES for part in range(MAX_TOTAL_BYTES // MAX_FILE_BYTES)}
    assert not check_files(full)
    assert _reasons({**full, "a": "x"}) == [
        "The files of the project are larger than 8 MB in total."
    ]
    many = {f"{number}": "" for number in range(MAX_FILES)}
    assert not check_files(many)
    assert _reasons({**many, "a": ""}) == ["The project has more than 1,000 files."]


def test_the_number_of_problems_is_limited() -> None:
    assert len(check_files({f"{number}:": "" for number in range(MAX_FILES)})) == 100
