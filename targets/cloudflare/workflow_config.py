"""The settings of a Workflow as wrangler.json, Cloudflare's API and people write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workflows.ir.deploy.workflow_settings import WorkflowSettings
from workflows.ir.reading.durations import milliseconds, words


def as_config(settings: WorkflowSettings) -> dict[str, Any]:
    """Return the settings as keys of a Workflow in a wrangler.json; only those that are set."""
    retention = {
        "success_retention": settings.success_retention,
        "error_retention": settings.error_retention,
    }
    parts = {
        "limits": _without_none({"steps": settings.step_limit}),
        "concurrency": _without_none({"limit": settings.concurrency_limit}),
        "schedules": list(settings.schedules),
        "default_retention": _without_none(retention),
        "jurisdiction": settings.jurisdiction,
    }
    return {key: value for key, value in parts.items() if value}


def _without_none(values: Mapping[str, int | None]) -> dict[str, int]:
    return {key: value for key, value in values.items() if value is not None}


def as_request(settings: WorkflowSettings) -> dict[str, Any]:
    """Return the settings as members of the body of a PUT, which replaces all of them."""
    config = as_config(settings)
    crons = config.pop("schedules", [])
    return {**config, **({"schedules": [{"cron": cron} for cron in crons]} if crons else {})}


def from_config(config: Mapping[str, Any]) -> WorkflowSettings:
    """Return the settings of a Workflow in a wrangler.json, in which retention can be text as well."""
    retention = config.get("default_retention") or {}
    return WorkflowSettings(
        concurrency_limit=(config.get("concurrency") or {}).get("limit"),
        step_limit=(config.get("limits") or {}).get("steps"),
        success_retention=_milliseconds(retention.get("success_retention")),
        error_retention=_milliseconds(retention.get("error_retention")),
        schedules=tuple(" ".join(str(cron).split()) for cron in config.get("schedules") or ()),
        jurisdiction=config.get("jurisdiction") or "",
    )


def _milliseconds(duration: int | str | None) -> int | None:
    return milliseconds(duration) if isinstance(duration, str) else duration


def from_response(workflow: Mapping[str, Any], version: Mapping[str, Any]) -> WorkflowSettings:
    """Return the settings that the API returns: with the Workflow, and with its newest version."""
    crons = [str(schedule.get("cron")) for schedule in workflow.get("schedules") or ()]
    jurisdiction = workflow.get("jurisdiction")
    return from_config({**version, "schedules": crons, "jurisdiction": jurisdiction})


def fixed_jurisdiction(name: str, actual: str, expected: str) -> str:
    """Return why the jurisdiction of a Workflow cannot be changed."""
    what = f"has the jurisdiction {actual}" if actual else "has no jurisdiction"
    settings = f"the settings say {expected}" if expected else "the settings name none"
    return (
        f"The Workflow {name} {what}, but {settings}. A jurisdiction is fixed when a Workflow is "
        "created: only a new Workflow can have another one, and deleting this one deletes its runs."
    )


def describe(settings: WorkflowSettings) -> str:
    """Return the settings that are set, to be compared and displayed; "" if none is."""
    return "; ".join(_descriptions(settings))


def _descriptions(settings: WorkflowSettings) -> Iterator[str]:
    if settings.concurrency_limit is not None:
        yield f"up to {settings.concurrency_limit:,} runs at a time"
    if settings.step_limit is not None:
        yield f"up to {settings.step_limit:,} steps per run"
    if settings.success_retention is not None:
        yield f"completed runs kept for {words(settings.success_retention)}"
    if settings.error_retention is not None:
        yield f"failed runs kept for {words(settings.error_retention)}"
    if settings.schedules:
        yield f"schedules {', '.join(sorted(settings.schedules))}"
    if settings.jurisdiction:
        yield f"jurisdiction {settings.jurisdiction}"
