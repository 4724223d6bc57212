"""API keys, requests that can be repeated safely, and the counts of requests."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class ApiKey(models.Model):
    """A key of a user, who bounds what it may do. Only its hash is stored.

    The key can only be used for what has its id in `workflows` and `targets`, unless they are None. They
    are not relations, because a key whose workflow is deleted must not become unrestricted.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys"
    )
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField()
    workflows = models.JSONField(null=True, blank=True)
    targets = models.JSONField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    revoked_by = models.CharField(max_length=150, blank=True, editable=False)

    class Meta:
        ordering = ["-pk"]
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        permissions = [("manage_apikey", "Can see and revoke the API keys of all users")]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The name, and the start of the key: enough to recognize it."""
        return f"{self.name} ({self.prefix}…)"

    @property
    def state(self) -> str:
        """ "active", "expired" or "revoked"."""
        if self.revoked_at is not None:
            return "revoked"
        is_expired = self.expires_at is not None and self.expires_at <= timezone.now()
        return "expired" if is_expired else "active"


class IdempotentRequest(models.Model):
    """A POST with an `Idempotency-Key`: its response is sent again if the request is repeated.

    `caller` is the key or the user, `fingerprint` a keyed hash of the method, the path and the body.
    Without a `status`, the request is still being processed.
    """

    caller = models.CharField(max_length=40)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["caller", "key"], name="idempotency_key_is_unique")
        ]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"


class RequestCount(models.Model):
    """How many requests the processes have reported for a bucket, within one window of time."""

    bucket = models.CharField(max_length=100)
    window = models.PositiveIntegerField(db_index=True)
    count = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["bucket", "window"], name="bucket_is_counted_once")
        ]

    def __str__(self) -> str:
        return f"{self.bucket}: {self.count}"
