from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from deployments.models.deployment import Deployment


class ProcessLease(models.Model):
    """Which process has something in its hands, and when its heart has beaten last.

    `token` fences: a worker whose lease was taken away finds it gone and changes nothing more.
    """

    token = models.UUIDField(default=uuid.uuid4)
    host = models.CharField(max_length=255)
    boot_id = models.CharField(max_length=64)
    pid = models.PositiveIntegerField()
    pid_started = models.FloatField(help_text="Start of the process in seconds since the epoch.")
    heartbeat_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True


class Lease(ProcessLease):
    """Who works on a running deployment; it ends with the deployment."""

    deployment = models.OneToOneField(Deployment, on_delete=models.CASCADE, related_name="lease")
    program_pid = models.PositiveIntegerField(null=True)
    program_started = models.FloatField(null=True)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} for deployment {self.deployment_id}"
