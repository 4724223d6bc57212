"""Leases: which process is working on a deployment, and when it was last seen."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from deployments.models.deployment import Deployment


class ProcessLease(models.Model):
    """The process that works on something, and the time of its last heartbeat.

    `token` is a fencing token: a process that has lost its lease can change nothing more.
    """

    token = models.UUIDField(default=uuid.uuid4)
    host = models.CharField(max_length=255)
    boot_id = models.CharField(max_length=64)
    pid = models.PositiveIntegerField()
    pid_started = models.FloatField(help_text="Process start time in seconds since the epoch.")
    heartbeat_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True


class Lease(ProcessLease):
    """The lease on a running deployment, deleted when the deployment ends."""

    deployment = models.OneToOneField(Deployment, on_delete=models.CASCADE, related_name="lease")
    program_pid = models.PositiveIntegerField(null=True)
    program_started = models.FloatField(null=True)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} for deployment {self.deployment_id}"
