"""The permissions that the pages and the API of runs check."""

from __future__ import annotations

from typing import Final

VIEW: Final = "runs.view_run"
TRIGGER: Final = "runs.trigger_run"
CONTROL: Final = "runs.control_run"
CHANGE: Final = "workflows.change_workflow"
"""Users with this permission may test drafts and versions."""
MAY_ACT: Final = (TRIGGER, CONTROL)
"""Users with either permission can act on a failed run: its failure counts as seen when they look."""
