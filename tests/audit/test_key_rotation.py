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
from audit.models import Entry
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

    assert names == {
        "AlertChannel.secret",
        "AlertChannel.url",
        "EnvironmentVariable.value",
        "MaskedValue.value",
        "Target.api_token",
    }


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


def test_servers_that_are_restarted_one_by_one_read_each_others_secrets(settings: Settings) -> None:
    for keys in ((OLD,), (OLD, NEW), (NEW, OLD)):
        use_keys(settings, *keys)
        set_variable(f"BY_{len(EnvironmentVariable.objects.all())}", "written")

    for keys in ((OLD, NEW), (NEW, OLD)):
        use_keys(settings, *keys)
        assert {each.value for each in EnvironmentVariable.objects.all()} == {"written"}


def add_with_old_key(name: str) -> None:
    token = Fernet(OLD).encrypt(b"late").decode()
    set_variable(name, "late")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE workflows_environmentvariable SET value = %s WHERE name = %s", [token, name]
        )


@pytest.mark.parametrize("servers_add", [1, 100])
def test_what_a_server_adds_with_the_old_key_is_found_or_reported(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, servers_add: int
) -> None:
    use_keys(settings, OLD)
    set_variable("FIRST", "early")
    use_keys(settings, NEW, OLD)
    added: list[str] = []
    update = QuerySet.update

    def update_while_a_server_adds(rows: QuerySet[Any], **values: Any) -> int:
        if rows.model is EnvironmentVariable and len(added) < servers_add:
            added.append(f"ADDED_{len(added)}")
            add_with_old_key(added[-1])
        return update(rows, **values)

    monkeypatch.setattr(QuerySet, "update", update_while_a_server_adds)
    if servers_add > 1:
        with pytest.raises(CommandError, match="still encrypts with an earlier key"):
            call_command("rotate_encryption_key")
        return
    call_command("rotate_encryption_key", stdout=io.StringIO())
    use_keys(settings, NEW)

    assert {each.value for each in EnvironmentVariable.objects.all()} == {"early", "late"}


def test_a_second_rotation_changes_nothing_and_each_is_on_the_trail(rotated: Settings) -> None:
    before = stored()
    call_command("rotate_encryption_key", stdout=io.StringIO())

    assert stored() == before
    entries = Entry.objects.filter(action="encryption key rotated")
    assert [entry.detail["secrets"] for entry in entries] == [0, 3]
