"""The panel that leads to the first run: build a workflow, deploy it, start a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.presentation.dashboard import Dashboard, Row

BUILD, DEPLOY, RUN = 1, 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstSteps:
    """The number of the next step, and the workflow that it is about; None if there is none yet."""

    number: int
    row: Row | None


def first_steps(board: Dashboard, runs: Sequence[object] | None) -> FirstSteps | None:
    """Return the next step, or None after the first run. `runs` is None for users who may not view runs."""
    if not board.workflows:
        return FirstSteps(number=BUILD, row=None)
    live = next((row for row in board.workflows if row.live), None)
    if live is None:
        return FirstSteps(number=DEPLOY, row=board.workflows[0])
    return FirstSteps(number=RUN, row=live) if runs is not None and not runs else None
