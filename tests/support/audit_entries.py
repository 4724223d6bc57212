"""The audit trail without what fixtures leave there: logins, users and groups."""

from __future__ import annotations

from audit.models import AppendOnlyQuerySet, Entry


def entries() -> AppendOnlyQuerySet:
    """Return the entries, newest first, that are not about users and groups."""
    return Entry.objects.exclude(subject_kind__in=["user", "group"])


def refused_streams() -> list[tuple[str, str, int]]:
    """Return who was refused which stream, and how many times."""
    found = Entry.objects.filter(action="access denied", subject_kind="stream")
    return sorted(found.values_list("actor_name", "subject_name", "count"))
