"""The `timestamp` setting of a `sleep_until` node: dates and expressions."""

from __future__ import annotations

import pytest

from tests.workflows.codegen.modules import generated, refusal
from tests.workflows.ir.documents import Document, chain, node


def in_text(value: str) -> str:
    return f'inText({value}, "\\"wait\\": timestamp", "{value}")'


VALID = {
    "2030-01-31T12:00:00Z": '"2030-01-31T12:00:00Z"',
    "  2030-01-31T12:00:00.123456+01:00\n": '"2030-01-31T12:00:00.123456+01:00"',
    "2026": '"2026"',
    "2026-02T10:00": '"2026-02T10:00"',
    "{{ a.t }}": "a.t",
    " {{ a.t }} ": "a.t",
    "{{ a.t }} + 1000": "a.t + 1000",
    "{{ a.t }}+1000": "a.t+1000",
    "{{ a.t }}-86400000": "a.t-86400000",
    "new Date({{ a.t }})": "new Date(a.t)",
    "{{ a.y }}-{{ a.m }}-01": f"`${{{in_text('a.y')}}}-${{{in_text('a.m')}}}-01`",
    "{{ a.day }}T00:00:00+01:00": f"`${{{in_text('a.day')}}}T00:00:00+01:00`",
    "first.at + 5": "first.at + 5",
    "1893456000000": "1893456000000",
    "1893456000000 + 1000": "1893456000000 + 1000",
}

INVALID = [
    "20300101T000000", "20300101", "2030-1-1", "2030-02-30", "2030-13-01", "2030-W01-1",
    "2030-01-01 10:00", "2030-01-01Z", "2030-01-01T25:00", "2030-01-01T10:00+0100",
    "2030-01-01T10:00+25:00", "+002030-01-01", "31/01/2030", "31.01.2030", "12345", "0000",
]  # fmt: skip


def sleep_until(timestamp: str) -> Document:
    return chain(node("a"), node("wait", "sleep_until", timestamp=timestamp))


@pytest.mark.parametrize("timestamp", VALID)
def test_a_timestamp_is_a_date_or_an_expression(timestamp: str) -> None:
    assert (
        f'sleepUntil(step, "wait", {VALID[timestamp]}, ' in generated(sleep_until(timestamp)).source
    )


@pytest.mark.parametrize("timestamp", INVALID)
def test_a_date_in_any_other_format_is_refused(timestamp: str) -> None:
    refused = refusal(sleep_until(timestamp))

    assert refused.startswith("nodes.wait.data.timestamp: must be a valid date such as ")


def test_a_blank_timestamp_is_refused() -> None:
    assert refusal(sleep_until(" \n")) == "nodes.wait.data.timestamp: must not be empty"
