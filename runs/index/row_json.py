"""A run of the index as JSON."""

from __future__ import annotations

from typing import Any

from runs.models import Run


def as_json(run: Run) -> dict[str, Any]:
    """Return the run's row by the names that lists and commands share; times are ISO 8601."""
    times = ("created_at", "started_at", "ended_at", "gone_at")
    moments = {name: getattr(run, name) for name in times}
    return {
        "id": run.instance_id,
        "workflow": run.workflow_id,
        "workflow_name": run.workflow_name,
        "target": run.target.name,
        "status": run.status,
        "trigger": run.trigger,
        "version_id": run.version_id,
        "deployment": run.deployment_id,
        **{name: moment.isoformat() if moment else None for name, moment in moments.items()},
        "seconds": run.seconds,
        "error": run.error,
        "steps": run.step_count,
        "retries": run.retries,
        "waits_for": run.waits_for,
    }
