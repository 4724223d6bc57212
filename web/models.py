"""Recent attempts to log in, for the limit on them, and the processes that are elected for a task."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class LoginAttempt(models.Model):
    """An attempt to log in that has not succeeded. `name_hash` identifies the name that was entered.

    The name itself is not stored, because people enter passwords there by mistake.
    """

    name_hash = models.CharField(max_length=64)
    address = models.CharField(max_length=45, blank=True)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["name_hash", "address", "at"], name="login_attempts_by_name"),
            models.Index(fields=["address", "at"], name="login_attempts_by_address"),
        ]

    def __str__(self) -> str:
        return f"login attempt {self.pk}"


class ElectedProcess(models.Model):
    """The process of the installation that does a task, such as polling, and when it last confirmed that."""

    task = models.CharField(max_length=20, primary_key=True)
    holder = models.UUIDField()
    beat_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.task} {self.holder}"
