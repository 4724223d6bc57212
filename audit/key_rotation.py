"""Rotation of the encryption key: every stored secret is encrypted anew by the first key."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import models

from audit.encrypted_fields import EncryptedTextField


def encrypted_fields() -> Iterator[tuple[type[models.Model], EncryptedTextField]]:
    """Yield each model with each of its encrypted fields."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field


def reencrypt_secrets() -> int:
    """Encrypt every secret by the first key and return how many; the server may go on meanwhile.

    A value that somebody changes in between stays as it was changed. Raises UnreadableSecret where
    the key of one is not listed; those before it are encrypted anew by then.
    """
    return sum(_rewrite(model, field) for model, field in encrypted_fields())


def _rewrite(model: type[models.Model], field: EncryptedTextField) -> int:
    name, rows = field.attname, model._default_manager
    changed = 0
    for row in rows.exclude(**{name: ""}):
        was_stored = {name: row.__dict__[name]}  # as the database has it, until it is read
        mine = rows.filter(pk=row.pk, **was_stored)
        changed += mine.update(**{name: getattr(row, name)})
    return changed
