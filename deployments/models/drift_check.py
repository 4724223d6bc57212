from __future__ import annotations

from django.db import models

from targets.models import Target
from workflows.models import Workflow


class DriftState(models.TextChoices):
    """How what is live compares with the record."""

    SAME = "same", "As deployed"
    DRIFTED = "drifted", "Drifted"
    GONE = "gone", "Gone"
    UNKNOWN = "unknown", "Unknown"


class DriftCheck(models.Model):
    """How one workflow stands at one target: the last comparison of what is live with the record.

    `adopted` is what somebody took over as it was found: the triggers and the version that count as
    meant until the next deployment, in the form of a wrangler.json and an id.
    """

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="drift_checks")
    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="drift_checks")
    state = models.CharField(
        max_length=10, choices=DriftState.choices, default=DriftState.UNKNOWN.value
    )
    differences = models.JSONField(default=list)
    message = models.TextField(blank=True)
    live_version = models.CharField(max_length=64, blank=True)
    found = models.JSONField(default=dict)
    checked_at = models.DateTimeField(null=True, db_index=True)
    adopted_version = models.CharField(max_length=64, blank=True)
    adopted = models.JSONField(default=dict)
    adopted_after = models.PositiveBigIntegerField(
        null=True, help_text="The deployment that was live by the record when it was taken over."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workflow", "target"], name="one_drift_check_per_workflow_and_target"
            )
        ]

    def __str__(self) -> str:
        return f"{self.workflow} on {self.target}: {self.get_state_display()}"

    def was_adopted_after(self, deployment_id: int) -> bool:
        """Tell whether what was taken over is newer than the deployment, so that it counts as meant."""
        return self.adopted_after is not None and self.adopted_after >= deployment_id
