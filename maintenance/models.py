"""How far the removal of old rows has come."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class RetentionProgress(models.Model):
    """The current pass of a policy, or the last one if it has ended.

    `cursor` is where the pass continues, `removed` what it has removed. Both are saved in the
    transaction that removes something, so that a pass survives a crash.
    """

    policy = models.CharField(max_length=40, primary_key=True)
    cursor = models.TextField(blank=True)
    removed = models.PositiveBigIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.removed} of {self.policy}"
