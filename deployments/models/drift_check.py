"""The results of drift checks: the last one per workflow and target."""

from __future__ import annotations

from django.db import models

from targets.models import Target
from workflows.models import Workflow


class DriftState(models.TextChoices):
    """How the live Worker compares with the record."""

    SAME = "same", "As deployed"
    DRIFTED = "drifted", "Drifted"
    GONE = "gone", "Gone"
    UNKNOWN = "unknown", "Unknown"


class DriftCheck(models.Model):
    """The last comparison of a workflow's live Worker on one target with the record.

    `adopted_config` and `adopted_version` are the triggers (as in wrangler.json) and the version
    that someone adopted: they are the expected state until the next deployment.
    """

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="drift_checks")
    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="drift_checks")
    state = models.CharField(
        max_length=10, choices=DriftState.choices, default=DriftState.UNKNOWN.value
    )
    differences = models.JSONField(default=list)
    message = models.TextField(blank=True)
    live_version = models.CharField(max_length=64, blank=True)
    actual_config = models.JSONField(default=dict)
    checked_at = models.DateTimeField(null=True, db_index=True)
    adopted_version = models.CharField(max_length=64, blank=True)
    adopted_config = models.JSONField(default=dict)
    adopted_after = models.PositiveBigIntegerField(
        null=True, help_text="The newest deployment at the time of the adoption."
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
        """Whether the adopted state is newer than the deployment, and so the expected state."""
        return self.adopted_after is not None and self.adopted_after >= deployment_id
