"""Locks on names, for what only one transaction may do at a time although no row represents it."""

from __future__ import annotations

from django.db import connection


def lock_until_commit(subject: str, name: str) -> None:
    """Wait until no other transaction has the lock, and keep it until this transaction ends.

    SQLite has one writer at a time, so it needs no locks.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            lock = "SELECT pg_advisory_xact_lock(hashtext(%s), hashtext(%s))"
            cursor.execute(lock, [f"awaitstep {subject}", name])
