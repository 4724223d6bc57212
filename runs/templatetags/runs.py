"""Tags and filters for the templates of runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from runs import presentation, statuses
from runs.detail import json_tree
from runs.models import Run
from web.formatting import elapsed
from web.tones import Tone
from workflows.picture.states import State

register = template.Library()

_ICONS = {State.WAITING: "pause", State.SLEEPING: "sleep"}


@register.inclusion_tag("web/_status.html")
def run_status(status: str) -> dict[str, Any]:
    """The icon and label of a run's status, in its color."""
    return {"label": statuses.label(status), "tone": presentation.tone(status)}


@register.inclusion_tag("web/_status.html")
def step_state(state: State) -> dict[str, Any]:
    """The icon and label of a step's state, in its color."""
    icon = _ICONS.get(state, state.icon)
    return {"label": state.label, "tone": Tone(icon, state.tone.removeprefix("tone-"), "")}


@register.filter
def run_seconds(run: Run) -> float | None:
    """How long the run took, or has been running."""
    return presentation.seconds(run, timezone.now())


@register.filter
def json_tree_of(value: Any) -> SafeString:
    """The value as a tree that folds."""
    return json_tree.tree(value)


@register.filter
def until(moment: datetime | None) -> str | SafeString:
    """A future time as "in 5 m 00 s", with the exact time in `title` and `datetime`."""
    if moment is None:
        return ""
    exact = timezone.localtime(moment)
    left = (moment - timezone.now()).total_seconds()
    return format_html(
        '<time datetime="{}" title="{}" data-until>{}</time>',
        exact.isoformat(timespec="seconds"),
        exact.strftime("%Y-%m-%d %H:%M:%S %Z"),
        f"in {elapsed(left)}" if left > 0 else "now",
    )
