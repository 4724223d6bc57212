"""What the product's templates share: statuses, times, durations, copy buttons."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import template
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from deployments import listing, presentation, records, steps, ways_out
from deployments.cloudflare.parts import PartKind
from deployments.errors import Cause
from deployments.models import Deployment
from deployments.next_steps import Link
from deployments.presentation import Tone
from deployments.stages import Stage, Status

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

register = template.Library()


@register.filter
def duration(time: timedelta | float | None) -> str:
    return presentation.duration(time)


@register.filter
def elapsed(seconds: float) -> str:
    return presentation.elapsed(seconds)


@register.filter
def time_taken(deployment: Deployment) -> timedelta | None:
    return presentation.time_taken(deployment)


@register.filter
def ago(moment: datetime | None) -> str | SafeString:
    """A relative time that keeps the exact one, with its zone, in `title` and `datetime`."""
    if moment is None:
        return ""
    exact = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        exact.isoformat(timespec="seconds"),
        exact.strftime("%Y-%m-%d %H:%M:%S %Z"),
        presentation.ago(moment, timezone.now()),
    )


@register.filter
def clock(moment: datetime | None) -> str | SafeString:
    """The time of day, with the date and the zone in `title` and `datetime`."""
    if moment is None:
        return ""
    exact = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        exact.isoformat(timespec="milliseconds"),
        exact.strftime("%Y-%m-%d %H:%M:%S %Z"),
        exact.strftime("%H:%M:%S"),
    )


@register.filter
def from_dashboard(crumbs: str) -> SafeString:
    """Have the admin's breadcrumbs begin where those of the product's own pages do."""
    home = format_html('<a href="{}">{}</a>', reverse("admin:index"), gettext("Home"))
    first = format_html(
        '<a href="{}">Dashboard</a> &rsaquo; <a href="{}">Administration</a>',
        reverse("deployments:dashboard"),
        reverse("admin:index"),
    )
    return SafeString(crumbs.replace(home, first))


@register.filter
def stage_label(stage: str) -> str:
    return Stage(stage).label if stage else ""


@register.filter
def tone(status: str) -> str:
    """The class of a status's colour."""
    return presentation.TONES[Status(status)].css


@register.filter
def tone_icon(status: str) -> str:
    return presentation.TONES[Status(status)].icon


@register.filter(name="next_steps")
def next_steps_of(deployment: Deployment, user: User | AnonymousUser) -> list[Link]:
    return ways_out.links(deployment, user)


@register.filter
def lead(deployment: Deployment) -> str:
    return presentation.lead(deployment)


@register.filter
def names_about(deployment: Deployment) -> bool:
    return presentation.names_about(deployment)


@register.filter
def can_retry(deployment: Deployment) -> bool:
    return records.can_be_tried_again(deployment)


@register.filter
def doing(deployment: Deployment) -> str:
    return presentation.doing(deployment)


@register.filter
def cancelling(deployment: Deployment) -> str:
    return presentation.cancelling(deployment)


@register.filter
def cause_label(cause: str) -> str:
    """The words for a cause; "" for none, and for one that says nothing."""
    return Cause(cause).label if cause and cause != Cause.OTHER else ""


@register.filter
def permission_name(lacking: str) -> str:
    """The words for a permission that is named as "app.codename"; "" where none is."""
    app, _, codename = lacking.partition(".")
    known = Permission.objects.filter(content_type__app_label=app, codename=codename)
    return known.values_list("name", flat=True).first() or "" if codename else ""


@register.filter
def failed_first(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parts in their order, those that failed before the others."""
    return sorted(parts, key=lambda part: bool(part["done"]))


@register.filter
def part_label(kind: str) -> str:
    return PartKind(kind).label


@register.simple_tag
def lines(text: str, name: str) -> SafeString:
    return listing.listing(text, str(name))


@register.inclusion_tag("deployments/_status.html")
def status(value: str, stage: str = "") -> dict[str, Any]:
    """The icon and the word of a status, in its colour, and the stage where it went wrong."""
    known = Status(value)
    ended_early = known.is_final and known is not Status.SUCCEEDED
    return {
        "label": known.label,
        "tone": presentation.TONES[known],
        "at": stage_label(stage) if ended_early else "",
    }


_CHECK_STATES = {
    "passed": ("Passed", Tone("check", "good", "")),
    "warning": ("Warning", Tone("warn", "warn", "")),
    "failed": ("Failed", Tone("cross", "bad", "")),
    "unknown": ("Not known", Tone("dot", "quiet", "")),
}
_CHANGE_STATES = {
    "added": ("Added", Tone("plus", "good", "")),
    "changed": ("Changed", Tone("swap", "busy", "")),
    "removed": ("Removed", Tone("bar", "bad", "")),
    "kept": ("Stays", Tone("dot", "quiet", "")),
}


@register.inclusion_tag("deployments/_status.html")
def check_state(value: str) -> dict[str, Any]:
    """The icon and the word of a check's state."""
    label, tone = _CHECK_STATES[value]
    return {"label": label, "tone": tone}


@register.inclusion_tag("deployments/_status.html")
def change_state(value: str) -> dict[str, Any]:
    """The icon and the word of what a plan would do with one thing."""
    label, tone = _CHANGE_STATES[value]
    return {"label": label, "tone": tone}


@register.inclusion_tag("deployments/_icon.html")
def icon(name: str) -> dict[str, str]:
    return {"name": name}


@register.inclusion_tag("deployments/_copy.html")
def copy(text: str, what: str) -> dict[str, str]:
    """A button that copies the text; it shows itself where there is JavaScript."""
    return {"text": text, "what": what}


@register.inclusion_tag("deployments/_copy.html")
def copy_from(name: str, what: str) -> dict[str, str]:
    """A button that copies the text of a listing."""
    return {"source": f"{name}-text", "what": what}


@register.inclusion_tag("deployments/_ticks.html")
def ticks(deployment: Any) -> dict[str, Any]:
    """The progress bar of a deployment: one tick for each stage of its action."""
    return {"deployment": deployment, "ticks": steps.ticks(deployment)}
