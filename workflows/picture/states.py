"""What became of a node in a run: a state, as an icon and a word, and how it came to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """PLAIN says nothing: there is no run, or no trace of what became of the node."""

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

    @property
    def label(self) -> str:
        """The word that a person reads; "" for nothing to say."""
        return _LABELS.get(self, self.value.replace("_", " ").capitalize())

    @property
    def icon(self) -> str:
        return _ICONS[self]

    @property
    def tone(self) -> str:
        """The class of its colour, which the product's stylesheet has."""
        return _TONES.get(self, "tone-quiet")

    @property
    def is_active(self) -> bool:
        return self in ACTIVE

    @property
    def is_pale(self) -> bool:
        """Whether nothing has happened there."""
        return self in (State.SKIPPED, State.NOT_REACHED)


ACTIVE = (State.RUNNING, State.RETRYING, State.WAITING, State.SLEEPING)
_LABELS = {State.PLAIN: "", State.WARNING: "Worth a look"}
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
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """The state of a node; `took` is a duration in words, `iterations` how often it ran in loops.

    `attempts` are those of its last step. `href` is where the node leads to, "" for nowhere.
    """

    state: State = State.PLAIN
    attempts: int = 0
    iterations: int = 0
    took: str = ""
    href: str = ""

    @property
    def words(self) -> str:
        """Say it on one line: "Done · 1.4 s · 3 attempts · 5 times"."""
        times = f"{self.iterations:,} times" if self.iterations > 1 else ""
        return " · ".join(filter(None, [*self._facts(), times]))

    @property
    def brief(self) -> str:
        """Say it where there is little room, with the times as a factor."""
        times = f"\u00d7{self.iterations}" if self.iterations > 1 else ""
        return " · ".join(filter(None, [*self._facts(), times]))

    def _facts(self) -> tuple[str, str, str]:
        attempts = f"{self.attempts} attempts" if self.attempts > 1 else ""
        return self.state.label, self.took, attempts


PLAIN = NodeState()
