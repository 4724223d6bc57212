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


_SOMETHING: Final = "a stored secret"


class UnreadableSecret(Exception):
    """Values were encrypted with a key that is no longer among AWAITSTEP_ENCRYPTION_KEYS.

    `what` names each: the API token of the target prod.
    """

    def __init__(self, *what: str) -> None:
        self.what = what or (_SOMETHING,)
        named = " and ".join(self.what)
        super().__init__(
            f"{named[:1].upper()}{named[1:]} cannot be decrypted: the key that encrypted it is not "
            "among AWAITSTEP_ENCRYPTION_KEYS (nor in keys/encryption of the data directory). "
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


class _Encrypted(str):
    """A value as the database has it: nobody has read it yet."""

    __slots__ = ()


class _Decrypting(DeferredAttribute):
    """Decrypts a value when it is read: its row is listed, changed and saved without the key too."""

    field: EncryptedTextField

    def __get__(self, instance: models.Model | None, cls: type[models.Model] | None = None) -> Any:
        value = super().__get__(instance, cls)
        if instance is not None and isinstance(value, _Encrypted):
            value = instance.__dict__[self.field.attname] = self.field.decrypted(value, instance)
        return value

    def __set__(self, instance: models.Model, value: object) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(_TextField):
    """Text that is plain in Python and a Fernet token in the database; no text is no token.

    Reading the attribute raises UnreadableSecret where no key fits, loading its row never does.
    """

    descriptor_class = _Decrypting

    def get_prep_value(self, value: str | None) -> str | None:
        is_stored_as_it_is = not value or isinstance(value, _Encrypted)
        return value if is_stored_as_it_is else encrypt(str(value))

    def from_db_value(
        self, value: str | None, _expression: object, _connection: BaseDatabaseWrapper
    ) -> str | None:
        return _Encrypted(value) if value else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: FBT001 - Django's
        stored = model_instance.__dict__.get(self.attname)
        return stored if isinstance(stored, _Encrypted) else super().pre_save(model_instance, add)

    def decrypted(self, stored: str, row: models.Model) -> str:
        """Return the text; raises UnreadableSecret, which names the row."""
        try:
            return decrypt(stored)
        except UnreadableSecret:
            kind = row._meta.verbose_name
            raise UnreadableSecret(f"the {self.verbose_name} of the {kind} {row}") from None
