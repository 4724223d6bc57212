"""What somebody has to be allowed for what the pages and the API do with deployments."""

from __future__ import annotations

from typing import Final

VIEW: Final = "deployments.view_deployment"
DEPLOY: Final = "deployments.add_deployment"
CANCEL: Final = "deployments.cancel_deployment"
ROLL_BACK: Final = "deployments.rollback_deployment"
TAKE_DOWN: Final = ROLL_BACK
CHECK: Final = "deployments.check_target"
VIEW_TARGET: Final = "deployments.view_target"
CHANGE_TARGET: Final = "deployments.change_target"
OVERRIDE_FREEZE: Final = "deployments.override_freeze"
