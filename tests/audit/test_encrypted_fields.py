from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from pydantic import SecretStr
from pytest_django import Settings

from audit.encrypted_fields import UnreadableSecret
from awaitstep_site.env import Environment
from workflows.models import EnvironmentVariable
from workflows.services import set_variable

pytestmark = pytest.mark.django_db


def use_keys(settings: Settings, *keys: str) -> None:
    settings.AWAITSTEP = Environment(encryption_keys=SecretStr(",".join(keys)))


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM workflows_environmentvariable")
        return str(cursor.fetchone()[0])


def test_a_value_is_not_readable_in_the_database() -> None:
    set_variable("TOKEN", "sentinel", is_secret=True)

    assert "sentinel" not in stored()
    assert EnvironmentVariable.objects.get().value == "sentinel"


def test_every_listed_key_decrypts_and_the_first_one_encrypts(settings: Settings) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    use_keys(settings, old)
    variable = set_variable("TOKEN", "sentinel")
    use_keys(settings, new, old)

    variable.refresh_from_db()
    variable.save()

    assert variable.value == "sentinel"
    assert Fernet(new).decrypt(stored()) == b"sentinel"


def test_a_secret_without_its_key_raises_an_error_that_says_what_to_do(
    settings: Settings,
) -> None:
    set_variable("TOKEN", "sentinel")
    use_keys(settings, Fernet.generate_key().decode())

    with pytest.raises(UnreadableSecret, match="AWAITSTEP_ENCRYPTION_KEYS") as raised:
        _ = EnvironmentVariable.objects.get().value
    assert str(raised.value).startswith("The value of the environment variable TOKEN cannot be")


def test_the_rest_of_a_row_can_be_changed_without_the_key_of_its_secret(
    settings: Settings,
) -> None:
    set_variable("TOKEN", "sentinel")
    before = stored()
    use_keys(settings, Fernet.generate_key().decode())

    variable = EnvironmentVariable.objects.get()
    variable.is_secret = True
    variable.save()

    assert EnvironmentVariable.objects.get().is_secret
    assert stored() == before


def test_a_secret_whose_key_is_lost_can_be_replaced(settings: Settings) -> None:
    set_variable("TOKEN", "sentinel", is_secret=True)
    use_keys(settings, Fernet.generate_key().decode())

    set_variable("TOKEN", "another")

    assert EnvironmentVariable.objects.get().value == "another"


def test_an_empty_value_needs_no_key() -> None:
    set_variable("EMPTY", "")

    assert stored() == ""
    assert EnvironmentVariable.objects.get().value == ""
