"""Tags and filters for the templates of runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from runs import presentation, statuses
from runs.detail import json_tree
from runs.models import Run
from runs.steps.step_reader import Step
from web.formatting import elapsed
from web.tones import Tone
from workflows.models import Workflow
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


@register.simple_tag
def runs_url(view: str, workflow: Workflow | str | None = None) -> str:
    """Return the URL of a page about runs, of one workflow if one is given."""
    return reverse(view) + (f"?workflow={workflow.pk}" if isinstance(workflow, Workflow) else "")


@register.simple_tag
def start_again_url(run: Run) -> str:
    """Return the URL of the form that starts a run with the same payload."""
    query = {"workflow": run.workflow_id, "target": run.target.name, "again": run.pk}
    return f"{reverse('runs:start')}?{urlencode(query)}"


@register.simple_tag
def id_suffix(run: Run, step: Step) -> str:
    """Return a suffix that makes the HTML ids in a step's form unique."""
    return f"-{run.pk}-{step.number}"


@register.simple_tag
def step_output_url(run: Run, step: Step) -> str:
    """Return the URL of the complete output of a step."""
    query = urlencode({"name": step.name, "type": step.kind})
    return f"{reverse('runs:step_output', args=[run.pk])}?{query}"


@register.simple_tag
def step_links(steps: Iterable[Step], anchor: str = "") -> SafeString:
    """Render links to steps, to the anchor or to the row of each step in the timeline."""
    rows = ((step.number, anchor or f"row-{step.number}", step.label) for step in steps)
    return format_html_join(", ", '<a href="?step={}#{}">{}</a>', rows)


@register.filter
def button_class(action: str) -> str:
    """Return the CSS class of the button that confirms an action."""
    return "deletelink-button" if action in ("delete", "terminate") else "default"


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
