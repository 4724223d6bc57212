"""The audit trail: one append-only table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import F
from django.utils import timezone

_APPEND_ONLY = "The audit trail is append-only."


class AppendOnlyQuerySet(models.QuerySet["Entry"]):
    """Rows that no query can change or delete; only the count of repeated refusals grows.

    The retention removes entries that are older than its setting.
    """

    def update(self, **_fields: Any) -> NoReturn:
        raise TypeError(_APPEND_ONLY)

    def delete(self) -> NoReturn:
        raise TypeError(_APPEND_ONLY)

    def remove_by_retention(self, keys: Sequence[int]) -> int:
        """Delete old entries, and return how many; only the retention of the trail may do this."""
        return models.QuerySet.delete(self.filter(pk__in=keys))[0]

    def count_again(self, pk: int, *, at: datetime) -> bool:
        """Count one more occurrence on the entry; return whether the entry exists."""
        entry = self.filter(pk=pk)
        return bool(models.QuerySet.update(entry, count=F("count") + 1, last_at=at))


class Entry(models.Model):
    """Who did what to which object, when and why. It outlives the user and the object.

    `detail` holds names and numbers, never the value of a secret.
    """

    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor_name = models.CharField("by", max_length=150, blank=True)
    action = models.CharField(max_length=60)
    subject_kind = models.CharField("kind", max_length=40)
    subject_id = models.CharField("id", max_length=64, blank=True)
    subject_name = models.CharField("subject", max_length=300, blank=True)
    reason = models.TextField(blank=True)
    detail = models.JSONField(default=dict)
    count = models.PositiveIntegerField(
        default=1, help_text="How many times this was refused within an hour."
    )
    last_at = models.DateTimeField(
        null=True, help_text="The time of the last refusal, if there were several."
    )

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "audit entry"
        verbose_name_plural = "audit trail"
        indexes = [models.Index(fields=["subject_kind", "subject_id"], name="trail_of_a_subject")]

    def __str__(self) -> str:
        return f"{self.actor_name or 'someone'} {self.action} {self.subject_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(_APPEND_ONLY)
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise TypeError(_APPEND_ONLY)
