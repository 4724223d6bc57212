"""Rotation of the encryption key: encrypt every stored secret with the first key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.apps import apps
from django.db import models

from audit.encrypted_fields import EncryptedTextField, UnreadableSecret, uses_first_key

_PASSES: Final = 5


class EarlierKeyInUse(Exception):
    """While values are encrypted with the first key, a server keeps adding some with another one."""

    def __init__(self) -> None:
        super().__init__(
            "A server still encrypts with an earlier key. Put the new key first on every server, "
            "restart the servers, and run this command again."
        )


def encrypted_fields() -> Iterator[tuple[type[models.Model], EncryptedTextField]]:
    """Yield every encrypted field with its model."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field


def reencrypt_secrets() -> int:
    """Encrypt every secret with the first key and return how many; the server may keep running.

    A value that changes during the rotation keeps its new content. Raises UnreadableSecret at the
    first value whose key is missing; the values before it stay rotated. Where no one can enter the
    value again (`can_be_entered_again = False` on the model), it is skipped instead.

    A server that still encrypts with an earlier key may add values in the meantime, so this looks again
    until there are none. Raises EarlierKeyInUse if there are always more.
    """
    total = 0
    for _ in range(_PASSES):
        changed = sum(_rewrite(model, field) for model, field in encrypted_fields())
        if not changed:
            return total
        total += changed
    raise EarlierKeyInUse


def unreadable_secrets() -> list[str]:
    """Return what no configured key decrypts, such as "the API token of the target prod"."""
    return [
        what
        for model, field in encrypted_fields()
        for row in model._default_manager.exclude(**{field.attname: ""}).order_by("pk")
        for what in _unreadable(row, field.attname)
    ]


def _unreadable(row: models.Model, name: str) -> tuple[str, ...]:
    try:
        getattr(row, name)
    except UnreadableSecret as error:
        return error.what
    return ()


def _rewrite(model: type[models.Model], field: EncryptedTextField) -> int:
    name, rows = field.attname, model._default_manager
    changed = 0
    for row in rows.exclude(**{name: ""}):
        stored = {name: row.__dict__[name]}  # still encrypted: reading the attribute decrypts it
        if uses_first_key(stored[name]):
            continue
        unchanged = rows.filter(pk=row.pk, **stored)
        try:
            changed += unchanged.update(**{name: getattr(row, name)})
        except UnreadableSecret:
            if getattr(model, "can_be_entered_again", True):
                raise
    return changed
