"""Targets that need somebody: those whose check failed, and those that were never checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from deployments.models import Deployment
from deployments.pipeline.stages import Status
from targets.cloudflare.errors import Cause
from targets.models import Target

_NOT_KNOWN = (
    "Nobody knows whether its token and its account are right: it was saved and not checked since."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingTarget:
    """A target with what there is to say of it."""

    target: Target
    message: str


def failing(targets: Iterable[Target]) -> list[FailingTarget]:
    """Return those whose last check failed, each with the first reason, and those never checked.

    What was never checked needs nobody where a deployment has succeeded since.
    """
    all_ = list(targets)
    told = _told([one for one in all_ if _was_never_checked(one)])
    said = [(one, _said(one, told.get(one.pk))) for one in all_]
    return [FailingTarget(target=one, message=message) for one, message in said if message]


def _said(target: Target, last: Deployment | None) -> str:
    row = next((row for row in target.checks if row.get("state") == "failed"), None)
    if row is not None:
        return str(row.get("message", ""))
    if not _was_never_checked(target):
        return ""
    if last is None:
        return _NOT_KNOWN
    return "" if last.state is Status.SUCCEEDED else f"Deployment #{last.pk} failed: {last.message}"


def _was_never_checked(target: Target) -> bool:
    return target.checked_at is None and not target.embedded


def _told(targets: list[Target]) -> dict[int | None, Any]:
    """Return for each target the last deployment that says whether its token and account are right."""
    if not targets:
        return {}
    telling = Q(status=Status.SUCCEEDED.value) | Q(cause=Cause.CREDENTIALS.value)
    mine = Deployment.objects.filter(telling, target=OuterRef("pk")).order_by("-pk")
    known = Target.objects.filter(pk__in=[one.pk for one in targets])
    last = known.annotate(last=Subquery(mine.values("pk")[:1])).values("last")
    shown = Deployment.objects.filter(pk__in=last).only("target_id", "status", "message")
    return {one.target_id: one for one in shown}
