"""A million old rows that are removed, and how long another process waits meanwhile to write."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from statistics import median, quantiles

from django.db import connection
from django.utils import timezone

from audit.trail import SYSTEM
from deployments.models import Deployment, ProgramOutput, StageRecord
from maintenance.retention.policies import POLICIES
from maintenance.retention.pruning import prune_all
from tests.deployments.factories import make_deployment, make_workflow
from tests.support.installation import PROJECT

DEPLOYMENTS = 100_000
WORKFLOWS = 1_000
STAGES = 9  # of each deployment
OUTPUT = "Uploaded the Worker. " * 100  # 2 KB
QUIET_SECONDS = 5.0
METHOD = f"""
Method: {DEPLOYMENTS:,} deployments of {WORKFLOWS:,} workflows that ended two years ago, with {STAGES} stage records
and an output each: {DEPLOYMENTS * (STAGES + 1):,} rows. `prune` removes them, while another process writes a row each 5 ms
and measures how long each transaction takes. The same writer runs for {QUIET_SECONDS:.0f} s before that, when nothing
is removed. The last deployment of each workflow keeps its rows."""


def measure(*, rounds: int) -> None:
    """Fill the current database, remove the rows, and print the figures."""
    print(METHOD)
    _fill()
    with _writer() as quiet:
        time.sleep(QUIET_SECONDS)
    with _writer() as busy:
        started = time.perf_counter()
        removed = prune_all(by=SYSTEM)
        seconds = time.perf_counter() - started
    print(f"\n  {'milliseconds that a writer waits':34}{'p50':>9}{'p95':>9}{'longest':>9}")
    for name, times in (("nothing is removed", quiet), ("a million rows are removed", busy)):
        waits = [each * 1000 for each in times]
        print(f"  {name:34}{median(waits):9.1f}{quantiles(waits, n=20)[-1]:9.1f}{max(waits):9.1f}")
    total = sum(removed[policy.name] for policy in POLICIES)
    left = StageRecord.objects.count() + ProgramOutput.objects.count()
    print(
        f"  {total:,} rows removed in {seconds:.0f} s ({total / seconds:,.0f} a second), {left:,} kept"
    )
    print(f"  longest wait: {max(busy) / max(quiet):.1f} of the longest without removal")


def _fill() -> None:
    at = timezone.now() - timedelta(days=730)
    first = make_deployment(
        workflow=make_workflow(),
        status="succeeded",
        stage="COMPLETED",
        created_at=at,
        finished_at=at,
    )
    columns = [field.column for field in Deployment._meta.concrete_fields if not field.primary_key]
    values = [
        f"'workflow-' || (n % {WORKFLOWS})" if column == "workflow_public_id" else f'"{column}"'
        for column in columns
    ]
    quoted = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {DEPLOYMENTS}) "  # noqa: S608
            f"INSERT INTO deployments_deployment ({quoted}) SELECT {', '.join(values)} "
            "FROM numbers, deployments_deployment WHERE id = %s",
            [first.pk],
        )
        for number in range(1, STAGES + 1):
            cursor.execute(
                "INSERT INTO deployments_stagerecord (deployment_id, number, stage, message, progress, entered_at) "
                "SELECT id, %s, %s, 'Uploading', 50, created_at FROM deployments_deployment",
                [number, f"STAGE_{number}"],
            )
        cursor.execute(
            "INSERT INTO deployments_programoutput (deployment_id, program, exit_code, seconds, text, ended_at) "
            "SELECT id, 'wrangler', 0, 1, %s, created_at FROM deployments_deployment",
            [OUTPUT],
        )


@contextmanager
def _writer() -> Iterator[list[float]]:
    """Let another process write, and afterwards add how long each transaction took."""
    times: list[float] = []
    command = [sys.executable, "-m", "bench.database_writer", str(connection.settings_dict["NAME"])]
    writer = subprocess.Popen(  # noqa: S603 - our own code
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield times
    finally:
        output, _ = writer.communicate()
    times += json.loads(output)
