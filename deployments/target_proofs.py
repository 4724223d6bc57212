"""What has been written at a target with its present token: it proves rights that no read can."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from audit.models import Entry
from deployments import records
from deployments.cloudflare.parts import PartKind
from deployments.models import Deployment, Target
from deployments.tools import permissions
from workflows.codegen.bindings import BindingKind

RESOURCE_CREATED: Final = "resource created"
"""What the trail says of a resource that was made at a target; its detail holds the kind."""

_RECENT: Final = 100
_BY_PART: Final = {
    PartKind.ROUTE: permissions.ROUTES,
    PartKind.DOMAIN: permissions.ROUTES,
    PartKind.QUEUE: permissions.QUEUES,
}
_BY_KIND: Final = {
    BindingKind.KV: permissions.KV,
    BindingKind.D1: permissions.D1,
    BindingKind.R2: permissions.R2,
    BindingKind.QUEUE: permissions.QUEUES,
}


def proofs(target: Target) -> dict[str, str]:
    """Return the permissions to write that are proven, each with what has proven it last."""
    found: dict[str, str] = {}
    for permission, proof in (*_by_deployments(target), *_by_resources(target)):
        found.setdefault(permission, proof)
    return found


def _entries(target: Target, action: str) -> Iterator[Entry]:
    mine = Entry.objects.filter(subject_kind="target", subject_id=str(target.pk), action=action)
    return mine.order_by("-pk").iterator(chunk_size=_RECENT)


def _by_deployments(target: Target) -> Iterator[tuple[str, str]]:
    """Deployments that began after the token was set: an earlier token has had other rights."""
    mine = Deployment.objects.filter(records.went_live(), target=target)
    if token_set := next(_entries(target, "target token set"), None):
        mine = mine.filter(started_at__gt=token_set.at)
    for one in mine.order_by("-pk").only("parts")[:_RECENT]:
        proof = f"deployment #{one.pk}"
        yield permissions.SCRIPTS, proof
        for part in one.parts:
            kind = PartKind(part["kind"])
            if part["done"] and kind in _BY_PART:
                yield _BY_PART[kind], proof


def _by_resources(target: Target) -> Iterator[tuple[str, str]]:
    token_set = next(_entries(target, "target token set"), None)
    for entry in islice(_entries(target, RESOURCE_CREATED), _RECENT):
        if token_set and entry.pk < token_set.pk:
            return
        kind = BindingKind(entry.detail["kind"])
        yield _BY_KIND[kind], f"the {kind.label} {entry.detail['name']} that was created here"
