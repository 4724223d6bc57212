"""Targets: where workflows are deployed to, and the rules for that."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.core.validators import URLValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from audit.encrypted_fields import EncryptedTextField

CLOUDFLARE_API = "https://api.cloudflare.com/client/v4"


class Target(models.Model):
    """A place to deploy to: a Cloudflare account, or the embedded platform of this installation.

    The row of the embedded platform holds no address and no token: they come from the settings and
    the data directory.
    """

    name = models.SlugField(max_length=60, unique=True)
    embedded = models.BooleanField("embedded platform", default=False, editable=False)
    account_id = models.CharField(max_length=32)
    api_token = EncryptedTextField("API token", blank=True)
    api_base_url = models.CharField(
        "API base URL",
        max_length=200,
        default=CLOUDFLARE_API,
        validators=[URLValidator(["https", "http"])],
    )
    is_default = models.BooleanField("default", default=False)
    protected = models.BooleanField(
        default=False,
        help_text="Only the groups below may deploy to it, and a deploy asks for the workflow's name.",
    )
    deployers = models.ManyToManyField(
        Group,
        blank=True,
        related_name="+",
        help_text="Groups that may deploy to it while it is protected. Superusers always may.",
    )
    requires_tests = models.BooleanField(
        default=False,
        help_text="A version can be deployed to it only if all of its tests pass.",
    )
    frozen_from = models.DateTimeField(null=True, blank=True)
    frozen_until = models.DateTimeField(null=True, blank=True)
    frozen_reason = models.CharField(
        "reason", max_length=300, blank=True, help_text="Shown to anyone who tries to deploy."
    )
    checks = models.JSONField(default=list, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-is_default", "name"]
        permissions = [
            ("check_target", "Can check a target and view its resources"),
            ("override_freeze", "Can deploy to a frozen target"),
            ("override_tests", "Can deploy although required tests fail"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="one_default_target",
                violation_error_message="Another target is already the default.",
            ),
            models.UniqueConstraint(
                fields=["embedded"], condition=Q(embedded=True), name="one_embedded_platform"
            ),
            models.CheckConstraint(
                condition=Q(frozen_from=None, frozen_until=None)
                | Q(frozen_from__isnull=False, frozen_until=None)
                | Q(frozen_from__isnull=False, frozen_until__gt=models.F("frozen_from")),
                name="freeze_ends_after_start",
                violation_error_message="A freeze needs a start, and its end must be later.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_frozen(self) -> bool:
        """Whether the freeze is in effect now; without an end it lasts until it is lifted."""
        now = timezone.now()
        has_started = self.frozen_from is not None and self.frozen_from <= now
        return has_started and (self.frozen_until is None or now < self.frozen_until)
