"""What a rule watches for, and the parameters that belong to it. Imports nothing of Django."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Condition(StrEnum):
    """What a rule watches for."""

    DEPLOYMENT_FAILED = "deployment_failed"
    RUN_FAILED = "run_failed"
    ERROR_RATE = "error_rate"
    NO_SUCCESS = "no_success"
    LONG_WAIT = "long_wait"
    DRIFT = "drift"

    @property
    def label(self) -> str:
        return _CONDITIONS[self][0]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The fields of a rule that the condition uses."""
        return _CONDITIONS[self][1]

    @property
    def counts_events(self) -> bool:
        """Whether it fires for each event, rather than for as long as a condition lasts."""
        return self in (Condition.DEPLOYMENT_FAILED, Condition.RUN_FAILED)


_CONDITIONS: Final[dict[Condition, tuple[str, tuple[str, ...]]]] = {
    Condition.DEPLOYMENT_FAILED: ("Deployment failed", ()),
    Condition.RUN_FAILED: ("Run failed", ("window_minutes",)),
    Condition.ERROR_RATE: (
        "Error rate too high",
        ("threshold_percent", "window_minutes", "minimum_runs"),
    ),
    Condition.NO_SUCCESS: ("No successful run", ("age_minutes",)),
    Condition.LONG_WAIT: ("Run waits for too long", ("age_minutes",)),
    Condition.DRIFT: ("Drift found", ()),
}
