"""Logins and changes to accounts in the audit trail."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db.models import F, QuerySet
from django.test import Client

from audit.models import Entry
from web.login.attempts import MAX_OF_NAME

pytestmark = pytest.mark.django_db
PASSWORD, OTHER = "right-password-1", "other-password-2"
PLACE = {"address": "192.0.2.1"}


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", password=PASSWORD, is_staff=True)


@pytest.fixture
def root(admin_client: Client) -> Client:
    """A superuser's client; the entries of its login are removed from `written`."""
    admin_client.get("/")
    return admin_client


def written(since: int = 0) -> list[tuple[str, str, str, Any]]:
    """Return actor, action, subject and details of the entries after `since`."""
    entries = Entry.objects.filter(pk__gt=since).order_by("pk")
    return [(each.actor_name, each.action, each.subject_name, each.detail) for each in entries]


def newest() -> int:
    last = Entry.objects.first()
    return last.pk if last else 0


def log_in(client: Client, name: str, password: str) -> None:
    client.post("/admin/login/", {"username": name, "password": password})


def test_a_login_and_a_logout_are_recorded(ada: User) -> None:
    client, since = Client(REMOTE_ADDR="192.0.2.1"), newest()

    log_in(client, "ada", PASSWORD)
    client.post("/admin/logout/")

    assert written(since) == [
        ("ada", "logged in", "ada", PLACE),
        ("ada", "logged out", "ada", PLACE),
    ]


def test_failed_logins_are_counted_in_one_entry(ada: User) -> None:
    client, since = Client(REMOTE_ADDR="192.0.2.1"), newest()

    for _ in range(MAX_OF_NAME + 4):
        log_in(client, "ada", "wrong-password-3")

    assert written(since) == [("anonymous", "login failed", "ada", PLACE)]
    entry = Entry.objects.get(action="login failed")
    assert (entry.count, entry.subject_id) == (MAX_OF_NAME + 4, str(ada.pk))
    assert entry.last_at
    assert entry.last_at > entry.at
    assert "wrong-password" not in str(Entry.objects.values())


def test_failures_an_hour_apart_are_not_counted_together(ada: User) -> None:
    log_in(Client(), "ada", "wrong")
    QuerySet.update(Entry.objects.all(), at=F("at") - timedelta(minutes=61))

    log_in(Client(), "ada", "wrong")

    assert Entry.objects.filter(action="login failed", count=1).count() == 2


def test_a_name_that_no_user_has_is_not_recorded() -> None:
    log_in(Client(), "my-password-by-mistake", "x")

    entry = Entry.objects.get(action="login failed")
    assert entry.subject_name == "unknown user"
    assert "my-password" not in str(Entry.objects.values())


def test_repeated_refusals_are_counted_in_one_entry(ada: User) -> None:
    client = Client()
    client.force_login(ada)

    for _ in range(3):
        client.get("/")

    entry = Entry.objects.get(action="access denied")
    assert (entry.count, entry.actor_name) == (3, "ada")


def test_a_count_is_shown_in_the_admin(ada: User, root: Client) -> None:
    for _ in range(3):
        log_in(Client(), "ada", "wrong")
    entry = Entry.objects.get(action="login failed")

    assert "3 times" in root.get("/admin/audit/entry/").content.decode()
    assert (
        "3 times, the last at"
        in root.get(f"/admin/audit/entry/{entry.pk}/change/").content.decode()
    )


def test_a_password_change_is_recorded(ada: User) -> None:
    client = Client()
    client.force_login(ada)
    since = newest()

    client.post(
        "/admin/password_change/",
        {"old_password": PASSWORD, "new_password1": OTHER, "new_password2": OTHER},
    )

    assert written(since) == [("ada", "password changed", "ada", {})]


def test_a_password_that_someone_else_sets_is_recorded(ada: User, root: Client) -> None:
    since = newest()

    form = {"password1": OTHER, "password2": OTHER, "usable_password": "true"}
    root.post(f"/admin/auth/user/{ada.pk}/password/", form)

    assert written(since) == [("admin", "password changed", "ada", {})]


def test_a_hash_upgraded_by_a_login_is_not_a_password_change(ada: User) -> None:
    ada.password = "md5$salt$" + "0" * 32
    ada.save()
    since = newest()
    ada.set_password(PASSWORD)
    ada._password = None  # type: ignore[attr-defined]
    ada.save(update_fields=["password"])

    assert written(since) == []


def test_a_user_that_is_added_changed_and_deleted_is_recorded(root: Client) -> None:
    since = newest()
    form = {"username": "bob", "password1": OTHER, "password2": OTHER, "usable_password": "true"}

    root.post("/admin/auth/user/add/", form)
    bob = User.objects.get(username="bob")
    dates = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    root.post(
        f"/admin/auth/user/{bob.pk}/change/",
        {"username": "bob", "is_active": "on", "is_staff": "on", **dates},
    )
    root.post(f"/admin/auth/user/{bob.pk}/delete/", {"post": "yes"})

    flags = {"is_active": True, "is_staff": False, "is_superuser": False}
    changed = {"fields": ["date_joined", "is_staff"], "is_staff": True}
    assert written(since) == [
        ("admin", "user added", "bob", flags),
        ("admin", "user changed", "bob", changed),
        ("admin", "user deleted", "bob", {}),
    ]


def test_groups_and_permissions_that_a_user_gets_and_loses_are_recorded(
    ada: User, root: Client
) -> None:
    group, since = Group.objects.get(name="Viewer"), newest()
    permission = Permission.objects.get(codename="view_run")
    dates = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    User.objects.filter(pk=ada.pk).update(date_joined="2026-01-01T00:00:00Z")
    form = {"username": "ada", "is_active": "on", "is_staff": "on", **dates}
    page = f"/admin/auth/user/{ada.pk}/change/"

    root.post(page, form | {"groups": [group.pk], "user_permissions": [permission.pk]})
    root.post(page, form)

    assert written(since) == [
        ("admin", "groups added", "ada", {"groups": ["Viewer"]}),
        ("admin", "permissions added", "ada", {"permissions": ["runs.view_run"]}),
        ("admin", "groups removed", "ada", {"groups": ["Viewer"]}),
        ("admin", "permissions removed", "ada", {"permissions": ["runs.view_run"]}),
    ]


def test_a_group_that_is_added_changed_and_deleted_is_recorded(root: Client) -> None:
    since = newest()
    permission = Permission.objects.get(codename="view_run")

    root.post("/admin/auth/group/add/", {"name": "helpers", "permissions": [permission.pk]})
    group = Group.objects.get(name="helpers")
    root.post(f"/admin/auth/group/{group.pk}/change/", {"name": "aides"})
    root.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"})

    assert written(since) == [
        ("admin", "group added", "helpers", {}),
        ("admin", "permissions added", "helpers", {"permissions": ["runs.view_run"]}),
        ("admin", "group changed", "aides", {"fields": ["name"]}),
        ("admin", "permissions removed", "aides", {"permissions": ["runs.view_run"]}),
        ("admin", "group deleted", "aides", {}),
    ]


def test_changes_from_the_other_side_and_clears_are_recorded_with_each_user(ada: User) -> None:
    group, bob = Group.objects.get(name="Viewer"), User.objects.create_user("bob")
    since = newest()

    group.user_set.add(ada, bob)
    group.user_set.clear()
    ada.groups.add(group)
    ada.groups.clear()

    entries = [(action, name, detail) for _, action, name, detail in written(since)]
    viewer = {"groups": ["Viewer"]}
    both = [("ada", viewer), ("bob", viewer)]
    assert sorted(entries[:2]) == [("groups added", *each) for each in both]
    assert sorted(entries[2:4]) == [("groups removed", *each) for each in both]
    assert entries[4:] == [("groups added", "ada", viewer), ("groups removed", "ada", viewer)]


def test_users_who_delete_themselves_are_recorded_by_name(ada: User) -> None:
    ada.is_superuser = True
    ada.save()
    client = Client()
    client.force_login(ada)

    client.post(f"/admin/auth/user/{ada.pk}/delete/", {"post": "yes"})

    entry = Entry.objects.get(action="user deleted")
    assert (entry.actor, entry.actor_name, entry.subject_name) == (None, "ada", "ada")


def test_a_command_acts_under_the_name_of_the_system_user() -> None:
    call_command(
        "createsuperuser", username="eve", email="", interactive=False, stdout=io.StringIO()
    )

    entry = Entry.objects.get(action="user added")
    assert entry.actor_name.endswith("(command line)")
    assert entry.detail["is_superuser"] is True
