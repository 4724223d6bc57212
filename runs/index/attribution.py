"""Assigning runs to the workflow, deployment and trigger that they come from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Cast, Coalesce

from deployments.history import records, workflow_names
from deployments.models import Deployment, StageRecord
from deployments.pipeline.stages import Stage
from runs.models import Run
from targets.models import Target
from workflows.models import Workflow

EVENT_ID: Final = re.compile(r"event-[0-9a-f]{64}")
_HANDLER_TRIGGERS: Final = ("http", "cron", "queue")


def assign(target: Target, workflow_name: str, runs: Sequence[Run]) -> None:
    """Set the workflow, deployment and trigger of new runs, without saving them."""
    if not runs:
        return
    workflow_id = workflow_names.owner_of(target.pk, workflow_name)
    workflow = Workflow.objects.filter(pk=workflow_id).first()
    deployments = list(_deployed(workflow_id, target))
    triggers = _Triggers(target, workflow_name)
    for run in runs:
        run.workflow = workflow
        run.deployment = _live_at(deployments, run.created_at)
        run.trigger = triggers.of(run)


def reassign_recent(target: Target, workflow_name: str) -> None:
    """Correct the runs started since the last two deployments, which may have been indexed earlier."""
    until, triggers = None, _Triggers(target, workflow_name)
    for deployment in _deployed(workflow_names.owner_of(target.pk, workflow_name), target)[:2]:
        runs = Run.objects.filter(
            target=target, workflow_name=workflow_name, created_at__gte=deployment.live_from
        )
        runs = runs.filter(created_at__lt=until) if until else runs
        wrong = list(runs.exclude(deployment=deployment).select_related("workflow"))
        for run in wrong:
            run.deployment = deployment
            run.trigger = triggers.of(run)
        Run.objects.bulk_update(wrong, ["deployment", "trigger"], batch_size=500)
        until = deployment.live_from


def newest_deployment(target: Target, workflow_name: str) -> tuple[Any, ...] | None:
    """Return the key and status of the newest deployment; if they change, reassign recent runs."""
    deployments = records.of_worker(workflow_names.owner_of(target.pk, workflow_name), target)
    return deployments.filter(records.went_live()).values_list("pk", "status").first()


def _deployed(workflow_id: str, target: Target) -> QuerySet[Any]:
    """Return the deployments that went live, newest first, with the time as `live_from`.

    That is the end of the upload. A retry uploads nothing, so its code was live before.
    """
    uploaded = (Stage.WORKER_DEPLOYED.value, Stage.UPDATING_WORKFLOW.value)
    entered = StageRecord.objects.filter(deployment=OuterRef("pk"), stage__in=uploaded)
    first = Subquery(entered.order_by("number").values("entered_at")[:1])
    deployments = records.of_worker(workflow_id, target).filter(records.went_live())
    live_from = Coalesce(first, "finished_at", "started_at", "created_at")
    return deployments.annotate(live_from=live_from).only("pk")  # other fields are large


def _live_at(deployments: Iterable[Any], moment: datetime) -> Deployment | None:
    return next((item for item in deployments if item.live_from <= moment), None)


class _Triggers:
    """Finds the triggers of a Workflow's runs: the target only reports whether it was the API or a binding."""

    def __init__(self, target: Target, workflow_name: str) -> None:
        self._target = target
        self._workflow_name = workflow_name
        self._by_deployment: dict[int, str] = {}

    def of(self, run: Run) -> str:
        """Return the trigger of the run; what the target reports if its code does not decide it."""
        source = "binding" if run.trigger in _HANDLER_TRIGGERS else run.trigger
        if run.deployment is None:
            return source
        if source == "binding":
            return self._handler_trigger(run.deployment) or source
        is_event = run.deployment.ir.get("trigger", {}).get("type") == "event"
        return "event" if is_event and EVENT_ID.fullmatch(run.instance_id) else source

    def _handler_trigger(self, deployment: Deployment) -> str:
        """Return the deployment's only trigger; "" if a run may have started in another way."""
        if deployment.pk not in self._by_deployment:
            triggers = set(_handler_triggers(deployment))
            is_only = len(triggers) == 1 and not self._is_called(deployment)
            self._by_deployment[deployment.pk] = triggers.pop() if is_only else ""
        return self._by_deployment[deployment.pk]

    def _is_called(self, deployment: Deployment) -> bool:
        """Whether a workflow's own code may start runs, which uses a binding as well."""
        own_id = f'"workflowId": "{deployment.workflow_public_id}"'
        calls_itself = own_id in json.dumps(deployment.ir)
        live = records.not_taken_down().filter(target=self._target)
        others = live.exclude(workflow_public_id=deployment.workflow_public_id)
        texts = others.annotate(text=Cast("resources", TextField()))
        return calls_itself or texts.filter(text__contains=f'"{self._workflow_name}"').exists()


def _handler_triggers(deployment: Deployment) -> Iterator[str]:
    """Yield the triggers of the generated handlers.

    Yields nothing for custom entry code, whose triggers are unknown.
    """
    if deployment.entry_code:
        return
    kind = deployment.ir.get("trigger", {}).get("type")
    if kind in _HANDLER_TRIGGERS:
        yield kind
    if deployment.deploy_settings.get("cronTriggers"):
        yield "cron"
    if deployment.deploy_settings.get("queueConsumers"):
        yield "queue"
