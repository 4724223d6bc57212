"""A run as text, as `wrangler workflows instances describe` prints it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from runs import statuses
from runs.detail.text_table import table
from runs.steps.step_reader import error_text, retry_delay

Raw = Mapping[str, Any]
LONGEST_OUTPUT: Final = 5_000
_KINDS: Final = {
    "step": "Step",
    "sleep": "Sleeping",
    "waitForEvent": "Waiting for event",
    "termination": "Termination",
    "rollback": "Rollback",
}
_STATUSES: Final = {"complete": "Completed"}
_SUCCESS: Final = {True: "Yes", False: "No"}
_STATES: Final = {True: "Success", False: "Error", None: "Working"}
_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_MONTH: Final = 30 * _DAY
_YEAR: Final = 365 * _DAY
_UNITS: Final = (
    (_YEAR, "year"),
    (_MONTH, "month"),
    (_DAY, "day"),
    (_HOUR, "hour"),
    (_MINUTE, "minute"),
    (1, "second"),
)


def describe(
    workflow: str, instance_id: str, run: Raw, *, now: datetime, zone: tzinfo = UTC
) -> str:
    """Return a multi-line description of a run, which is passed in as Cloudflare's API returns it."""
    return "\n".join(_Describer(now, zone).lines(workflow, instance_id, run))


class _Describer:
    """Describes a run as of `now`, with times in the reader's zone."""

    def __init__(self, now: datetime, zone: tzinfo) -> None:
        self._now = now
        self._zone = zone

    def lines(self, workflow: str, instance_id: str, run: Raw) -> Iterator[str]:
        steps = run.get("steps") or []
        yield from _facts(self._head(workflow, instance_id, run), indent="")
        yield "Steps:"
        for step in steps:
            yield ""
            yield from _facts(self._step(step), indent="  ")
            if attempts := step.get("attempts"):
                yield from table([self._attempt(attempt) for attempt in attempts], indent="  ")
        if not steps:
            yield "  none yet"

    def _head(self, workflow: str, instance_id: str, run: Raw) -> dict[str, str | None]:
        source = (run.get("trigger") or {}).get("source")
        return {
            "Workflow Name": workflow,
            "Instance Id": instance_id,
            "Version Id": run.get("versionId"),
            "Status": _status(str(run["status"])),
            "Trigger": statuses.trigger_label(str(source)) if source else None,
            "Queued": self._moment(run.get("queued")),
            "Success": _SUCCESS.get(run.get("success")),  # type: ignore[arg-type]
            "Start": self._moment(run.get("start")),
            "End": self._moment(run.get("end")),
            "Duration": self._duration(run),
            "Last Successful Step": self._last_success(run.get("steps") or []),
            "Error": error_text(run.get("error")) or None,
            "Params": _text(run["params"]) if run.get("params") is not None else None,
            "Output": _text(run["output"]) if run.get("output") not in (None, "", "null") else None,
        }

    def _step(self, step: Raw) -> dict[str, str | None]:
        kind = str(step["type"])
        if kind == "termination":
            source = (step.get("trigger") or {}).get("source")
            return {"Type": _KINDS[kind], "Trigger": str(source) if source else None}
        return {
            "Name": str(step.get("name")),
            "Type": _KINDS.get(kind, kind),
            "Start": self._moment(step.get("start")),
            "End": self._moment(step.get("end")),
            "Duration": self._duration(step),
            "Success": _SUCCESS.get(step.get("success"), "Running") if kind == "step" else None,  # type: ignore[arg-type]
            "Retries At": self._retries_at(step),
            "Wakes": self._wakes(step) if kind == "sleep" else None,
            "Output": _text(step["output"]) if "output" in step and kind != "sleep" else None,
            "Error": error_text(step.get("error")) or None,
        }

    def _attempt(self, attempt: Raw) -> dict[str, str]:
        facts = {
            "Start": self._moment(attempt.get("start")) or "",
            "End": self._moment(attempt.get("end")) or "",
            "Duration": self._duration(attempt) or "",
            "State": _STATES[attempt.get("success")],
        }
        error = error_text(attempt.get("error"))
        return {**facts, "Error": error} if error else facts

    def _retries_at(self, step: Raw) -> str | None:
        attempts = step.get("attempts") or []
        if step.get("success") is not None or not attempts or attempts[-1].get("success") is None:
            return None
        delay = retry_delay(step.get("config"), attempts=len(attempts))
        end = attempts[-1].get("end")
        if delay is None or not end:
            return "unknown"
        at = datetime.fromisoformat(str(end)) + delay
        return f"{self._moment(at.isoformat())} (in {in_words(at - self._now)})"

    def _wakes(self, sleep: Raw) -> str | None:
        if not sleep.get("end") or self._is_past(sleep["end"]):
            return None
        return f"in {in_words(datetime.fromisoformat(str(sleep['end'])) - self._now)}"

    def _is_past(self, moment: str) -> bool:
        return datetime.fromisoformat(str(moment)) <= self._now

    def _last_success(self, steps: list[Raw]) -> str | None:
        """The name of the last step that succeeded, or sleep that ended."""
        done = [
            str(step.get("name"))
            for step in steps
            if (step["type"] == "step" and step.get("success") is True)
            or (step["type"] == "sleep" and step.get("end") and self._is_past(step["end"]))
        ]
        return done[-1] if done else None

    def _moment(self, value: str | None) -> str | None:
        if not value:
            return None
        moment = datetime.fromisoformat(str(value)).astimezone(self._zone)
        return f"{moment:%Y-%m-%d %H:%M:%S %Z}"

    def _duration(self, raw: Raw) -> str | None:
        if not raw.get("start"):
            return None
        end = raw.get("end")
        until = datetime.fromisoformat(str(end)) if end else self._now
        return in_words(until - datetime.fromisoformat(str(raw["start"])))


def _facts(facts: Mapping[str, str | None], *, indent: str) -> Iterator[str]:
    return (f"{indent}{name}: {value}" for name, value in facts.items() if value is not None)


def _status(status: str) -> str:
    return _STATUSES.get(status, statuses.label(status))


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    more = len(text) - LONGEST_OUTPUT
    if more <= 0:
        return text
    return f"{text[:LONGEST_OUTPUT]}[... {more:,} more characters; use --json to print them]"


def in_words(duration: timedelta) -> str:
    """Return the duration in one unit, like wrangler: "0 seconds", "1 minute", "12 days"."""
    seconds = abs(duration.total_seconds())
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
    number = math.floor(seconds / size + 0.5)
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
