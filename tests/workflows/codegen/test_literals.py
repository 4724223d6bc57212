from __future__ import annotations

import json
import subprocess
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from toolchain.node_tools import NODE
from workflows.codegen.text.literals import comment, escaped, literal

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


def test_a_literal_cannot_end_the_comment_script_or_line_around_it() -> None:
    for text in NASTY:
        written = literal(text)
        assert "*/" not in written
        assert "</script" not in written
        assert "\n" not in written
