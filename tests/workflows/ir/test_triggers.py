from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.ir.documents import chain, node
from workflows.ir.document.triggers import Trigger
from workflows.nodes.documents import parse, parse_valid


def problems(**trigger: str) -> list[str]:
    return [str(problem) for problem in parse(chain(node("a"), trigger=trigger)).problems]


@pytest.mark.parametrize(
    ("trigger", "expected"),
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
def test_every_kind_of_trigger_is_read(trigger: Any, expected: Trigger) -> None:
    assert parse_valid(chain(node("a"), trigger=trigger)).trigger == expected


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
def test_cron_expressions_that_cloudflare_accepts_are_accepted(expression: str) -> None:
    assert problems(type="cron", expression=expression) == []


@pytest.mark.parametrize(
    "expression", ["0 0 31 2 *", "0 0 30,31 feb *", "0 0 31 4,6,9-11/2 *", "0 0 31W 2 *"]
)
def test_a_schedule_that_never_fires_is_a_warning(expression: str) -> None:
    trigger = {"type": "cron", "expression": expression}

    (problem,) = parse(chain(node("a"), trigger=trigger)).problems

    assert "never fires" in problem.message
    assert not problem.is_error


@pytest.mark.parametrize("expression", ["0 0 29 2 MON", "0 0 31 2 SUN", "0 0 29 2 *"])
def test_a_schedule_that_fires_rarely_is_none(expression: str) -> None:
    assert problems(type="cron", expression=expression) == []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (
            "* * * *",
            "must have five fields (minute, hour, day of the month, month, weekday; times in UTC), not 4",
        ),
        ("0 * * * * *", "must have five fields"),
        ("@daily", "must have five fields"),
        ("0 0 l * *", '"l" is not a valid day of the month'),
        ("0 0 15w * *", '"15w" is not a valid day of the month'),
        ("0 0 Lw * *", '"Lw" is not a valid day of the month'),
        ("0 0 * * l", '"l" is not a valid weekday'),
        ("0 0 * * 6l", '"6l" is not a valid weekday'),
        ("0 0 * * \u017fun", "is not a valid weekday"),
        ("\u0663 * * * *", "is not a valid minute"),
        ("60 * * * *", '"60" is not a valid minute: use 0-59'),
        ("*/60 * * * *", '"*/60" is not a valid minute'),
        ("*/0 * * * *", '"*/0" is not a valid minute'),
        ("1, * * * *", '"1," is not a valid minute'),
        ("*,* * * * *", "is not a valid minute"),
        ("0 24 * * *", '"24" is not a valid hour: use 0-23'),
        ("0 0 0 * *", '"0" is not a valid day of the month: use 1-31'),
        ("0 0 32W * *", '"32W" is not a valid day of the month'),
        ("0 0 L-31 * *", '"L-31" is not a valid day of the month'),
        ("0 0 ? * *", '"?" is not a valid day of the month'),
        ("0 0 * 13 *", '"13" is not a valid month: use 1-12 or JAN-DEC'),
        ("0 0 * * 0", '"0" is not a valid weekday: use 1-7 or SUN-SAT'),
        ("0 0 * * 8L", '"8L" is not a valid weekday'),
        ("0 0 * * 2#6", '"2#6" is not a valid weekday'),
        ("0 0 * * Monday", '"Monday" is not a valid weekday'),
        ("0 0 * * " + ",".join("1" * 130), "at most 256 characters"),
    ],
)
def test_cron_expressions_that_cloudflare_rejects_are_problems(
    expression: str, expected: str
) -> None:
    (problem,) = problems(type="cron", expression=expression)

    assert problem.startswith("trigger.expression: ")
    assert expected in problem


@pytest.mark.parametrize("name", ["orders", "a", "0-a", "a" * 63])
def test_queue_names_that_cloudflare_accepts_are_accepted(name: str) -> None:
    assert problems(type="queue", queue=name) == []


@pytest.mark.parametrize("name", ["Orders", "my_queue", "-a", "a-", "a b", "a" * 64, "ä", "a\n"])
def test_other_queue_names_are_problems(name: str) -> None:
    (problem,) = problems(type="queue", queue=name)

    assert problem.startswith("trigger.queue: must be 1-63 lowercase letters")


@pytest.mark.parametrize("path", ["x", "/a b", "/a?b", "/a#b", "/a\\b", "/a/../b", "/."])
def test_a_path_that_no_request_can_have_is_a_problem(path: str) -> None:
    (problem,) = problems(type="http", path=path)

    assert problem.startswith('trigger.path: must start with "/"')


@pytest.mark.parametrize(
    ("kind", "field"), [("cron", "expression"), ("queue", "queue"), ("event", "eventType")]
)
def test_a_missing_setting_of_a_trigger_is_a_problem(kind: str, field: str) -> None:
    assert problems(type=kind) == [f"trigger.{field}: is missing: write text"]
