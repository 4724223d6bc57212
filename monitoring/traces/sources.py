"""What has ended and is not exported yet, oldest first, read from the database as traces."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from deployments.history import workflow_names
from deployments.models import Deployment, ProgramOutput, StageRecord
from deployments.pipeline.stages import Stage
from monitoring.models import TraceExport
from monitoring.traces.deployment_spans import (
    LAST_STAGES,
    MAX_PROGRAMS,
    DeploymentFacts,
    EnteredStage,
    Program,
    deployment_spans,
)
from monitoring.traces.run_spans import RunFacts, run_spans
from monitoring.traces.spans import Span, SpanId, deployment_ids, masked, run_ids
from runs.index.step_times import RunTimes
from runs.index.writer import secrets_of_workflow
from runs.models import Run, RunTrace
from targets.cloudflare.errors import DeployError
from targets.models import Target
from workflows.models import Workflow

logger = logging.getLogger(__name__)

BATCH_SPANS: Final = 1_000  # a batch ends with the trace that reaches it
BATCH_TRACES: Final = 50
KEPT: Final = timedelta(days=7)  # how long runs wait for a collector that is not available
_DEPLOYMENT_FIELDS: Final = (
    "action",
    "status",
    "cause",
    "message",
    "workflow_public_id",
    "workflow_name",
    "version_number",
    "target",
    "target_name",
    "attempt",
    "about",
    "created_at",
    "started_at",
    "finished_at",
)


@dataclass(frozen=True, slots=True)
class Trace:
    """The spans of one deployment or run; `key` is for its source."""

    key: int
    spans: tuple[Span, ...]
    ended_at: datetime | None = None


class Source(Protocol):
    """Traces to export, and what has been exported."""

    def next_batch(self) -> list[Trace]:
        """Return the oldest traces, as many as a request should have."""

    def mark_exported(self, traces: Sequence[Trace]) -> None:
        """Record that the traces are exported, or cannot be."""


def progress() -> TraceExport:
    """Return the progress of the export; what ended before the first call is not exported."""
    newest = StageRecord.objects.aggregate(newest=Max("pk"))["newest"] or 0
    found, _ = TraceExport.objects.get_or_create(defaults={"first": newest, "last": newest})
    return found


def _batch(traces: Iterator[Trace]) -> list[Trace]:
    batch: list[Trace] = []
    size = 0
    for trace in traces:
        batch.append(trace)
        size += len(trace.spans)
        if size >= BATCH_SPANS:
            break
    return batch


def _secrets(workflow_id: str, known: dict[str, frozenset[str] | None]) -> frozenset[str] | None:
    """Return the secrets of a workflow; None if one cannot be read."""
    if workflow_id not in known:
        try:
            known[workflow_id] = secrets_of_workflow(workflow_id)
        except DeployError:
            known[workflow_id] = None
    return known[workflow_id]


class EndedDeployments:
    """Deployments, by the stage record with which they ended."""

    def __init__(self, installation: UUID) -> None:
        self._installation = installation

    def next_batch(self) -> list[Trace]:
        last = progress().last
        ended = StageRecord.objects.filter(pk__gt=last, stage__in=LAST_STAGES).order_by("pk")
        keys = dict(ended.values_list("deployment", "pk")[:BATCH_TRACES])
        deployments = Deployment.objects.only(*_DEPLOYMENT_FIELDS).in_bulk(keys)
        return _batch(self._traces(keys, deployments))

    def mark_exported(self, traces: Sequence[Trace]) -> None:
        TraceExport.objects.filter(name="traces").update(last=traces[-1].key)

    def _traces(
        self, keys: Mapping[int, int], deployments: Mapping[int, Deployment]
    ) -> Iterator[Trace]:
        known: dict[str, frozenset[str] | None] = {}
        for pk, record in keys.items():
            deployment = deployments[pk]
            secrets = _secrets(deployment.workflow_public_id, known)
            yield Trace(record, tuple(masked(self._spans(deployment), secrets)))

    def _spans(self, deployment: Deployment) -> Iterator[Span]:
        records = StageRecord.objects.filter(deployment=deployment.pk).order_by("number")
        entered = [
            EnteredStage(Stage(stage), at)
            for stage, at in records.values_list("stage", "entered_at")
        ]
        outputs = ProgramOutput.objects.filter(deployment=deployment.pk).order_by("pk")
        programs = [
            Program(name=name, ended_at=ended_at, seconds=seconds, exit_code=code)
            for name, ended_at, seconds, code in outputs.values_list(
                "program", "ended_at", "seconds", "exit_code"
            )[:MAX_PROGRAMS]
        ]
        ids = deployment_ids(self._installation, deployment.pk, deployment.created_at)
        return deployment_spans(ids, self._facts(deployment, entered), entered, programs)

    def _facts(self, deployment: Deployment, entered: Sequence[EnteredStage]) -> DeploymentFacts:
        return DeploymentFacts(
            pk=deployment.pk,
            action=deployment.work,
            status=deployment.state,
            cause=deployment.cause,
            message=deployment.message,
            workflow_id=deployment.workflow_public_id,
            workflow_name=deployment.workflow_name,
            version_number=deployment.version_number,
            target=deployment.target_name,
            attempt=deployment.attempt,
            created_at=deployment.created_at,
            started_at=deployment.started_at,
            finished_at=deployment.finished_at or entered[-1].at,
            related=tuple(self._related(deployment)),
        )

    def _related(self, deployment: Deployment) -> Iterator[SpanId]:
        """Yield the deployment that this one is about, and the attempt before this one."""
        pks = [pk for pk in (deployment.about_id, _previous_attempt(deployment)) if pk]
        related = Deployment.objects.filter(pk__in=pks).order_by("pk")
        for pk, created_at in related.values_list("pk", "created_at"):
            yield deployment_ids(self._installation, pk, created_at).root


def _previous_attempt(deployment: Deployment) -> int | None:
    """Return the attempt before this one, which a busy target refused."""
    if deployment.attempt == 1:
        return None
    same = Deployment.objects.filter(
        workflow_public_id=deployment.workflow_public_id,
        target=deployment.target_id,
        attempt=deployment.attempt - 1,
        pk__lt=deployment.pk,
    )
    return same.order_by("-pk").values_list("pk", flat=True).first()


class EndedRuns:
    """Runs, whose times the index keeps until they are exported."""

    def __init__(self, installation: UUID) -> None:
        self._installation = installation

    def next_batch(self) -> list[Trace]:
        waiting = RunTrace.objects.filter(exported_at=None).order_by("created_at")
        return _batch(self._traces(list(waiting.values_list("pk", flat=True)[:BATCH_TRACES])))

    def mark_exported(self, traces: Sequence[Trace]) -> None:
        """Delete the times, unless a run has ended again in the meantime."""
        now = timezone.now()
        for trace in traces:
            same = RunTrace.objects.filter(pk=trace.key, ended_at=trace.ended_at)
            same.update(exported_at=now, data=None)

    def _traces(self, pks: Sequence[int]) -> Iterator[Trace]:
        """Yield one trace at a time, because they can be large."""
        known: dict[str, frozenset[str] | None] = {}
        for pk in pks:
            row = RunTrace.objects.select_related("run").filter(pk=pk, exported_at=None).first()
            if row is not None:
                run = row.run
                owner = workflow_names.owner_of(run.target_id, run.workflow_name)
                spans = tuple(masked(self._spans(row), _secrets(owner, known)))
                yield Trace(pk, spans, row.ended_at)

    def _spans(self, row: RunTrace) -> list[Span]:
        """Return the spans; none of times that an earlier version has stored in another form."""
        ids = run_ids(self._installation, row.run_id, row.started_at)
        facts = self._facts(row.run)
        try:
            return list(run_spans(ids, facts, RunTimes.read(row.data or {})))
        except (KeyError, TypeError):
            logger.exception("the times of run %d cannot be read", row.run_id)
            return []

    def _facts(self, run: Run) -> RunFacts:
        workflow = Workflow.objects.only("name").filter(pk=run.workflow_id).first()
        deployment = (
            Deployment.objects.only("version_number", "created_at").filter(runs=run).first()
        )
        return RunFacts(
            pk=run.pk,
            instance_id=run.instance_id,
            workflow_id=run.workflow_id,
            workflow_name=workflow.name if workflow else run.workflow_name,
            cloudflare_name=run.workflow_name,
            cloudflare_version=run.version_id,
            target=Target.objects.values_list("name", flat=True).get(pk=run.target_id),
            trigger=run.trigger,
            deployment_id=run.deployment_id,
            version_number=deployment.version_number if deployment else None,
            deployment=self._span_of(deployment) if deployment else None,
        )

    def _span_of(self, deployment: Deployment) -> SpanId:
        return deployment_ids(self._installation, deployment.pk, deployment.created_at).root


def give_up_old_runs() -> int:
    """Give up on exporting runs that ended long ago; return how many."""
    old = RunTrace.objects.filter(exported_at=None, created_at__lt=timezone.now() - KEPT)
    return old.delete()[0]
