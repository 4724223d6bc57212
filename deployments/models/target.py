from __future__ import annotations

from django.core.validators import URLValidator
from django.db import models
from django.db.models import Q

from audit.fields import EncryptedTextField

CLOUDFLARE_API = "https://api.cloudflare.com/client/v4"


class Target(models.Model):
    """Where to deploy: a Cloudflare account, or the embedded platform of this installation.

    The embedded platform's address and token follow from the settings and the data directory, so
    its row holds neither.
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
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-is_default", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="one_default_target",
                violation_error_message="Another target is the default already.",
            ),
            models.UniqueConstraint(
                fields=["embedded"], condition=Q(embedded=True), name="one_embedded_platform"
            ),
        ]

    def __str__(self) -> str:
        return self.name
