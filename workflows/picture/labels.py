"""The words of a picture beside the names of nodes: what starts a run, what an arm is, how long it took."""

from __future__ import annotations

from web.formatting import duration_words
from workflows.ir.document.model import Node
from workflows.ir.document.triggers import Trigger
from workflows.ir.reading.problems import escape_surrogates
from workflows.nodes import branch, loop

OTHERWISE = "otherwise"


def trigger_label(trigger: Trigger) -> str:
    """Say what starts a run: "POST /orders", "Cron 0 3 * * *"."""
    said = {
        "http": f"{trigger.method} {trigger.path}",
        "cron": f"Cron {trigger.expression}",
        "event": f"Event {trigger.event_type}",
        "queue": f"Queue {trigger.queue}",
    }
    return escape_surrogates(said.get(trigger.kind, "Started by hand"))


def arm_label(node: Node, label: str) -> str:
    """Say what a region of the node is: its label, or what a loop repeats its body for."""
    settings = node.settings
    if not isinstance(settings, loop.Settings):
        return escape_surrogates(label)
    if settings.kind == "times":
        return f"{settings.count:,} times"
    return "while it holds" if settings.kind == "while" else f"for each {settings.item}"


def has_else(node: Node) -> bool:
    """Whether one of the regions of the node always runs: of a branch, the else."""
    if not isinstance(node.settings, branch.Settings):
        return True
    return any(arm.condition is None for arm in node.settings.arms)


def duration_label(seconds: float) -> str:
    """Say how long a step took, or a sleep will: in days from two days on."""
    return duration_words(seconds) if seconds < 48 * 3600 else f"{round(seconds / 86400)} days"
