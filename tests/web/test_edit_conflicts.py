"""Two users who edit the same object."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Model
from django.test import Client

from runs.models import Retention
from tests.deployments.factories import make_target, make_workflow
from tests.support.page_text import text
from tests.support.sessions import LogIn
from workflows.models import EnvironmentVariable

REFUSAL = "while you were editing it. Your changes are not saved yet."
VARIABLE = "/admin/workflows/environmentvariable/{pk}/change/"
TARGET = "/admin/targets/target/{pk}/change/"
USER = "/admin/auth/user/{pk}/change/"
GROUP = "/admin/auth/group/{pk}/change/"
RETENTION = "/admin/runs/retention/{pk}/change/"


def opened(client: Client, address: str) -> dict[str, Any]:
    """Open the form, and return what a browser would send if nothing was changed."""
    form = client.get(address).context["adminform"].form
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    if "deployers" in values:
        values["deployers"] = [group.pk for group in values["deployers"]]
    joined = values.pop("date_joined", None)
    if joined:
        values |= {"date_joined_0": joined.date(), "date_joined_1": joined.strftime("%H:%M:%S")}
    return {name: value for name, value in values.items() if value not in (None, False)}


def variable(**fields: Any) -> tuple[Model, str]:
    made = EnvironmentVariable.objects.create(name="KEY", **fields)
    return made, VARIABLE.format(pk=made.pk)


def cases() -> list[tuple[Model, str, dict[str, Any], dict[str, Any]]]:
    """Objects, the addresses of their forms, and two changes."""
    made, form = variable(value="old")
    secret = EnvironmentVariable.objects.create(name="SECRET", value="old", is_secret=True)
    target = make_target()
    retention = Retention.objects.create(workflow=make_workflow())
    group = Group.objects.create(name="deployers of production")
    user, view = User.objects.create_user("carol"), Permission.objects.all()[:1].get()
    rights: dict[str, Any] = {"user_permissions": [view.pk]}
    ada = {"is_secret": "on", "new_value": "Ada's"}
    return [
        (made, form, {"new_value": "Ada's"}, {"new_value": "Bob's"}),
        (secret, VARIABLE.format(pk=secret.pk), ada, {"new_value": "Bob's"}),
        (target, TARGET.format(pk=target.pk), {"protected": "on"}, {"frozen_reason": "Bob's"}),
        (target, TARGET.format(pk=target.pk), {"deployers": [group.pk]}, {"name": "bobs"}),
        (retention, RETENTION.format(pk=retention.pk), {"days": 7}, {"days": 8}),
        (user, USER.format(pk=user.pk), {"email": "ada@example.com"}, {"email": "bob@example.com"}),
        (user, USER.format(pk=user.pk), rights, {"is_staff": "on"}),
        (group, GROUP.format(pk=group.pk), {"permissions": [view.pk]}, {"name": "Bob's"}),
    ]


@pytest.mark.parametrize("number", range(8))
def test_the_second_person_to_save_is_warned_and_only_replaces_by_saving_again(
    admin_client: Client, number: int
) -> None:
    _, address, adas, bobs = cases()[number]
    form = opened(admin_client, address)

    assert admin_client.post(address, form | adas).status_code == 302
    refused = admin_client.post(address, form | bobs)
    assert refused.status_code == 200
    assert REFUSAL in text(refused)

    again = {"opened": refused.context["adminform"].form.data["opened"]}
    assert admin_client.post(address, form | bobs | again).status_code == 302


def test_a_refused_change_saves_nothing(admin_client: Client) -> None:
    made, address = variable(value="old")
    form = opened(admin_client, address)
    admin_client.post(address, form | {"new_value": "Ada's"})

    admin_client.post(address, form | {"new_value": "Bob's"})

    made.refresh_from_db()
    assert getattr(made, "value") == "Ada's"  # noqa: B009 - any model


def test_saving_twice_alone_is_not_a_conflict(admin_client: Client) -> None:
    _, address = variable(value="old")

    for value in ("first", "second"):
        form = opened(admin_client, address) | {"new_value": value}
        assert admin_client.post(address, form).status_code == 302


def test_someone_who_may_only_look_has_no_hidden_field(log_in: LogIn) -> None:
    _, address = variable(value="old")

    page = log_in("workflows.view_environmentvariable").get(address)

    assert 'name="opened"' not in page.content.decode()
    assert "Opened" not in text(page)


def test_a_login_is_not_a_conflict_and_is_kept(admin_client: Client) -> None:
    user = User.objects.create_user("carol", password="secret")
    address = USER.format(pk=user.pk)
    form = opened(admin_client, address)
    Client().login(username="carol", password="secret")

    assert admin_client.post(address, form | {"email": "carol@example.com"}).status_code == 302

    user.refresh_from_db()
    assert (user.email, user.last_login is not None) == ("carol@example.com", True)


def test_the_hidden_field_means_nothing_for_a_new_object(admin_client: Client) -> None:
    values = {"name": "operators", "opened": "anything"}

    assert admin_client.post("/admin/auth/group/add/", values).status_code == 302

    assert Group.objects.filter(name="operators").exists()


@pytest.mark.parametrize("name", ["a\r\nBcc: b@example.com", "a\u202eb", "a\x1b[2Jb"])
@pytest.mark.parametrize(
    "address",
    ["/admin/auth/group/add/", "/admin/alerts/alertrule/add/", "/admin/alerts/alertchannel/add/"],
)
def test_names_are_on_one_line_on_which_everything_is_visible(
    admin_client: Client, address: str, name: str
) -> None:
    page = admin_client.post(address, {"name": name})

    assert page.context["adminform"].form.errors["name"][0].startswith("It must ")
