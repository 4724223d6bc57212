"""Rotation of the encryption key: every stored secret is encrypted anew by the first key."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import connection, models

from audit.fields import EncryptedTextField, decrypt, encrypt


def encrypted_fields() -> Iterator[tuple[type[models.Model], EncryptedTextField]]:
    """Yield each model with each of its encrypted fields."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field


def encrypt_anew() -> int:
    """Encrypt every secret by the first key and return how many; the server may go on meanwhile.

    A value that somebody changes in between stays as it was changed. Raises UnreadableSecret where
    the key of one is not listed; those before it are encrypted anew by then.
    """
    return sum(_rewrite(model, field) for model, field in encrypted_fields())


def _rewrite(model: type[models.Model], field: EncryptedTextField) -> int:
    quote = connection.ops.quote_name
    table, column = quote(model._meta.db_table), quote(str(field.column))
    key = quote(str(model._meta.pk.column)) if model._meta.pk else ""
    changed = 0
    with connection.cursor() as cursor:  # raw: the field itself shows no ciphertext
        cursor.execute(f"SELECT {key}, {column} FROM {table}")  # noqa: S608 - names of our models
        for pk, old in cursor.fetchall():
            if old is None:
                continue
            cursor.execute(
                f"UPDATE {table} SET {column} = %s WHERE {key} = %s AND {column} = %s",  # noqa: S608
                [encrypt(decrypt(old)), pk, old],
            )
            changed += cursor.rowcount
    return changed
