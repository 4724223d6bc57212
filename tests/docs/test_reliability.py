"""Every promise of docs/reliability.md names the tests that hold the product to it."""

from __future__ import annotations

import re

import pytest

from tests.docs.test_docs import PROJECT, named_code

PAGE = PROJECT / "docs" / "reliability.md"
PROMISES = re.findall(r"^\| (?!Promise|---)(.+?) \| (.*) \|$", PAGE.read_text("utf-8"), re.M)


@pytest.mark.parametrize(("promise", "tests"), PROMISES)
def test_a_promise_has_a_test(promise: str, tests: str) -> None:
    assert re.fullmatch(r"\[`test_\w+`\]\([^)]+\)(, \[`test_\w+`\]\([^)]+\))*", tests), promise


def test_only_tests_are_named() -> None:
    files = {file.resolve().relative_to(PROJECT).parts[0] for _, file in named_code(PAGE)}

    assert files == {"tests"}
