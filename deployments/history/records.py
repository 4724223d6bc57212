"""The record of a Worker: what is live, what it was built from, and its possible triggers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from deployments.models import Deployment, DriftCheck
from deployments.pipeline.ports import Record
from deployments.pipeline.stages import DEPLOYS_CODE, WENT_LIVE, Action, Status, Uploaded
from deployments.pipeline.trigger_reconciler import merged
from targets.cloudflare.worker_parts import Part, PartKind, Triggers, parse_triggers
from targets.models import Target

_RECENT_TAGS = 50
_NOT_DONE = [status.value for status in Status if status is not Status.SUCCEEDED]
_PUTS_A_VERSION = [Action.DEPLOY.value, Action.ROLLBACK.value]

# Everything that a deployment used. Rollbacks, retries and redeploys copy it.
SNAPSHOT = (
    "workflow_id",
    "workflow_public_id",
    "workflow_name",
    "version_number",
    "target_id",
    "target_name",
    "ir",
    "files",
    "entry_code",
    "dependencies",
    "bindings",
    "node_types",
    "deploy_settings",
    "class_name",
    "worker_name",
)
# What a deployment produced. Only actions that keep the same code copy it.
OUTCOME = (
    "source",
    "script_size",
    "script_hash",
    "wrangler_json",
    "variables",
    "secret_names",
    "variable_origins",
    "resources",
    "wrangler_version",
    "worker_url",
    "dashboard_url",
)


def of_worker(workflow_id: str, target: Target | int | None) -> QuerySet[Deployment]:
    """Return the deployments of a workflow to a target, newest first."""
    deployments = Deployment.objects.filter(workflow_public_id=workflow_id, target=target)
    return deployments.order_by("-pk")


def went_live() -> Q:
    """Match deployments whose code went live, including those that were ended after that.

    A retry that was ended did not make any code live: the deployment that it retries is still live.
    """
    is_live_version = Q(uploaded=Uploaded.YES.value, live_version=F("version_id")) & ~Q(
        version_id=""
    )
    ended_live = Q(status__in=WENT_LIVE, action__in=DEPLOYS_CODE)
    return ended_live | (is_live_version & Q(action__in=_PUTS_A_VERSION))


def changed_what_is_live() -> Q:
    """Match deployments that made another version live, or removed the Worker."""
    return went_live() | Q(status=Status.SUCCEEDED.value, action=Action.TAKEDOWN.value)


def _set_all_triggers() -> Q:
    """Match deployments after which all triggers were as expected."""
    actions = [*DEPLOYS_CODE, Action.TAKEDOWN]
    return Q(status=Status.SUCCEEDED.value, action__in=actions)


def at_target(target: Any) -> QuerySet[Deployment]:
    """Return the deployments to a target, for a subquery that also filters by workflow.

    `+ 0` keeps SQLite from using the index on the target, which is slower here.
    """
    return Deployment.objects.annotate(its_target=F("target_id") + 0).filter(its_target=target)


def not_taken_down() -> QuerySet[Deployment]:
    """Return deployments that went live and were not taken down from their target since."""
    taken_down = (
        at_target(OuterRef("target_id"))
        .filter(
            workflow_public_id=OuterRef("workflow_public_id"),
            action=Action.TAKEDOWN.value,
            pk__gt=OuterRef("pk"),
        )
        .exclude(status__in=_NOT_DONE)
    )  # excluding keeps SQLite from using the index on the status
    return Deployment.objects.filter(went_live()).exclude(Exists(taken_down))


def newest_live(deployments: QuerySet[Deployment]) -> QuerySet[Deployment, int]:
    """Return the key of what is live of each workflow on each target, in one scan of all their deployments."""
    taken_down = Q(action=Action.TAKEDOWN.value) & ~Q(status__in=_NOT_DONE)
    pairs = deployments.filter(target__isnull=False).order_by()
    newest = pairs.values("workflow_public_id", "target").annotate(
        newest=Max("pk", filter=went_live()), removed=Max("pk", filter=taken_down)
    )
    return newest.filter(newest__gt=Coalesce("removed", 0)).values_list("newest", flat=True)


def live(workflow_id: str, target: Target | int | None = None) -> Deployment | None:
    """Return the deployment that the record shows as live; without a target, the newest anywhere.

    Returns None if the Worker was taken down or never deployed.
    """
    deployments = not_taken_down().filter(workflow_public_id=workflow_id).order_by("-pk")
    return (deployments.filter(target=target) if target is not None else deployments).first()


def known_version(workflow_id: str, target: Target | int | None) -> str:
    """Return the version that should be live: our last change, or a later adoption."""
    ours = of_worker(workflow_id, target).filter(
        uploaded=Uploaded.YES.value, live_version=F("version_id")
    )
    newest = ours.exclude(live_version="").first()
    adopted = DriftCheck.objects.filter(workflow=workflow_id, target=target).exclude(
        adopted_version=""
    )
    drift_check = adopted.first()
    if drift_check and (newest is None or drift_check.was_adopted_after(newest.pk)):
        return drift_check.adopted_version
    return newest.live_version if newest else ""


def version_tags(workflow_id: str) -> frozenset[str]:
    """Return the version tags of the workflow's recent uploads to any target.

    Two targets may be the same account, so uploads through the other one are ours too.
    """
    sent = Deployment.objects.filter(workflow_public_id=workflow_id, action=Action.DEPLOY.value)
    sent = sent.exclude(uploaded=Uploaded.NO.value).only("created_at").order_by("-pk")
    return frozenset(deployment.version_tag for deployment in sent[:_RECENT_TAGS])


def taken_down_since(deployment: Deployment) -> Deployment | None:
    """Return the takedown that removed the deployment's version, if there was one."""
    same_worker = of_worker(deployment.workflow_public_id, deployment.target_id)
    return same_worker.filter(
        pk__gt=deployment.pk, action=Action.TAKEDOWN.value, status=Status.SUCCEEDED.value
    ).first()


def previous_triggers(deployment: Deployment) -> Triggers:
    """Return the triggers that may exist: those last set, and those uploaded or adopted since.

    A partial deployment does not count as set: what it could not remove still exists.
    """
    triggers = Triggers()
    for config in (*_adopted(deployment), *_uploaded(deployment)):
        triggers = merged(parse_triggers(config), triggers)
    return triggers


def _adopted(deployment: Deployment) -> list[dict[str, Any]]:
    """Return the configurations adopted since all triggers were last set."""
    last = _before(deployment).filter(_set_all_triggers()).values_list("pk", flat=True).first()
    checks = DriftCheck.objects.filter(
        workflow=deployment.workflow_public_id,
        target=deployment.target_id,
        adopted_after__gte=last or 0,
    )
    return [config for config in checks.values_list("adopted_config", flat=True) if config]


def _before(deployment: Deployment) -> QuerySet[Deployment]:
    earlier = of_worker(deployment.workflow_public_id, deployment.target_id)
    return earlier.filter(pk__lt=deployment.pk) if deployment.pk else earlier


def _uploaded(deployment: Deployment) -> Iterator[dict[str, Any]]:
    earlier = _before(deployment)
    last = earlier.filter(_set_all_triggers()).values_list("pk", flat=True).first()
    since = earlier.filter(pk__gte=last or 0, action__in=DEPLOYS_CODE)
    uploaded = since.exclude(uploaded=Uploaded.NO.value).exclude(wrangler_json="")
    for config in uploaded.values_list("wrangler_json", flat=True):
        yield json.loads(config)


def record_of(deployment: Deployment) -> Record:
    """Return what the deployment put on its target."""
    return Record(
        number=deployment.pk,
        version_id=deployment.version_id,
        config=json.loads(deployment.wrangler_json or "{}"),
        resources=deployment.resources,
    )


def failed_parts(deployment: Deployment) -> tuple[Part, ...]:
    """Return the parts that failed, which a retry may fix."""
    return tuple(
        Part(kind=PartKind(row["kind"]), name=row["name"])
        for row in deployment.parts
        if not row["done"]
    )


def has_gone_live(deployment: Deployment) -> bool:
    """Return whether the deployment matches `went_live()`."""
    is_live_version = (
        deployment.uploaded == Uploaded.YES.value
        and deployment.version_id == deployment.live_version != ""
    )
    ended_live = deployment.state in WENT_LIVE and deployment.action in DEPLOYS_CODE
    return ended_live or (is_live_version and deployment.action in _PUTS_A_VERSION)


def copy_of(deployment: Deployment, action: Action, **fields: Any) -> Deployment:
    """Return an unsaved copy for the action, with its own `fields`."""
    names = SNAPSHOT if action is Action.DEPLOY else (*SNAPSHOT, *OUTCOME)
    values = {name: getattr(deployment, name) for name in names}
    return Deployment(action=action.value, **{**values, **fields})
