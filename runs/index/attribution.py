"""Which workflow and which deployment a run belongs to, and by which trigger its code was started."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Cast, Coalesce

from deployments.history import records
from deployments.models import Deployment, StageRecord
from deployments.pipeline.stages import Stage
from runs.models import Run
from targets.cloudflare import naming
from targets.models import Target
from workflows.models import Workflow

EVENT_ID: Final = re.compile(r"event-[0-9a-f]{64}")
_BY_ENTRY: Final = ("http", "cron", "queue")


def place(target: Target, workflow_name: str, runs: Sequence[Run]) -> None:
    """Say of new runs which workflow and which deployment they belong to, and what started them."""
    if not runs:
        return
    workflow_id = naming.workflow_id(workflow_name)
    workflow = Workflow.objects.filter(pk=workflow_id).first()
    went_live = list(_went_live(workflow_id, target))
    triggers = _Triggers(target, workflow_name)
    for run in runs:
        run.workflow = workflow
        run.deployment = _live_at(went_live, run.created_at)
        run.trigger = triggers.of(run)


def place_again(target: Target, workflow_name: str) -> None:
    """Correct the runs that began since the last two went live: they may be known since before that."""
    until, triggers = None, _Triggers(target, workflow_name)
    for deployment in _went_live(naming.workflow_id(workflow_name), target)[:2]:
        its_own = Run.objects.filter(
            target=target, workflow_name=workflow_name, created_at__gte=deployment.began_at
        )
        its_own = its_own.filter(created_at__lt=until) if until else its_own
        wrong = list(its_own.exclude(deployment=deployment).select_related("workflow"))
        for run in wrong:
            run.deployment = deployment
            run.trigger = triggers.of(run)
        Run.objects.bulk_update(wrong, ["deployment", "trigger"], batch_size=500)
        until = deployment.began_at


def newest_live(target: Target, workflow_name: str) -> tuple[Any, ...] | None:
    """Return what changes when a deployment goes live or ends: then runs are to be placed again."""
    mine = records.of_worker(naming.workflow_id(workflow_name), target)
    return mine.filter(records.went_live()).values_list("pk", "status").first()


def _went_live(workflow_id: str, target: Target) -> QuerySet[Any]:
    """Return what went live, the newest first; its code answers from `began_at` on.

    That is when its upload was done. A retry uploads nothing: its code was live before.
    """
    uploaded = (Stage.WORKER_DEPLOYED.value, Stage.UPDATING_WORKFLOW.value)
    entered = StageRecord.objects.filter(deployment=OuterRef("pk"), stage__in=uploaded)
    first = Subquery(entered.order_by("number").values("entered_at")[:1])
    mine = records.of_worker(workflow_id, target).filter(records.went_live())
    began = Coalesce(first, "finished_at", "started_at", "created_at")
    return mine.annotate(began_at=began).only("pk")  # the rest is large, and wanted of few


def _live_at(went_live: Iterable[Any], moment: datetime) -> Deployment | None:
    return next((one for one in went_live if one.began_at <= moment), None)


class _Triggers:
    """What started the runs of a Workflow, where the target only says by which door they came."""

    def __init__(self, target: Target, workflow_name: str) -> None:
        self._target = target
        self._workflow_name = workflow_name
        self._entries: dict[int, str] = {}

    def of(self, run: Run) -> str:
        """Return the kind of trigger; what the code of its deployment does not tell stays as it is."""
        source = "binding" if run.trigger in _BY_ENTRY else run.trigger
        if run.deployment is None:
            return source
        if source == "binding":
            return self._entry(run.deployment) or source
        is_event = run.deployment.ir.get("trigger", {}).get("type") == "event"
        return "event" if is_event and EVENT_ID.fullmatch(run.instance_id) else source

    def _entry(self, deployment: Deployment) -> str:
        if deployment.pk not in self._entries:
            kinds = set(_entry_kinds(deployment))
            is_plain = len(kinds) == 1 and not self._is_called(deployment)
            self._entries[deployment.pk] = kinds.pop() if is_plain else ""
        return self._entries[deployment.pk]

    def _is_called(self, deployment: Deployment) -> bool:
        """Tell whether a run may come from a workflow's own code, which uses a binding too."""
        calls_itself = f'"workflowId": "{deployment.workflow_public_id}"' in json.dumps(
            deployment.ir
        )
        live = records.not_taken_down().filter(target=self._target)
        others = live.exclude(workflow_public_id=deployment.workflow_public_id)
        named = others.annotate(named=Cast("resources", TextField()))
        return calls_itself or named.filter(named__contains=f'"{self._workflow_name}"').exists()


def _entry_kinds(deployment: Deployment) -> Iterator[str]:
    """Yield the triggers by which the generated handlers start runs; a person's own may do anything."""
    if deployment.entry_code:
        return
    kind = deployment.ir.get("trigger", {}).get("type")
    if kind in _BY_ENTRY:
        yield kind
    if deployment.deploy_settings.get("cronTriggers"):
        yield "cron"
    if deployment.deploy_settings.get("queueConsumers"):
        yield "queue"
