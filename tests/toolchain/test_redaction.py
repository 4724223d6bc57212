from __future__ import annotations

import base64
import json
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolchain.redaction import MASK, redact

SECRET = 'p&ss"w<rd/é+sentinel\\42'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        json.dumps(SECRET),
        escape(SECRET),
        *(base64.b64encode(b"x" * n + SECRET.encode() + b"yz").decode() for n in range(3)),
    ],
)
def test_a_secret_is_masked_in_every_usual_encoding(form: str) -> None:
    masked = redact(f"before {form} after", [SECRET])

    assert MASK in masked
    assert "sentinel" not in masked
    assert base64.b64encode(b"sentinel").decode()[:8] not in masked


def test_a_secret_within_another_leaves_no_part_behind() -> None:
    assert redact("abcdef", ["abc", "abcdef"]) == MASK


def test_a_secret_too_short_to_hide_does_not_garble_the_text() -> None:
    assert redact("wrangler ended", ["e"]) == "wrangler ended"


def test_no_secrets_change_nothing() -> None:
    assert redact("text", ["", *[]]) == "text"


@given(st.text(min_size=8), st.text(), st.text())
def test_no_secret_survives_anywhere(secret: str, before: str, after: str) -> None:
    assert secret not in redact(before + secret + after, [secret]).replace(MASK, "\0")


def test_a_short_secret_is_masked_only_as_a_whole_word() -> None:
    text = 'another Worker has "other", other-name and OTHER'

    assert redact(text, ["other"]) == f'another Worker has "{MASK}", {MASK}-name and OTHER'
