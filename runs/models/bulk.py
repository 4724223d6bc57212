"""Changes to many runs, and which process is working on them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils import timezone

from deployments.models import Deployment, ProcessLease


class BulkChange(models.Model):
    """One action on many runs, with its progress; `query` is the filter of the list.

    `run_ids` are the runs to change. `starts` are the runs of `deployment` that a batch starts: their
    ids and payloads, deleted when it ends. `rolls_back` is set if terminated runs are undone first. `existing` counts those that already existed, `failed`
    those that were refused.
    """

    action = models.CharField(max_length=20)
    rolls_back = models.BooleanField(default=False)
    query = models.CharField(max_length=500, blank=True)
    reason = models.TextField(blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    by_name = models.CharField(max_length=150, blank=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    existing = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    errors = models.JSONField(default=list)
    run_ids = models.JSONField(default=list)
    starts = models.JSONField(default=list)
    deployment = models.ForeignKey(
        Deployment, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    workflow_name = models.CharField("Workflow", max_length=64, blank=True)
    waits_until = models.DateTimeField(null=True, help_text="When the target accepts calls again.")
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.action} of {self.total} run{pluralize(self.total)}"

    def get_absolute_url(self) -> str:
        return reverse("runs:bulk_progress", args=[self.pk])

    @property
    def processed(self) -> int:
        """How many runs have a result."""
        return self.done + self.existing + self.failed

    @property
    def remaining(self) -> int:
        return self.total - self.processed


class BulkLease(ProcessLease):
    """Which process is working on a bulk change; deleted when the change ends."""

    change = models.OneToOneField(BulkChange, on_delete=models.CASCADE, related_name="lease")

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} for {self.change_id}"
