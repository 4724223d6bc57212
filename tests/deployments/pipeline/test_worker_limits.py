from __future__ import annotations

import pytest

from deployments.pipeline.worker_limits import MAX_VALUES, MAX_WORKER_SIZE, over_limits


def found(size: int = 0, values: dict[str, str] | None = None, crons: int = 0) -> list[bool]:
    """Return whether each finding is a warning."""
    config = {"triggers": {"crons": [f"{minute} * * * *" for minute in range(crons)]}}
    return [each.is_warning for each in over_limits(size, values=values or {}, config=config)]


def test_within_the_limits_there_are_no_findings() -> None:
    values = {f"V{number}": "x" * 5120 for number in range(MAX_VALUES)}

    assert found(MAX_WORKER_SIZE, values, crons=5) == []


@pytest.mark.parametrize(
    ("size", "values", "crons"),
    [
        (MAX_WORKER_SIZE + 1, {}, 0),
        (0, {"LONG": "é" * 2561}, 0),
        (0, {f"V{number}": "" for number in range(MAX_VALUES + 1)}, 0),
        (0, {}, 251),
    ],
)
def test_exceeded_limits_are_reported(size: int, values: dict[str, str], crons: int) -> None:
    assert found(size, values, crons) == [False]


def test_limits_of_the_free_plan_are_warnings() -> None:
    assert found(crons=6) == [True]


def test_schedules_that_never_fire_are_warnings() -> None:
    config = {
        "triggers": {"crons": ["0 0 31 2 *", "0 0 1 * *"]},
        "workflows": [{"schedules": ["0 0 30 2 *"]}],
    }

    findings = list(over_limits(0, values={}, config=config))

    assert [(each.path, each.is_warning) for each in findings] == [
        ("cronTriggers", True),
        ("workflow.schedules", True),
    ]
