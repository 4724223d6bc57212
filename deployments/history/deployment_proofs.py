"""Deployments as proof of token permissions that no read request can check."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from deployments.history import records
from deployments.models import Deployment
from targets.cloudflare import token_permissions
from targets.cloudflare.worker_parts import PartKind
from targets.models import Target

_RECENT: Final = 100
_BY_PART: Final = {
    PartKind.ROUTE: token_permissions.ROUTES,
    PartKind.DOMAIN: token_permissions.ROUTES,
    PartKind.QUEUE: token_permissions.QUEUES,
}


def proven_by_deployments(target: Target, token_set: datetime | None) -> Iterator[tuple[str, str]]:
    """Yield (permission, proof) from deployments since the token was set, newest first."""
    deployments = Deployment.objects.filter(records.went_live(), target=target)
    if token_set:
        deployments = deployments.filter(started_at__gt=token_set)
    for deployment in deployments.order_by("-pk").only("parts")[:_RECENT]:
        proof = f"deployment #{deployment.pk}"
        yield token_permissions.SCRIPTS, proof
        for part in deployment.parts:
            kind = PartKind(part["kind"])
            if part["done"] and kind in _BY_PART:
                yield _BY_PART[kind], proof
