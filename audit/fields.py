"""Model fields whose values are encrypted at rest."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class UnreadableSecret(Exception):
    """The value was encrypted with a key that is no longer among AWAITSTEP_ENCRYPTION_KEYS."""

    def __init__(self) -> None:
        super().__init__(
            "A stored secret cannot be decrypted: the key that encrypted it is not among "
            "AWAITSTEP_ENCRYPTION_KEYS (nor in keys/encryption of the data directory). "
            "Add the old key after the current one, or set the value anew."
        )


@cache
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    return _box(tuple(settings.AWAITSTEP.fernet_keys)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Raises UnreadableSecret where no key fits."""
    try:
        return _box(tuple(settings.AWAITSTEP.fernet_keys)).decrypt(token.encode()).decode()
    except InvalidToken:
        raise UnreadableSecret from None


class EncryptedTextField(_TextField):
    """Text that is plain in Python and a Fernet token in the database."""

    def get_prep_value(self, value: str | None) -> str | None:
        return None if value is None else encrypt(str(value))

    def from_db_value(
        self, value: str | None, _expression: object, _connection: BaseDatabaseWrapper
    ) -> str | None:
        return None if value is None else decrypt(value)
