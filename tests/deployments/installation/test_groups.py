from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User

from deployments.installation.groups import ROLES, create_groups

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ROLES)
def test_a_role_has_its_permissions(name: str) -> None:
    user = User.objects.create_user("ada", is_staff=True)
    user.groups.add(Group.objects.get(name=name))

    assert user.has_perms(ROLES[name])
    assert user.get_all_permissions() == set(ROLES[name])


def test_only_an_administrator_may_override_a_freeze() -> None:
    may = Group.objects.filter(permissions__codename="override_freeze")

    assert [group.name for group in may] == ["Administrator"]


def test_a_changed_role_is_left_unchanged() -> None:
    group = Group.objects.get(name="Viewer")
    group.permissions.clear()

    create_groups()

    assert not group.permissions.exists()
