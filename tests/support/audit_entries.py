"""The audit trail without what fixtures leave there: logins, users and groups."""

from __future__ import annotations

from audit.models import AppendOnlyQuerySet, Entry


def entries() -> AppendOnlyQuerySet:
    """Return the entries, newest first, that are not about users and groups."""
    return Entry.objects.exclude(subject_kind__in=["user", "group"])
