"""The step at which a restart starts: its name, and which of the steps with this name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runs.steps.step_reader import Step, parse_occurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPoint:
    """`note` says which other step the text could have meant; "" if none."""

    name: str
    occurrence: int = 1
    note: str = ""

    @classmethod
    def of_restart_name(cls, text: str) -> StartPoint:
        """Return the step of a `Step.restart_name`, which can mean only one step."""
        name, occurrence = parse_occurrence(text)
        return cls(name=name, occurrence=occurrence)

    def __str__(self) -> str:
        return self.name if self.occurrence == 1 else f"{self.name} #{self.occurrence}"


def find_start_point(text: str, steps: Sequence[Step]) -> StartPoint | None:
    """Return the step that a person means by "charge" or "charge #2"; None if there is none.

    A step whose name is exactly this comes before the second step of the name "charge". Without
    steps, as they cannot always be read, the target decides whether there is such a step.
    """
    existing = {parse_occurrence(step.restart_name) for step in steps if step.restart_name}
    counted = StartPoint.of_restart_name(text)
    is_counted = (counted.name, counted.occurrence) in existing
    if any(name == text for name, _ in existing):
        note = _note(counted) if is_counted and counted.name != text else ""
        return StartPoint(name=text, note=note)
    return counted if is_counted or not existing else None


def _note(other: StartPoint) -> str:
    return (
        f"It starts at the step named {str(other)!r}. To start at occurrence {other.occurrence} of "
        f"{other.name!r}, use --from {other.name!r} --occurrence {other.occurrence}."
    )
