"""The outputs of the programs that deployments run."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from deployments.models.deployment import Deployment


class ProgramOutput(models.Model):
    """The output of a program run by a deployment, stored redacted."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="outputs")
    program = models.CharField(max_length=60)
    exit_code = models.IntegerField(
        null=True, help_text="Empty if it was stopped at its time limit."
    )
    seconds = models.FloatField()
    text = models.TextField(blank=True)
    ended_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.program} of deployment {self.deployment_id}"
