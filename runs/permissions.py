"""What somebody has to be allowed for what the pages and the API do with runs."""

from __future__ import annotations

from typing import Final

VIEW: Final = "runs.view_run"
TRIGGER: Final = "runs.trigger_run"
CONTROL: Final = "runs.control_run"
