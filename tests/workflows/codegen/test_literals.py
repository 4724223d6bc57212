from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import document, node
from toolchain.node_tools import NODE
from workflows.codegen.text.literals import comment, escaped, literal
from workflows.compilation.typescript import compile_modules

NASTY = [
    "", '"', "'", "`", "\\", "${x}", "$", "\\${x}", "\n", "\r\n", "\u2028", "\u2029", "*/", "/* */",
    "</script>", "<!--", "\0", "\x7f", "\x85", "\u202e", "\ufeff", "\ud800", "a\ud83d", "😀", "{{ a }}",
    "`${`${x}`}`", "\\\\`", "\\u0041", "//", "\t\b\v\f", "__proto__",
]  # fmt: skip


def _evaluated(expressions: list[str]) -> list[Any]:
    """Evaluate each expression in Node; JSON preserves lone surrogates."""
    program = f"process.stdout.write(JSON.stringify([{','.join(expressions)}]))"
    done = subprocess.run([NODE, "-"], input=program, capture_output=True, text=True, check=True)
    values: list[Any] = json.loads(done.stdout)
    return values


@settings(deadline=None, max_examples=examples(8, 100))
@given(texts=st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=30)), max_size=200))
def test_a_literal_evaluates_to_its_text(texts: list[str]) -> None:
    quoted = _evaluated([literal(text) for text in texts])
    in_template = _evaluated([f"`{escaped(text)}`" for text in texts])

    assert quoted == in_template == texts


def test_nasty_literals_evaluate_to_their_text() -> None:
    assert _evaluated([literal(text) for text in NASTY]) == NASTY


def test_a_comment_never_ends_its_line() -> None:
    values = _evaluated([f"{comment(text)}\n{index}" for index, text in enumerate(NASTY)])

    assert values == list(range(len(NASTY)))


DIRECTIVES = [
    "@ts-expect-error", "@ts-ignore", "@ts-nocheck", "@ts-check", "/ @ts-ignore", "@jsx h",
    '/ <reference path="/etc/passwd" />', "# sourceMappingURL=data:,x", "@ sourceURL=x", "@license MIT",
    "! kept", "@preserve", "#__PURE__", "@__PURE__", "eslint-disable", "biome-ignore lint: x",
    "prettier-ignore", "deno-lint-ignore-file", "oxlint-disable", "#region", "#!/bin/sh", "istanbul ignore",
    "@vite-ignore", "webpackIgnore: true", "</script>", "*/ @ts-ignore", "\u2028// @ts-ignore", "x @ts-ignore",
]  # fmt: skip


@pytest.mark.parametrize("text", DIRECTIVES)
def test_no_directive_can_arise_from_a_comment(text: str) -> None:
    written = comment(text)

    assert re.fullmatch(r'// "[^@#=!/*<>`\\"\n]*"', written)


def test_names_that_are_directives_change_nothing_about_the_program(tmp_path: Path) -> None:
    sources = {}
    for number, text in enumerate(DIRECTIVES):
        name = text.replace("\u2028", "")
        workflow = document(
            [
                node("b", "branch", name=name, branches=[{"label": name, "condition": "event.payload"}]),
                node("each", "loop", name=name, loopType="times", count=1),
                node("all", "parallel", name=name), node("a", name=name), node("race", "race", name=name),
                node("c", name=name), node("guard", "try_catch", name=name), node("d"), node("e"),
            ],
            f"b each {name}", "each all body", f"all a {name}", "all race then", f"race c {name}",
            "race guard then", "guard d try", "guard e catch",
        )  # fmt: skip
        workflow["metadata"]["name"] = name
        sources[f"{number}.ts"] = generated(workflow).source

    assert len(compile_modules(sources, tmp_path)) == len(DIRECTIVES)


def test_a_literal_cannot_end_the_comment_script_or_line_around_it() -> None:
    for text in NASTY:
        written = literal(text)
        assert "*/" not in written
        assert "</script" not in written
        assert "\n" not in written
