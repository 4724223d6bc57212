"""The state of a node in a run or a comparison: a label, an icon, a color, and details such as attempts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """PLAIN has no label: there is no run, or the run left no trace of the node.

    The last five are marks of a comparison, and the two before them marks of problems.
    """

    PLAIN = "plain"
    DONE = "done"
    RUNNING = "running"
    WAITING = "waiting"
    SLEEPING = "sleeping"
    RETRYING = "retrying"
    FAILED = "failed"
    STOPPED = "stopped"
    SKIPPED = "skipped"
    NOT_REACHED = "not_reached"
    PROBLEM = "problem"
    WARNING = "warning"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    RENAMED = "renamed"
    MOVED = "moved"

    @property
    def label(self) -> str:
        """The label to show; "" for PLAIN."""
        return _LABELS.get(self, self.value.replace("_", " ").capitalize())

    @property
    def icon(self) -> str:
        return _ICONS[self]

    @property
    def tone(self) -> str:
        """The CSS class of the color."""
        return _TONES.get(self, "tone-quiet")

    @property
    def is_active(self) -> bool:
        return self in ACTIVE

    @property
    def holds_run(self) -> bool:
        """Whether the run has not left the node yet, or has ended in it."""
        return self.is_active or self in (State.FAILED, State.STOPPED)

    @property
    def is_of_run(self) -> bool:
        """Whether the run has left a trace in the node."""
        return self is State.DONE or self.holds_run

    @property
    def is_mark(self) -> bool:
        """Whether the state says nothing about a run."""
        return self in MARKS

    @property
    def is_untouched(self) -> bool:
        """Whether the run has not executed the node."""
        return self in (State.SKIPPED, State.NOT_REACHED)


ACTIVE = (State.RUNNING, State.RETRYING, State.WAITING, State.SLEEPING)
MARKS = (
    State.PLAIN,
    State.PROBLEM,
    State.WARNING,
    State.ADDED,
    State.REMOVED,
    State.CHANGED,
    State.RENAMED,
    State.MOVED,
)
_LABELS = {State.PLAIN: ""}
_ICONS = {
    State.PLAIN: "",
    State.DONE: "check",
    State.RUNNING: "ring",
    State.WAITING: "wait",
    State.SLEEPING: "sleep",
    State.RETRYING: "retry",
    State.FAILED: "cross",
    State.STOPPED: "stop",
    State.SKIPPED: "skip",
    State.NOT_REACHED: "dot",
    State.PROBLEM: "cross",
    State.WARNING: "warn",
    State.ADDED: "plus",
    State.REMOVED: "skip",
    State.CHANGED: "pencil",
    State.RENAMED: "pencil",
    State.MOVED: "move",
}
_TONES = {
    State.DONE: "tone-good",
    State.RUNNING: "tone-busy",
    State.WAITING: "tone-busy",
    State.SLEEPING: "tone-busy",
    State.RETRYING: "tone-warn",
    State.FAILED: "tone-bad",
    State.PROBLEM: "tone-bad",
    State.WARNING: "tone-warn",
    State.ADDED: "tone-good",
    State.REMOVED: "tone-bad",
    State.CHANGED: "tone-busy",
    State.RENAMED: "tone-busy",
    State.MOVED: "tone-warn",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """The state of a node; `attempts` are those of its last step, `duration` is formatted text.

    `iterations` counts how many times it ran in loops. `note` adds words to the label. `href` is the
    target of its link, "" for none.
    """

    state: State = State.PLAIN
    attempts: int = 0
    iterations: int = 0
    duration: str = ""
    note: str = ""
    href: str = ""

    @property
    def summary(self) -> str:
        """One line, such as "Done · 1.4 s · 3 attempts · 5 times"."""
        times = f"{self.iterations:,} times" if self.iterations > 1 else ""
        return " · ".join(filter(None, [*self._facts(), times]))

    @property
    def short_summary(self) -> str:
        """One line for narrow places, with the iterations as a factor."""
        times = f"\u00d7{self.iterations}" if self.iterations > 1 else ""
        return " · ".join(filter(None, [*self._facts(), times]))

    def _facts(self) -> tuple[str, ...]:
        attempts = f"{self.attempts} attempts" if self.attempts > 1 else ""
        return self.state.label, self.note, self.duration, attempts


PLAIN = NodeState()
