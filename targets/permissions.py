"""Django permissions of the target pages."""

from __future__ import annotations

from typing import Final

CHECK: Final = "targets.check_target"
VIEW_TARGET: Final = "targets.view_target"
CHANGE_TARGET: Final = "targets.change_target"
OVERRIDE_FREEZE: Final = "targets.override_freeze"
OVERRIDE_TESTS: Final = "targets.override_tests"
