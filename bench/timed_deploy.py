"""One deploy through the HTTP API, with the time at which each stage arrives."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.deployments.services.test_main_job import guide, set_api
from tests.support.installation import Installation


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedDeploy:
    """`seconds` from the request to COMPLETED; `received` has the arrival of each stage (epoch)."""

    deployment: int
    seconds: float
    received: Mapping[str, float]


def import_sample(installation: Installation) -> str:
    """Import the sample workflow with its variable and a secret; return its id."""
    workflow = installation.import_document(guide())
    set_api(installation, workflow)
    installation.manage("set_variable", "TOKEN", "bench", "--workflow", workflow, "--secret")
    return workflow


def timed_deploy(client: httpx.Client, workflow: str) -> TimedDeploy:
    """Deploy once, and time the stages."""
    started = time.perf_counter()
    seconds, result = 0.0, {}
    received: dict[str, float] = {}
    with client.stream("POST", f"/api/workflows/{workflow}/deploy-stream", json={}) as stream:
        for line in stream.iter_lines():
            if not line.startswith("data: "):
                continue
            result = json.loads(line.removeprefix("data: "))
            received.setdefault(result["stage"], time.time())
            if result["stage"] == "COMPLETED" and not seconds:
                seconds = time.perf_counter() - started
    if not seconds:
        raise RuntimeError(f"the deployment failed: {result}")
    return TimedDeploy(deployment=result["id"], seconds=seconds, received=received)


def query(installation: Installation, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query on the installation's database."""
    with sqlite3.connect(installation.data_dir / "db.sqlite3") as database:
        return database.execute(sql, values).fetchall()


def stage_timestamps(installation: Installation, deployment: int) -> dict[str, float]:
    """Return the time at which each stage's row was written (epoch)."""
    sql = "SELECT stage, entered_at FROM deployments_stagerecord WHERE deployment_id = ?"
    rows = query(installation, f"{sql} ORDER BY number", deployment)
    return {stage: datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() for stage, at in rows}
