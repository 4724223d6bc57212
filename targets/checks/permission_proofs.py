"""Proofs of write permissions, which no read can show.

A proof is a successful write to the target with its current token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Final

from audit.models import Entry
from targets.cloudflare import token_permissions
from targets.models import Target
from workflows.ir.reading.bindings import BindingKind

RESOURCE_CREATED: Final = "resource created"
"""The audit action for a resource created on a target; its detail holds the kind and name."""

Source = Callable[[Target, datetime | None], Iterator[tuple[str, str]]]
"""Yields (permission, proof), newest first, for writes after the token was set."""

_RECENT: Final = 100
_BY_KIND: Final = {
    BindingKind.KV: token_permissions.KV,
    BindingKind.D1: token_permissions.D1,
    BindingKind.R2: token_permissions.R2,
    BindingKind.QUEUE: token_permissions.QUEUES,
}


def proofs(target: Target) -> dict[str, str]:
    """Return the proven write permissions, each with its latest proof."""
    token_set = next(_entries(target, "target token set"), None)
    proven: dict[str, str] = {}
    for source in _sources:
        for permission, proof in source(target, token_set.at if token_set else None):
            proven.setdefault(permission, proof)
    for permission, proof in _created_resources(target, token_set):
        proven.setdefault(permission, proof)
    return proven


_sources: list[Source] = []


def register(source: Source) -> None:
    """Register a source of proofs, from the `ready` method of an app above this one."""
    _sources.append(source)


def _entries(target: Target, action: str) -> Iterator[Entry]:
    entries = Entry.objects.filter(subject_kind="target", subject_id=str(target.pk), action=action)
    return entries.order_by("-pk").iterator(chunk_size=_RECENT)


def _created_resources(target: Target, token_set: Entry | None) -> Iterator[tuple[str, str]]:
    for entry in islice(_entries(target, RESOURCE_CREATED), _RECENT):
        if token_set and entry.pk < token_set.pk:
            return
        kind = BindingKind(entry.detail["kind"])
        yield _BY_KIND[kind], f"the {kind.label} {entry.detail['name']}, which was created here"
