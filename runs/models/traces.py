"""The times of the steps of runs, which are kept until they have been exported as traces."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from runs.models.run import Run


class RunTrace(models.Model):
    """How a run ended, with the times of its steps and their attempts, but without outputs.

    `data` is deleted when it has been exported; the row remains, so that no ending is exported twice.
    """

    run = models.OneToOneField(
        Run, primary_key=True, on_delete=models.CASCADE, related_name="trace"
    )
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    data = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    exported_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=models.Q(exported_at=None),
                name="run_traces_to_export",
            )
        ]

    def __str__(self) -> str:
        return f"trace of {self.run_id}"
