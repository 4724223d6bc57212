"""What the templates of deployments share: statuses, stages, next steps."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import template

from deployments.history import records
from deployments.models import Deployment
from deployments.pipeline.stages import Stage, Status
from deployments.presentation import labels, remediation_links, stage_list
from deployments.presentation.remediation import Link
from targets.cloudflare.errors import Cause
from targets.cloudflare.worker_parts import PartKind
from web.tones import Tone
from workflows.ir.document.kinds import SCRIPT

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

register = template.Library()


@register.filter
def time_taken(deployment: Deployment) -> timedelta | None:
    return labels.time_taken(deployment)


@register.filter
def stage_label(stage: str) -> str:
    return Stage(stage).label if stage else ""


@register.filter
def tone(status: str) -> str:
    """The class of a status's colour."""
    return labels.TONES[Status(status)].css


@register.filter
def tone_icon(status: str) -> str:
    return labels.TONES[Status(status)].icon


@register.filter(name="next_steps")
def next_steps_of(deployment: Deployment, user: User | AnonymousUser) -> list[Link]:
    return remediation_links.links(deployment, user)


@register.filter
def lead(deployment: Deployment) -> str:
    return labels.lead(deployment)


@register.filter
def names_about(deployment: Deployment) -> bool:
    return labels.names_about(deployment)


@register.filter
def can_retry(deployment: Deployment) -> bool:
    return records.can_be_tried_again(deployment)


@register.filter
def has_runs(deployment: Deployment) -> bool:
    """Whether a workflow was deployed, which has runs; a script answers requests instead."""
    return not Deployment.objects.filter(pk=deployment.pk, ir__kind=SCRIPT).exists()


@register.filter
def doing(deployment: Deployment) -> str:
    return labels.doing(deployment)


@register.filter
def cancelling(deployment: Deployment) -> str:
    return labels.cancelling(deployment)


@register.filter
def cause_label(cause: str) -> str:
    """The words for a cause; "" for none, and for one that says nothing."""
    return Cause(cause).label if cause and cause != Cause.OTHER else ""


@register.filter
def failed_first(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parts in their order, those that failed before the others."""
    return sorted(parts, key=lambda part: bool(part["done"]))


@register.filter
def part_label(kind: str) -> str:
    return PartKind(kind).label


@register.inclusion_tag("web/_status.html")
def status(value: str, stage: str = "") -> dict[str, Any]:
    """The icon and the word of a status, in its colour, and the stage where it went wrong."""
    known = Status(value)
    ended_early = known.is_final and known is not Status.SUCCEEDED
    return {
        "label": known.label,
        "tone": labels.TONES[known],
        "at": stage_label(stage) if ended_early else "",
    }


_CHANGE_STATES = {
    "added": ("Added", Tone("plus", "good", "")),
    "changed": ("Changed", Tone("swap", "busy", "")),
    "removed": ("Removed", Tone("bar", "bad", "")),
    "kept": ("Stays", Tone("dot", "quiet", "")),
}


@register.inclusion_tag("web/_status.html")
def change_state(value: str) -> dict[str, Any]:
    """The icon and the word of what a plan would do with one thing."""
    label, tone = _CHANGE_STATES[value]
    return {"label": label, "tone": tone}


@register.inclusion_tag("deployments/_ticks.html")
def ticks(deployment: Any) -> dict[str, Any]:
    """The progress bar of a deployment: one tick for each stage of its action."""
    return {"deployment": deployment, "ticks": stage_list.ticks(deployment)}
