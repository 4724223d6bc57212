"""How far the export of traces has come."""

from __future__ import annotations

import uuid

from django.db import models


class TraceExport(models.Model):
    """The installation's id, from which the ids of all traces derive, and how far they are exported.

    Deployments that ended with the stage records after `first`, up to `last`, are exported.
    """

    name = models.CharField(max_length=20, primary_key=True, default="traces")
    installation = models.UUIDField(default=uuid.uuid4)
    first = models.PositiveBigIntegerField(default=0)
    last = models.PositiveBigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"traces up to stage record {self.last}"
