"""The default roles, and what each may do on the pages."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client

from deployments.installation.groups import ADMINISTRATOR, ROLES
from tests.deployments.factories import make_workflow
from tests.support.page_text import text

pytestmark = pytest.mark.django_db


def log_in_as(role: str) -> tuple[User, Client]:
    user, client = User.objects.create_user("ada", is_staff=True), Client()
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    return user, client


@pytest.mark.parametrize("name", ROLES)
def test_a_role_has_its_permissions(name: str) -> None:
    user, _ = log_in_as(name)

    assert user.has_perms(ROLES[name])
    assert user.get_all_permissions() == set(ROLES[name])


def test_an_administrator_can_manage_users_and_groups() -> None:
    _, client = log_in_as(ADMINISTRATOR)

    statuses = [
        client.get(f"/admin/{page}").status_code
        for page in ("auth/user/", "auth/user/add/", "auth/group/", "auth/group/add/")
    ]

    assert statuses == [200] * 4


@pytest.mark.parametrize("name", ROLES)
def test_no_other_role_can_manage_users_and_groups(name: str) -> None:
    _, client = log_in_as(name)

    pages = ("auth/user/", "auth/user/add/", "auth/group/", "auth/group/add/")

    assert {client.get(f"/admin/{page}").status_code for page in pages} == {403}


@pytest.mark.parametrize("permission", ["override_freeze", "override_tests"])
def test_only_an_administrator_may_override_the_rules_of_a_target(permission: str) -> None:
    may = Group.objects.filter(permissions__codename=permission)

    assert [group.name for group in may] == [ADMINISTRATOR]


def test_an_administrator_has_every_permission_of_our_apps_and_of_users() -> None:
    user, _ = log_in_as(ADMINISTRATOR)

    apps = {permission.partition(".")[0] for permission in user.get_all_permissions()}

    assert {"audit", "auth", "deployments", "runs", "targets", "workflows"} <= apps
    assert user.has_perms(["auth.change_user", "auth.change_group", "auth.add_user"])


def test_each_migration_adds_missing_groups_and_permissions() -> None:
    Group.objects.get(name="Deployer").delete()
    for group in Group.objects.all():
        group.permissions.clear()

    call_command("migrate", verbosity=0)

    for name, permissions in ROLES.items():
        assert Group.objects.get(name=name).permissions.count() == len(set(permissions))
    administrator = Group.objects.get(name=ADMINISTRATOR)
    assert administrator.permissions.filter(content_type__app_label="auth").count() >= 8


def test_permissions_that_were_added_to_a_role_remain() -> None:
    group = Group.objects.get(name="Viewer")
    extra = Permission.objects.get(codename="trigger_run")
    group.permissions.add(extra)

    call_command("migrate", verbosity=0)

    assert extra in group.permissions.all()


def test_a_permission_that_is_missing_comes_with_those_who_can_grant_it() -> None:
    _, client = log_in_as("Viewer")
    User.objects.create_superuser("root")
    granter = User.objects.create_user("grace", is_staff=True)
    granter.groups.add(Group.objects.get(name=ADMINISTRATOR))
    User.objects.create_superuser("gone", is_active=False)
    User.objects.create_user("deployer", is_staff=True).groups.add(
        Group.objects.get(name="Deployer")
    )

    page = text(client.get(f"/admin/workflows/workflow/{make_workflow().pk}/delete/"))

    assert "workflows.delete_workflow" in page
    assert "These users can grant it, under Administration, Users: grace root" in page
    assert "gone" not in page
    assert "deployer" not in page


def test_without_anyone_who_can_grant_a_permission_the_page_names_the_command() -> None:
    _, client = log_in_as("Viewer")

    assert "manage.py createsuperuser" in client.get("/admin/auth/user/").content.decode()


@pytest.mark.parametrize("role", ["Viewer", ADMINISTRATOR])
@pytest.mark.parametrize("page", ["audit/entry/add/", "workflows/workflowversion/add/"])
def test_an_action_closed_to_everyone_is_not_blamed_on_a_permission(role: str, page: str) -> None:
    _, client = log_in_as(role)

    shown = client.post(f"/admin/{page}").content.decode()

    assert "No one can do this" in shown
