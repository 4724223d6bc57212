from __future__ import annotations

import io
import json
import sys

import pytest

import manage
from toolchain.terminal import visible

TITLE = "\x1b]0;owned\x07"
CLEAR = "\x1b[2J\x9b31m\x1b[8m"


@pytest.mark.parametrize("text", [TITLE, CLEAR, "\rfake", "\x08" * 4, "\x7f", "\u202edrow"])
def test_nothing_in_a_text_acts_on_the_terminal(text: str) -> None:
    assert visible(text).isprintable()


@pytest.mark.parametrize("text", ["a\tb\nc", "é 日本 🎉 שלום", "\x1b[31;1mCommandError\x1b[0m"])
def test_texts_lines_and_the_color_of_errors_stay(text: str) -> None:
    assert visible(text) == text


def test_json_keeps_its_meaning() -> None:
    value = {TITLE: CLEAR + "\u2066"}
    assert json.loads(visible(json.dumps(value, ensure_ascii=False))) == value


def test_commands_do_not_send_control_characters_to_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def command(_arguments: list[str]) -> None:
        sys.stdout.write(TITLE)
        sys.stderr.write(CLEAR)
        sys.stdout.buffer.write(b"PK\x03\x04")

    written = io.BytesIO()
    for name in ("stdout", "stderr"):  # not in a fixture: pytest replaces both when a test starts
        stream = io.TextIOWrapper(written, encoding="utf-8", write_through=True)
        monkeypatch.setattr(sys, name, stream)
    monkeypatch.setattr(manage, "execute_from_command_line", command)
    manage.main()

    shown = written.getvalue().decode()
    assert shown.startswith(r"\u001b]0;owned\u0007\u001b[2J\u009b31m\u001b[8m")
    assert shown.endswith("PK\x03\x04")
