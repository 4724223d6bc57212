"""Model fields whose values are encrypted at rest."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.db.models.query_utils import DeferredAttribute

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


_UNNAMED: Final = "a stored secret"


class UnreadableSecret(Exception):
    """Values were encrypted with a key that AWAITSTEP_ENCRYPTION_KEYS no longer lists.

    `what` names each value, such as "the API token of the target prod".
    """

    def __init__(self, *what: str) -> None:
        self.what = what or (_UNNAMED,)
        values = " and ".join(self.what)
        super().__init__(
            f"{values[:1].upper()}{values[1:]} cannot be decrypted: its key is neither in "
            "AWAITSTEP_ENCRYPTION_KEYS nor in keys/encryption of the data directory. "
            "Add the old key after the current one, or enter the value again."
        )


@cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    """Return the text encrypted with the first of the configured keys."""
    return _fernet(tuple(settings.AWAITSTEP.fernet_keys)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Return the plain text; raises UnreadableSecret if no key fits."""
    try:
        return _fernet(tuple(settings.AWAITSTEP.fernet_keys)).decrypt(token.encode()).decode()
    except InvalidToken:
        raise UnreadableSecret from None


def uses_first_key(token: str) -> bool:
    """Return whether the text was encrypted with the first of the configured keys."""
    try:
        _fernet((settings.AWAITSTEP.fernet_keys[0],)).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


class _Encrypted(str):
    """A stored value that has not been decrypted yet."""

    __slots__ = ()


class _Decrypting(DeferredAttribute):
    """Decrypts a value on first access, so that its row can be listed and saved without the key."""

    field: EncryptedTextField

    def __get__(self, instance: models.Model | None, cls: type[models.Model] | None = None) -> Any:
        value = super().__get__(instance, cls)
        if instance is not None and isinstance(value, _Encrypted):
            value = instance.__dict__[self.field.attname] = self.field.decrypted(value, instance)
        return value

    def __set__(self, instance: models.Model, value: object) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(_TextField):
    """Text that is plain in Python and a Fernet token in the database; empty text stays empty.

    Reading the attribute raises UnreadableSecret if no key fits; loading its row does not.
    """

    descriptor_class = _Decrypting

    def get_prep_value(self, value: str | None) -> str | None:
        is_unchanged = not value or isinstance(value, _Encrypted)
        return value if is_unchanged else encrypt(str(value))

    def from_db_value(
        self, value: str | None, _expression: object, _connection: BaseDatabaseWrapper
    ) -> str | None:
        return _Encrypted(value) if value else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: FBT001 - Django's
        stored = model_instance.__dict__.get(self.attname)
        return stored if isinstance(stored, _Encrypted) else super().pre_save(model_instance, add)

    def decrypted(self, stored: str, row: models.Model) -> str:
        """Return the plain text; raises UnreadableSecret, which names the row."""
        try:
            return decrypt(stored)
        except UnreadableSecret:
            kind = row._meta.verbose_name
            raise UnreadableSecret(f"the {self.verbose_name} of the {kind} {row}") from None
