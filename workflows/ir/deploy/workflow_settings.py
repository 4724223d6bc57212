"""Settings of the Workflow itself: how its runs are executed and kept, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from workflows.ir.reading import durations
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.reader import Reader

_DAY: Final = 24 * 60 * 60 * 1000
MAX_CONCURRENCY: Final = 50_000
MAX_STEPS: Final = 25_000
MAX_RETENTION: Final = 30 * _DAY
MAX_SCHEDULES: Final = 100
JURISDICTIONS: Final[Mapping[str, str]] = {
    "eu": "European Union",
    "us": "United States",
    "fedramp": "FedRAMP Moderate data centers",
}
_RETENTION_RULE: Final = 'must be a duration of up to 30 days, such as "3 days"'


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowSettings:
    """How a Workflow runs and keeps its instances; the account decides what is None.

    Retention is in milliseconds. Without a `jurisdiction`, instances can run anywhere.
    """

    concurrency_limit: int | None = None
    step_limit: int | None = None
    success_retention: int | None = None
    error_retention: int | None = None
    schedules: tuple[str, ...] = ()
    jurisdiction: str = ""

    def __bool__(self) -> bool:
        return self != WorkflowSettings()


def read_workflow_settings(reader: Reader, schedules: tuple[str, ...]) -> WorkflowSettings:
    """Return the settings of the object; `schedules` are its own, which have been read already."""
    if len(schedules) > MAX_SCHEDULES:
        reader.problem("schedules", f"can have up to {MAX_SCHEDULES}, not {len(schedules)}")
    jurisdiction: Any = reader.raw("jurisdiction")
    if jurisdiction is not None and jurisdiction not in tuple(JURISDICTIONS):
        known = ", ".join(JURISDICTIONS)
        reader.problem("jurisdiction", f"must be one of {known}, not {quoted(jurisdiction)}")
        jurisdiction = None
    return WorkflowSettings(
        concurrency_limit=_whole(reader, "concurrencyLimit", MAX_CONCURRENCY),
        step_limit=_whole(reader, "stepLimit", MAX_STEPS),
        success_retention=_retention(reader, "successRetention"),
        error_retention=_retention(reader, "errorRetention"),
        schedules=schedules,
        jurisdiction=jurisdiction or "",
    )


def _whole(reader: Reader, key: str, most: int) -> int | None:
    return reader.integer(key, None, least=1, most=most) if reader.raw(key) is not None else None


def _retention(reader: Reader, key: str) -> int | None:
    value = reader.raw(key)
    if value is None:
        return None
    length = durations.milliseconds(value) if isinstance(value, str) else value
    if isinstance(length, int) and not isinstance(length, bool) and 0 < length <= MAX_RETENTION:
        return length
    reader.problem(key, f"{_RETENTION_RULE}, not {quoted(value)}")
    return None
