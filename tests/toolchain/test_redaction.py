from __future__ import annotations

import base64
import json
import subprocess
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolchain.node_tools import NODE
from toolchain.redaction import MASK, TOO_DEEP, TRUNCATED, redact, redact_json

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


JAVASCRIPT = """
const secret = process.argv[1]
const url = text => new URL(text).href
const inObject = JSON.stringify({ secret })
const forms = [
  encodeURIComponent(secret), encodeURI(secret), new URLSearchParams({ secret }).toString(),
  url(`https://host.example/?key=${secret}`), url(`other://host.example/?key=${secret}`),
  url(`https://host.example/${secret}`), url(`https://host.example/#${secret}`),
  Object.assign(new URL('https://host.example'), { password: secret }).href,
  inObject, JSON.stringify(inObject), util.inspect(secret), util.inspect([secret + "'"]),
  util.inspect([secret + "'`"]),
]
console.log(JSON.stringify(forms))
"""


@pytest.mark.parametrize(
    "secret",
    [
        "Tr0ub4dor&3!",
        "it's (not) *so* ~hard",
        'a "quoted" wörd = 100%',
        "x{y}|[z]^@`;:,$+=",
        "a\\b\nc d",
    ],
)
def test_a_secret_is_masked_however_javascript_writes_it(secret: str) -> None:
    code = f"const util = require('util')\n{JAVASCRIPT}"
    output = subprocess.check_output([NODE, "-e", code, secret], text=True)
    forms = json.loads(output)

    assert [form for form in forms if MASK not in redact(form, [secret])] == []


def test_a_secret_that_is_short_without_its_line_endings_does_not_garble_the_text() -> None:
    assert redact("a banana", ["\n\n\na"]) == "a banana"


def test_a_secret_within_another_leaves_no_part_behind() -> None:
    assert redact("abcdef", ["abc", "abcdef"]) == MASK


def test_a_secret_too_short_to_hide_does_not_garble_the_text() -> None:
    assert redact("wrangler ended", ["e"]) == "wrangler ended"


def test_without_secrets_nothing_changes() -> None:
    assert redact("text", ["", *[]]) == "text"


@given(st.text(min_size=8), st.text(), st.text())
def test_no_secret_survives_anywhere(secret: str, before: str, after: str) -> None:
    assert secret not in redact(before + secret + after, [secret]).replace(MASK, "\0")


@pytest.mark.parametrize(
    "form", [SECRET, json.dumps(SECRET)[1:-1], base64.b64encode(SECRET.encode()).decode()[:28]]
)
def test_the_start_of_a_secret_that_was_truncated_is_masked(form: str) -> None:
    for length in range(4, len(form)):
        assert redact(f"key={form[:length]}{TRUNCATED}", [SECRET]) == f"key={MASK}{TRUNCATED}"
    text = f"{form[:4]} key={form[:3]}{TRUNCATED}"
    assert redact(text, [SECRET]) == text


def test_a_short_secret_is_masked_only_as_a_whole_word() -> None:
    text = 'another Worker has "other", other-name and OTHER'

    assert redact(text, ["other"]) == f'another Worker has "{MASK}", {MASK}-name and OTHER'


def test_secrets_that_overlap_leave_no_part_behind() -> None:
    assert redact("<abcdefXYZghijkl>", ["abcdefXYZ", "XYZghijkl"]) == f"<{MASK}>"


def test_a_secret_is_masked_in_keys_and_numbers() -> None:
    value = {"a-secret-key": 1, "n": [48151623, -48151623.0, True], "list of a-secret-key": {}}

    masked = redact_json(value, ["a-secret-key", "48151623"])

    assert masked == {MASK: 1, "n": [MASK, MASK, True], f"list of {MASK}": {}}


def test_keys_that_are_equal_when_masked_all_remain() -> None:
    masked = redact_json({"first-secret": 1, "second-secret": 2}, ["first-secret", "second-secret"])

    assert masked == {MASK: 1, f"{MASK} 2": 2}


@pytest.mark.parametrize(
    ("secret", "number"),
    [
        ("0048151", 48151),
        (" 48151 ", 48151),
        ("4815.10", 4815.1),
        ("0xBC17", 48151),
        ("48151e3", 48151000),
        ("48151623421234567890", 48151623421234570000),
        ("1" * 400, 1),
    ],
)
def test_a_secret_that_became_a_number_is_masked(secret: str, number: float) -> None:
    is_number = number != 1

    assert redact_json({"n": number}, [secret]) == {"n": MASK if is_number else 1}
    assert redact(f"n={json.dumps(number)}", [secret]) == (f"n={MASK}" if is_number else "n=1")


def test_a_number_of_any_size_can_be_searched() -> None:
    assert redact_json([10**5000, 1e308], ["48151"]) == [10**5000, 1e308]


def test_the_number_of_a_short_secret_is_shown() -> None:
    assert redact_json([7, "7"], ["0007"]) == [7, "7"]


def test_thousands_of_secrets_are_masked_immediately() -> None:
    secrets = [f"secret-number-{number}-of-many" for number in range(3000)]
    value = [{"text": "no secret here " * 10, "n": number} for number in range(3000)]

    assert redact_json([*value, *secrets], secrets) == [*value, *[MASK] * 3000]


def test_a_value_that_is_nested_too_deeply_is_not_shown() -> None:
    value: object = "secret"
    for _ in range(5_000):
        value = [value]

    assert redact_json(value, ["secret"]) == TOO_DEEP
