"""The admin page of a target, which cannot be deleted while deployments to it are unfinished."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from deployments.models import Deployment
from deployments.pipeline.stages import UNFINISHED
from targets.admin import TargetAdmin


class DeployableTargetAdmin(TargetAdmin):
    """The admin of targets, which takes deployments to them into account."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A target cannot be deleted while deployments to it are queued or running."""
        deleted, counts, missing_permissions, protected = super().get_deleted_objects(objs, request)
        unfinished = Deployment.objects.filter(target__in=objs, status__in=UNFINISHED)
        reasons = [f"{item} has not ended: wait for it or cancel it" for item in unfinished]
        return deleted, counts, missing_permissions, [*protected, *reasons]
