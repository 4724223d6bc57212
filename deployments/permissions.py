"""The Django permissions that the pages and the API of deployments require."""

from __future__ import annotations

from typing import Final

VIEW: Final = "deployments.view_deployment"
DEPLOY: Final = "deployments.add_deployment"
MAY_PLAN: Final = (DEPLOY, "workflows.change_workflow")
"""Either one opens the deploy dialog, but only DEPLOY allows queries of the target."""
CANCEL: Final = "deployments.cancel_deployment"
ROLL_BACK: Final = "deployments.rollback_deployment"
TAKE_DOWN: Final = ROLL_BACK
