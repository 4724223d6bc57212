"""The links from the pages of deployments and runs to their traces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from deployments.models import Deployment, StageRecord
from monitoring.models import TraceExport
from monitoring.traces.deployment_spans import LAST_STAGES
from monitoring.traces.spans import Ids, deployment_ids, run_ids, trace_id
from runs.models import Run, RunTrace
from web.decorators import HttpRequest


def link_of_deployment(_request: HttpRequest, context: Mapping[str, Any]) -> dict[str, str]:
    """Return the address of a deployment's trace; nothing if it is not exported."""
    deployment: Deployment = context["deployment"]
    export = _export()
    if export is None or not deployment.is_final:
        return {}
    records = StageRecord.objects.filter(deployment=deployment.pk, pk__lte=export.last)
    if not records.filter(pk__gt=export.first, stage__in=LAST_STAGES).exists():
        return {}
    return _link(deployment_ids(export.installation, deployment.pk, deployment.created_at))


def link_of_run(_request: HttpRequest, context: Mapping[str, Any]) -> dict[str, str]:
    """Return the address of the trace of a run's latest execution; nothing if it is not exported."""
    run: Run = context["run"]
    export = _export()
    if export is None or run.is_open:
        return {}
    trace = RunTrace.objects.filter(pk=run.pk, ended_at=run.ended_at).defer("data").first()
    if trace is None or trace.exported_at is None:
        return {}
    return _link(run_ids(export.installation, run.pk, trace.started_at))


def _export() -> TraceExport | None:
    """Return the export, if pages should link to its traces."""
    return TraceExport.objects.first() if settings.AWAITSTEP.trace_url else None


def _link(ids: Ids) -> dict[str, str]:
    return {"trace_url": settings.AWAITSTEP.trace_page(trace_id(ids))}
