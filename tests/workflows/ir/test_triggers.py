from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.ir.documents import chain, node
from workflows.ir.document.triggers import Trigger
from workflows.nodes.documents import parse, parse_valid


def problems(**trigger: str) -> list[str]:
    return [str(one) for one in parse(chain(node("a"), trigger=trigger)).problems]


@pytest.mark.parametrize(
    ("trigger", "meant"),
    [
        (None, Trigger()),
        ({"type": "manual"}, Trigger()),
        ({"type": "http"}, Trigger(kind="http", path="/", method="POST")),
        (
            {"type": "http", "path": "/a", "method": "PUT"},
            Trigger(kind="http", path="/a", method="PUT"),
        ),
        (
            {"type": "cron", "expression": " 0  8 * * MON "},
            Trigger(kind="cron", expression="0 8 * * MON"),
        ),
        ({"type": "event", "eventType": "paid"}, Trigger(kind="event", event_type="paid")),
        ({"type": "queue", "queue": "orders"}, Trigger(kind="queue", queue="orders")),
    ],
)
def test_every_kind_of_trigger_is_read(trigger: Any, meant: Trigger) -> None:
    assert parse_valid(chain(node("a"), trigger=trigger)).trigger == meant


@pytest.mark.parametrize(
    "expression",
    [
        "* * * * *",
        "*/30 * * * *",
        "0,15,30-45/5 8-18/2 * * *",
        "0 17 * * sun",
        "10 7 * * mon-fri",
        "10 7 * * 2-6",
        "0 22-2 * JAN,jul-dec *",
        "0 18 * * friL",
        "0 18 * * 6L",
        "0 0 * * 2#1",
        "0 0 * * L",
        "59 23 LW * *",
        "0 0 L-3 * *",
        "0 0 L-3W * *",
        "0 0 15W 1,7 *",
        "0 0 1,*/10 * *",
    ],
)
def test_what_cloudflare_takes_as_a_cron_expression_is_taken(expression: str) -> None:
    assert problems(type="cron", expression=expression) == []


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("* * * *", "has 4 fields: write the five"),
        ("0 * * * * *", "has 6 fields"),
        ("@daily", "has 1 fields"),
        ("60 * * * *", '"60" is no minute: use 0-59'),
        ("*/60 * * * *", '"*/60" is no minute'),
        ("*/0 * * * *", '"*/0" is no minute'),
        ("1, * * * *", '"1," is no minute'),
        ("٣ * * * *", "is no minute"),
        ("*,* * * * *", "is no minute"),
        ("0 24 * * *", '"24" is no hour: use 0-23'),
        ("0 0 0 * *", '"0" is no day of the month: use 1-31'),
        ("0 0 32W * *", '"32W" is no day of the month'),
        ("0 0 L-31 * *", '"L-31" is no day of the month'),
        ("0 0 ? * *", '"?" is no day of the month'),
        ("0 0 * 13 *", '"13" is no month: use 1-12 or JAN-DEC'),
        ("0 0 * * 0", '"0" is no weekday: use 1-7 or SUN-SAT'),
        ("0 0 * * 8L", '"8L" is no weekday'),
        ("0 0 * * 2#6", '"2#6" is no weekday'),
        ("0 0 * * Monday", '"Monday" is no weekday'),
        ("0 0 * * " + ",".join("1" * 130), "at most 256 characters"),
    ],
)
def test_what_cloudflare_refuses_as_a_cron_expression_is_refused(
    expression: str, problem: str
) -> None:
    (found,) = problems(type="cron", expression=expression)

    assert found.startswith("trigger.expression: ")
    assert problem in found


@pytest.mark.parametrize("name", ["orders", "a", "0-a", "a" * 63])
def test_a_queue_has_a_name_that_cloudflare_takes(name: str) -> None:
    assert problems(type="queue", queue=name) == []


@pytest.mark.parametrize("name", ["Orders", "my_queue", "-a", "a-", "a b", "a" * 64, "ä", "a\n"])
def test_a_queue_with_another_name_is_refused(name: str) -> None:
    (found,) = problems(type="queue", queue=name)

    assert found.startswith("trigger.queue: must be 1-63 small letters")


@pytest.mark.parametrize("path", ["x", "/a b", "/a?b", "/a#b", "/a\\b", "/a/../b", "/."])
def test_a_path_that_no_request_can_have_is_refused(path: str) -> None:
    (found,) = problems(type="http", path=path)

    assert found.startswith('trigger.path: must begin with "/"')


@pytest.mark.parametrize(
    ("kind", "field"), [("cron", "expression"), ("queue", "queue"), ("event", "eventType")]
)
def test_a_trigger_says_what_it_needs(kind: str, field: str) -> None:
    assert problems(type=kind) == [f"trigger.{field}: is missing: write text"]
