"""The stages that deployments entered, which event streams replay."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from deployments.models.deployment import Deployment
from deployments.pipeline.stages import Stage


class StageRecord(models.Model):
    """A stage that a deployment entered. Rows are never changed; event streams replay them."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="records")
    number = models.PositiveSmallIntegerField()
    stage = models.CharField(max_length=20, choices=[(stage.value, stage.label) for stage in Stage])
    message = models.TextField(blank=True)
    progress = models.PositiveSmallIntegerField()
    entered_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["deployment", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["deployment", "number"], name="unique_stage_record_number"
            ),
            models.UniqueConstraint(
                fields=["deployment", "stage"], name="unique_stage_per_deployment"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stage} of deployment {self.deployment_id}"

    def as_event(self) -> dict[str, Any]:
        """Return the stage object of the event stream and of `deploy_workflow`."""
        return {"stage": self.stage, "message": self.message, "progress": self.progress}
