"""The permissions that the pages and the API of runs check."""

from __future__ import annotations

from typing import Final

VIEW: Final = "runs.view_run"
TRIGGER: Final = "runs.trigger_run"
CONTROL: Final = "runs.control_run"
