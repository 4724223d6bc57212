"""Labels in a picture: of triggers, arms and durations."""

from __future__ import annotations

from web.formatting import duration_words
from workflows.ir.document.model import Node
from workflows.ir.document.triggers import Trigger
from workflows.ir.reading.problems import escape_surrogates
from workflows.nodes import loop

OTHERWISE = "otherwise"


def trigger_label(trigger: Trigger) -> str:
    """Return what starts a run: "POST /orders", "Cron 0 3 * * *"."""
    labels = {
        "http": f"{trigger.method} {trigger.path}",
        "cron": f"Cron {trigger.expression}",
        "event": f"Event {trigger.event_type}",
        "queue": f"Queue {trigger.queue}",
        "code": "Start",
    }
    return escape_surrogates(labels.get(trigger.kind, "Started by hand"))


def arm_label(node: Node, label: str) -> str:
    """Return the label of a region of the node; for a loop, how it repeats."""
    settings = node.settings
    if not isinstance(settings, loop.Settings):
        return escape_surrogates(label)
    if settings.kind == "times":
        return f"{settings.count:,} times"
    return "while condition holds" if settings.kind == "while" else f"for each {settings.item}"


def has_else(node: Node) -> bool:
    """Return whether one of the node's regions always runs; a branch may lack an else."""
    container = node.type.container
    if container is None or not container.alternatives or container.conditions is None:
        return True
    return None in container.conditions(node.settings)


def duration_label(seconds: float) -> str:
    """Format the duration of a step or a sleep; two days or more are shown in days."""
    return duration_words(seconds) if seconds < 48 * 3600 else f"{round(seconds / 86400)} days"
