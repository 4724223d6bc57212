"""What the record says of a Worker: what is live, what it was made of, what may lead to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from deployments.models import Deployment, DriftCheck
from deployments.pipeline.ports import Record
from deployments.pipeline.stages import DEPLOYS_CODE, WENT_LIVE, Action, Status, Uploaded
from deployments.pipeline.trigger_reconciler import merged
from targets.cloudflare.worker_parts import Part, PartKind, Triggers, parse_triggers
from targets.models import Target

_MARKS = 50
_NOT_DONE = [status.value for status in Status if status is not Status.SUCCEEDED]
_PUTS_A_VERSION = [Action.DEPLOY.value, Action.ROLLBACK.value]

# All that a deployment used, which another one that goes back to it or on with it uses again.
SNAPSHOT = (
    "workflow_id",
    "workflow_public_id",
    "workflow_name",
    "version_number",
    "target_id",
    "target_name",
    "ir",
    "entry_code",
    "dependencies",
    "bindings",
    "node_types",
    "deploy_settings",
    "class_name",
    "worker_name",
)
# What came of it, which only an action that puts the same code live shares.
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
    """Return the deployments of one workflow at one target, the newest first."""
    mine = Deployment.objects.filter(workflow_public_id=workflow_id, target=target)
    return mine.order_by("-pk")


def went_live() -> Q:
    """The deployments whose code answered afterwards, also of those that were ended after that.

    A retry that was ended has put no code there: the deployment that it goes on with is still live.
    """
    is_there = Q(uploaded=Uploaded.YES.value, live_version=F("version_id")) & ~Q(version_id="")
    has_ended_well = Q(status__in=WENT_LIVE, action__in=DEPLOYS_CODE)
    return has_ended_well | (is_there & Q(action__in=_PUTS_A_VERSION))


def changed_what_is_live() -> Q:
    """The deployments after which something else answered, or nothing."""
    return went_live() | Q(status=Status.SUCCEEDED.value, action=Action.TAKEDOWN.value)


def _settled() -> Q:
    """The deployments after which all that leads to the Worker was as they meant it."""
    ends = [*DEPLOYS_CODE, Action.TAKEDOWN]
    return Q(status=Status.SUCCEEDED.value, action__in=ends)


def at_target(target: Any) -> QuerySet[Deployment]:
    """Return the deployments at a target, for a subquery that also names a workflow.

    `+ 0` keeps SQLite from the index of the target, in which a workflow's rows lie far apart.
    """
    return Deployment.objects.annotate(its_target=F("target_id") + 0).filter(its_target=target)


def not_taken_down() -> QuerySet[Deployment]:
    """Return what answers or was replaced: nothing that was taken down at its target since."""
    taken_down = (
        at_target(OuterRef("target_id"))
        .filter(
            workflow_public_id=OuterRef("workflow_public_id"),
            action=Action.TAKEDOWN.value,
            pk__gt=OuterRef("pk"),
        )
        .exclude(status__in=_NOT_DONE)
    )  # in this form it keeps SQLite from the index of the status
    return Deployment.objects.filter(went_live()).exclude(Exists(taken_down))


def live(workflow_id: str, target: Target | int | None = None) -> Deployment | None:
    """Return the deployment that is live by the record; None where the Worker was taken down.

    Without a target it is the newest one anywhere.
    """
    mine = not_taken_down().filter(workflow_public_id=workflow_id).order_by("-pk")
    return (mine.filter(target=target) if target is not None else mine).first()


def known_version(workflow_id: str, target: Target | int | None) -> str:
    """Return the version that by our records is live: what we did last, or took over since."""
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
    """Return the tags of what deployments of the workflow may have uploaded lately, to any target.

    Two targets may be one account: what went up through the other one is ours too.
    """
    sent = Deployment.objects.filter(workflow_public_id=workflow_id, action=Action.DEPLOY.value)
    sent = sent.exclude(uploaded=Uploaded.NO.value).only("created_at").order_by("-pk")
    return frozenset(deployment.version_tag for deployment in sent[:_MARKS])


def taken_down_since(deployment: Deployment) -> Deployment | None:
    """Return the takedown after which the deployment's version is no more; None without one."""
    mine = of_worker(deployment.workflow_public_id, deployment.target_id)
    return mine.filter(
        pk__gt=deployment.pk, action=Action.TAKEDOWN.value, status=Status.SUCCEEDED.value
    ).first()


def previous_triggers(deployment: Deployment) -> Triggers:
    """Return what may lead to the Worker: what was settled last, what was uploaded or adopted since.

    A partial deployment settles nothing: what it could not remove is still there.
    """
    found = Triggers()
    for config in (*_adopted(deployment), *_uploaded(deployment)):
        found = merged(parse_triggers(config), found)
    return found


def _adopted(deployment: Deployment) -> list[dict[str, Any]]:
    """What was taken over since all was in order: a later deployment has settled it."""
    last = _before(deployment).filter(_settled()).values_list("pk", flat=True).first()
    mine = DriftCheck.objects.filter(
        workflow=deployment.workflow_public_id,
        target=deployment.target_id,
        adopted_after__gte=last or 0,
    )
    return [config for config in mine.values_list("adopted_config", flat=True) if config]


def _before(deployment: Deployment) -> QuerySet[Deployment]:
    earlier = of_worker(deployment.workflow_public_id, deployment.target_id)
    return earlier.filter(pk__lt=deployment.pk) if deployment.pk else earlier


def _uploaded(deployment: Deployment) -> Iterator[dict[str, Any]]:
    earlier = _before(deployment)
    last = earlier.filter(_settled()).values_list("pk", flat=True).first()
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
    """Return the parts that the deployment could not put, which another one may try again."""
    return tuple(
        Part(kind=PartKind(row["kind"]), name=row["name"])
        for row in deployment.parts
        if not row["done"]
    )


def has_gone_live(deployment: Deployment) -> bool:
    """Tell whether the deployment's code answered afterwards: went_live() of one."""
    is_there = (
        deployment.uploaded == Uploaded.YES.value
        and deployment.version_id == deployment.live_version != ""
    )
    has_ended_well = deployment.state in WENT_LIVE and deployment.action in DEPLOYS_CODE
    return has_ended_well or (is_there and deployment.action in _PUTS_A_VERSION)


def copy_of(deployment: Deployment, action: Action, **fields: Any) -> Deployment:
    """Return an unsaved deployment of the same content; `fields` are its own."""
    names = SNAPSHOT if action is Action.DEPLOY else (*SNAPSHOT, *OUTCOME)
    kept = {name: getattr(deployment, name) for name in names}
    return Deployment(action=action.value, **{**kept, **fields})
