"""Rows of a large installation: one row of each kind, cloned by SQL with other values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from django.contrib.auth.models import User
from django.db import connection, models
from django.utils import timezone

from deployments.models import Deployment, DriftCheck, StageRecord
from deployments.pipeline.stages import HAPPY_PATH
from runs.models import Run, RunStep
from tests.deployments.factories import make_deployment, make_target, make_workflow
from workflows.models import Workflow, WorkflowVersion

WORKFLOWS: Final = 10_000
DEPLOYMENTS: Final = 100_000
STAGES: Final = len(HAPPY_PATH)  # of each deployment
RUNS: Final = 1_000_000
STEPS: Final = 2  # of each run
DAYS: Final = 90
_BUSY: Final = 10  # one in so many versions, deployments and runs belongs to the same workflow
_SOURCE: Final = "await step.do('charge the card', async () => charge(event.payload));\n" * 60
_ID: Final = "printf('w%09d', {})"
_WORKFLOW: Final = f"CASE WHEN n % {_BUSY} = 0 THEN 1 ELSE 1 + n * 7919 % {{workflows}} END"


def fill(size: float) -> None:
    """Fill an empty database; with a `size` of 0.1, with a tenth of the rows."""
    rows = _Rows(size)
    User.objects.create_superuser("bench")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous = OFF")
        cursor.execute("PRAGMA cache_size = -1000000")
    rows.workflows()
    rows.deployments()
    rows.runs()


class _Rows:
    """Creates a first row of each kind and clones it."""

    def __init__(self, size: float) -> None:
        self.count = {
            model: int(number * size)
            for model, number in (
                (Workflow, WORKFLOWS),
                (Deployment, DEPLOYMENTS),
                (StageRecord, DEPLOYMENTS * STAGES),
                (Run, RUNS),
            )
        }
        self.workflow = make_workflow()
        self.target = make_target()

    def _of_workflow(self) -> str:
        """Return the number of a row's workflow in SQL: number 1 has many rows, the others few."""
        return _WORKFLOW.format(workflows=self.count[Workflow] - 1)

    def _ago(self, number: int) -> str:
        """Return a time in SQL, such that `number` rows are spread evenly over the last DAYS."""
        seconds = DAYS * 24 * 3600 / number
        return f"strftime('%Y-%m-%d %H:%M:%f', 'now', printf('-%f seconds', ({number} - n) * {seconds}))"

    def workflows(self) -> None:
        number, deployments = self.count[Workflow], self.count[Deployment]
        name = "CASE n % 4 WHEN 0 THEN 'Orders' WHEN 1 THEN 'Invoices' WHEN 2 THEN 'Mails' ELSE 'Stock' END"
        _clone(
            Workflow,
            number - 1,
            {
                "id": _ID.format("n"),
                "name": f"{name} || ' of shop ' || n",
                "created_at": self._ago(number),
            },
        )
        values = {
            "workflow_id": _ID.format(self._of_workflow()),
            "number": "n",
            "created_at": self._ago(deployments),
        }
        _clone(WorkflowVersion, deployments - 1, values)

    def deployments(self) -> None:
        number = self.count[Deployment]
        first = make_deployment(
            workflow=self.workflow,
            target=self.target,
            status="succeeded",
            stage=HAPPY_PATH[-1].value,
            requested_by=User.objects.get(),
            requested_by_name="bench",
            source=_SOURCE,
            wrangler_json=json.dumps({"name": "shop", "vars": {"KEY": "value" * 40}}),
            uploaded="yes",
            started_at=timezone.now(),
            finished_at=timezone.now(),
        )
        workflow, failed = self._of_workflow(), "n % 13 = 0"
        version = "printf('version-%d', n)"
        values = {
            "workflow_id": _ID.format(workflow),
            "workflow_public_id": _ID.format(workflow),
            "workflow_name": f"'Orders of shop ' || ({workflow})",
            "worker_name": f"'awaitstep-' || {_ID.format(workflow)}",
            "version_number": "n",
            "status": f"CASE WHEN {failed} THEN 'failed' ELSE 'succeeded' END",
            "cause": f"CASE WHEN {failed} THEN CASE n % 3 WHEN 0 THEN 'code' ELSE 'target' END ELSE '' END",
            "message": f"CASE WHEN {failed} THEN 'The target refused shop ' || n ELSE '' END",
            "version_id": version,
            "live_version": version,
            **dict.fromkeys(("created_at", "started_at", "finished_at"), self._ago(number)),
        }
        _clone(Deployment, number - 1, values)
        self._stages(first)
        self._drift_checks()

    def _stages(self, first: Deployment) -> None:
        """Give all deployments the stages of a successful one."""
        for at, stage in enumerate(HAPPY_PATH):
            StageRecord.objects.create(
                deployment=first, number=at, stage=stage.value, progress=stage.percent
            )
        _execute(
            "INSERT INTO deployments_stagerecord (deployment_id, number, stage, message, progress, entered_at)"  # noqa: S608 - no input
            " SELECT d.id, r.number, r.stage, r.message, r.progress, d.created_at"
            f" FROM deployments_deployment d, deployments_stagerecord r WHERE d.id > {first.pk}"
            f" AND r.deployment_id = {first.pk}"
        )

    def _drift_checks(self) -> None:
        DriftCheck.objects.create(
            workflow=self.workflow, target=self.target, state="same", checked_at=timezone.now()
        )
        values = {"workflow_id": _ID.format("n"), "checked_at": self._ago(self.count[Workflow])}
        _clone(DriftCheck, self.count[Workflow] - 1, values)

    def runs(self) -> None:
        number = self.count[Run]
        now = timezone.now()
        first = Run.objects.create(
            target=self.target,
            workflow=self.workflow,
            workflow_name=f"awaitstep-{self.workflow.pk}",
            instance_id="order-0",
            status="complete",
            trigger="api",
            created_at=now,
            started_at=now,
            ended_at=now,
            seconds=1.0,
            is_open=False,
            step_count=STEPS,
            read_at=now,
        )
        workflow, created, errored = self._of_workflow(), self._ago(number), "n % 21 = 0"
        is_open = f"n > {number - 1000} AND n % 2 = 0"
        values = {
            "workflow_id": _ID.format(workflow),
            "workflow_name": f"'awaitstep-' || {_ID.format(workflow)}",
            "instance_id": "printf('order-%d', n)",
            "status": f"CASE WHEN {is_open} THEN 'running' WHEN {errored} THEN 'errored' ELSE 'complete' END",
            "is_open": is_open,
            "trigger": "CASE n % 50 WHEN 0 THEN 'cron' ELSE 'api' END",
            "error": f"CASE WHEN {errored} THEN 'Error: the card was declined: ' || (n % 5) ELSE '' END",
            "seconds": f"CASE WHEN {is_open} THEN NULL ELSE 1 + n * 31 % 997 / 10.0 END",
            **dict.fromkeys(("created_at", "started_at", "ended_at"), created),
        }
        _clone(Run, number - 1, values)
        self._texts_and_steps(first)

    def _texts_and_steps(self, first: Run) -> None:
        _execute(
            "INSERT INTO runs_runtext (run_id, params, output, error) SELECT id,"
            ' printf(\'{"order": %d, "customer": "customer-%d", "items": [1, 2, 3]}\', id, id % 977),'
            " '{\"ok\": true}', error FROM runs_run"
        )
        RunStep.objects.create(
            run=first, name="charge-1", label="charge", kind="step", seconds=1, attempts=1
        )
        _execute(
            "INSERT INTO runs_runstep (run_id, name, node_id, label, kind, seconds, attempts, has_failed)"  # noqa: S608 - no input
            " SELECT r.id, s.column1 || '-1', s.column1, s.column1, 'step', r.id % 97 / 10.0,"
            " CASE r.id % 9 WHEN 0 THEN 2 ELSE 1 END, 0"
            f" FROM runs_run r, (VALUES ('charge'), ('mail')) s WHERE r.id > {first.pk}"
        )


def _clone(model: type[models.Model], number: int, values: Mapping[str, str]) -> None:
    """Insert copies of the first row of the table; the SQL of `values` depends on n, from 1."""
    table, key = model._meta.db_table, model._meta.pk.column
    columns = [str(field.column) for field in model._meta.concrete_fields]
    if key and key not in values:
        columns.remove(key)
    names = ", ".join(f'"{column}"' for column in columns)
    selected = ", ".join(values.get(column, f'first."{column}"') for column in columns)
    _execute(
        f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {number})"  # noqa: S608 - no input
        f" INSERT INTO {table} ({names}) SELECT {selected}"
        f" FROM numbers, (SELECT * FROM {table} ORDER BY {key} LIMIT 1) first"
    )


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
