"""Rotation of the encryption key: from the old one to both to the new one alone."""

from __future__ import annotations

import io
from typing import Any

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import QuerySet
from pytest_django import Settings

from audit.key_rotation import encrypted_fields
from targets.models import Target
from tests.audit.test_encrypted_fields import use_keys
from tests.deployments.factories import make_target
from workflows.models import EnvironmentVariable
from workflows.services import set_variable

pytestmark = pytest.mark.django_db
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def rotated(settings: Settings) -> Settings:
    """Settings and secrets after the rotation from the old key to the new one."""
    use_keys(settings, OLD)
    set_variable("TOKEN", "of-a-variable", is_secret=True)
    make_target(api_token="of-a-target")
    use_keys(settings, NEW, OLD)
    call_command("rotate_encryption_key", stdout=io.StringIO())
    return settings


def stored() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT value FROM workflows_environmentvariable "
            "UNION SELECT api_token FROM targets_target"
        )
        return [str(row[0]) for row in cursor.fetchall()]


def test_the_new_key_alone_decrypts_all_secrets(rotated: Settings) -> None:
    use_keys(rotated, NEW)

    assert EnvironmentVariable.objects.get().value == "of-a-variable"
    assert Target.objects.get(name="account").api_token == "of-a-target"


def test_the_old_key_no_longer_decrypts_anything(rotated: Settings) -> None:
    for value in stored():
        with pytest.raises(InvalidToken):
            Fernet(OLD).decrypt(value)


def test_every_encrypted_field_is_rotated() -> None:
    names = {f"{model.__name__}.{field.name}" for model, field in encrypted_fields()}

    assert names == {"EnvironmentVariable.value", "MaskedValue.value", "Target.api_token"}


def test_a_secret_whose_key_is_not_listed_is_an_error(settings: Settings) -> None:
    use_keys(settings, OLD)
    set_variable("TOKEN", "lost", is_secret=True)
    use_keys(settings, NEW)

    with pytest.raises(CommandError, match="AWAITSTEP_ENCRYPTION_KEYS"):
        call_command("rotate_encryption_key")


def test_secrets_can_be_read_and_changed_during_the_rotation(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_keys(settings, OLD)
    for name in ("FIRST", "SECOND", "THIRD"):
        set_variable(name, f"of-{name}", is_secret=True)
    use_keys(settings, NEW, OLD)
    update, read = QuerySet.update, []

    def update_with_concurrent_change(rows: QuerySet[Any], **values: Any) -> int:
        if rows.model is not EnvironmentVariable:
            return update(rows, **values)
        variables = EnvironmentVariable.objects.order_by("pk")
        read.append([variable.value for variable in variables])
        if len(read) == 1:
            last = variables.last()
            assert last
            last.value = "changed"
            last.save()
        return update(rows, **values)

    monkeypatch.setattr(QuerySet, "update", update_with_concurrent_change)
    call_command("rotate_encryption_key", stdout=io.StringIO())
    use_keys(settings, NEW)

    assert read[0] == ["of-FIRST", "of-SECOND", "of-THIRD"]
    assert read[1:] == [["of-FIRST", "of-SECOND", "changed"]] * 2
    assert [variable.value for variable in EnvironmentVariable.objects.order_by("pk")] == read[-1]
