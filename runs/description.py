"""A run as text, with the facts that `wrangler workflows instances describe` prints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

_KINDS = {
    "step": "Step",
    "sleep": "Sleeping",
    "waitForEvent": "Waiting for event",
    "termination": "Termination",
    "rollback": "Rollback",
}
_SUCCESS = {True: "Yes", False: "No", None: "Unknown"}


def describe(workflow: str, instance_id: str, run: Mapping[str, Any]) -> str:
    """Return the description of a run in the shape of Cloudflare's API, many lines long."""
    return "\n".join([*_head(workflow, instance_id, run), "Steps:", *_steps(run["steps"])])


def _head(workflow: str, instance_id: str, run: Mapping[str, Any]) -> Iterator[str]:
    facts = {
        "Workflow Name": workflow,
        "Instance Id": instance_id,
        "Version Id": run.get("versionId"),
        "Status": str(run["status"]).capitalize(),
        "Trigger": str(run["trigger"]["source"]).upper(),
        "Queued": run.get("queued"),
        "Success": _SUCCESS[run.get("success")],
        "Start": run.get("start"),
        "End": run.get("end"),
        "Duration": _duration(run.get("start"), run.get("end")),
        "Last Successful Step": _last_success(run["steps"]),
        "Params": json.dumps(run.get("params"), ensure_ascii=False),
        "Output": run.get("output"),
        "Error": _error(run.get("error")),
    }
    yield from _lines(facts, indent="")


def _steps(steps: list[Mapping[str, Any]]) -> Iterator[str]:
    for step in steps:
        facts = {
            "Name": step.get("name"),
            "Type": _KINDS.get(step["type"], step["type"]),
            "Start": step.get("start"),
            "End": step.get("end"),
            "Duration": _duration(step.get("start"), step.get("end")),
            "Success": _SUCCESS[step.get("success")] if "attempts" in step else None,
            "Output": step.get("output"),
            "Error": _error(step.get("error")),
        }
        yield from _lines(facts, indent="  ")
        yield from map(_attempt, range(1, 10_000), step.get("attempts", []))
        yield ""


def _attempt(number: int, attempt: Mapping[str, Any]) -> str:
    ended = {True: "Success", False: "Error", None: "Running"}[attempt.get("success")]
    took = _duration(attempt.get("start"), attempt.get("end")) or "not ended"
    error = _error(attempt.get("error"))
    return f"    Attempt {number}: {ended}, {attempt['start']}, {took}" + (
        f", {error}" if error else ""
    )


def _lines(facts: Mapping[str, Any], *, indent: str) -> Iterator[str]:
    return (f"{indent}{name}: {value}" for name, value in facts.items() if value is not None)


def _last_success(steps: list[Mapping[str, Any]]) -> str | None:
    done = [step["name"] for step in steps if step.get("success") is True]
    return done[-1] if done else None


def _error(error: Mapping[str, Any] | None) -> str | None:
    return f"{error['name']}: {error['message']}" if error else None


def _duration(start: str | None, end: str | None) -> str | None:
    if not start or not end:
        return None
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} seconds"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02} (hours:minutes:seconds)"
