"""Targets that need attention: their last check failed, or they were never checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from deployments.models import Deployment
from deployments.pipeline.stages import Status
from targets.cloudflare.errors import Cause
from targets.models import Target

_NEVER_CHECKED = "Its token and account have not been checked since it was saved."


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingTarget:
    """A target that needs attention; `message` is the reason."""

    target: Target
    message: str


def failing(targets: Iterable[Target]) -> list[FailingTarget]:
    """Return targets whose last check failed, with the first error, and targets never checked.

    A successful deployment proves the token of a target that was never checked.
    """
    candidates = list(targets)
    last = _last_proofs([target for target in candidates if _was_never_checked(target)])
    messages = [(target, _message(target, last.get(target.pk))) for target in candidates]
    return [
        FailingTarget(target=target, message=message) for target, message in messages if message
    ]


def _message(target: Target, last: Deployment | None) -> str:
    failed = next((row for row in target.checks if row.get("state") == "failed"), None)
    if failed is not None:
        return str(failed.get("message", ""))
    if not _was_never_checked(target):
        return ""
    if last is None:
        return _NEVER_CHECKED
    return "" if last.state is Status.SUCCEEDED else f"Deployment #{last.pk} failed: {last.message}"


def _was_never_checked(target: Target) -> bool:
    return target.checked_at is None and not target.embedded


def _last_proofs(targets: list[Target]) -> dict[int | None, Any]:
    """Return, by target, the last deployment that shows whether its token and account work."""
    if not targets:
        return {}
    is_proof = Q(status=Status.SUCCEEDED.value) | Q(cause=Cause.CREDENTIALS.value)
    proofs = Deployment.objects.filter(is_proof, target=OuterRef("pk")).order_by("-pk")
    rows = Target.objects.filter(pk__in=[target.pk for target in targets])
    last = rows.annotate(last=Subquery(proofs.values("pk")[:1])).values("last")
    deployments = Deployment.objects.filter(pk__in=last).only("target_id", "status", "message")
    return {deployment.target_id: deployment for deployment in deployments}
