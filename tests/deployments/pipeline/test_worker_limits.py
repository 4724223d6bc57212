from __future__ import annotations

import pytest

from deployments.pipeline.worker_limits import LARGEST_WORKER, MOST_VALUES, over_limits


def found(script: str = "", values: dict[str, str] | None = None, crons: int = 0) -> list[bool]:
    """Whether each finding is a warning alone."""
    config = {"triggers": {"crons": [f"{minute} * * * *" for minute in range(crons)]}}
    return [one.is_warning for one in over_limits(script, values=values or {}, config=config)]


def test_what_is_within_the_limits_needs_no_word() -> None:
    values = {f"V{number}": "x" * 5120 for number in range(MOST_VALUES)}

    assert found("x" * LARGEST_WORKER, values, crons=5) == []


@pytest.mark.parametrize(
    ("script", "values", "crons"),
    [
        ("x" * (LARGEST_WORKER + 1), {}, 0),
        ("", {"LONG": "é" * 2561}, 0),
        ("", {f"V{number}": "" for number in range(MOST_VALUES + 1)}, 0),
        ("", {}, 251),
    ],
)
def test_what_cloudflare_would_refuse_is_told(
    script: str, values: dict[str, str], crons: int
) -> None:
    assert found(script, values, crons) == [False]


def test_what_the_free_plan_would_refuse_is_a_warning() -> None:
    assert found(crons=6) == [True]
