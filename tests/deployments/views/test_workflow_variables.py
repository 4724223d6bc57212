"""The variables of a workflow: who set them, and a pasted `.env` file that sets all or none."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from audit.models import Entry
from audit.trail import Actor
from tests.deployments.factories import make_workflow
from tests.support.page_text import text
from tests.support.sessions import LogIn
from workflows.services import effective_variables, set_variable

pytestmark = pytest.mark.django_db


def values_of(workflow: object) -> dict[str, tuple[str, bool]]:
    found = effective_variables(workflow)  # type: ignore[arg-type]
    return {name: (each.value, each.is_secret) for name, each in found.items()}


def test_a_pasted_file_sets_all_its_variables(admin_client: Client) -> None:
    workflow = make_workflow()
    address = f"/workflows/{workflow.pk}/variables/"

    response = admin_client.post(
        f"{address}paste/", {"env": "API_URL=https://x.dev\nAPI_KEY=k-1\n"}
    )

    assert response.headers["Location"] == address
    assert values_of(workflow) == {"API_URL": ("https://x.dev", False), "API_KEY": ("k-1", True)}
    assert "2 variables set." in text(admin_client.get(address))
    assert Entry.objects.filter(action="variable set", subject_id=workflow.pk).count() == 2


@pytest.mark.parametrize(("which", "secret"), [("all", True), ("none", False)])
def test_values_can_all_be_secret_or_none(
    admin_client: Client, which: str, *, secret: bool
) -> None:
    workflow = make_workflow()

    admin_client.post(
        f"/workflows/{workflow.pk}/variables/paste/",
        {"env": "API_KEY=k-1\nREGION=eu", "secrets": which},
    )

    assert values_of(workflow) == {"API_KEY": ("k-1", secret), "REGION": ("eu", secret)}


@pytest.mark.parametrize(
    ("env", "error"),
    [
        ("GOOD=1\nBAD NAME", "Line 2 is not NAME=value."),
        ("GOOD=1\n1BAD=s3cr3t", "1BAD: "),
        ("GOOD=1\nTOKEN_ID=a\nX-Y=s3cr3t", "X-Y: "),
        ("", "The text sets no variables."),
    ],
)
def test_one_wrong_line_sets_nothing(admin_client: Client, env: str, error: str) -> None:
    workflow = make_workflow()

    response = admin_client.post(f"/workflows/{workflow.pk}/variables/paste/", {"env": env})

    assert error in text(response)
    assert "s3cr3t" not in response.content.decode()
    assert values_of(workflow) == {}
    assert not Entry.objects.filter(action="variable set").exists()


def test_a_secret_stays_secret_when_a_file_replaces_it(admin_client: Client) -> None:
    workflow = make_workflow()
    set_variable("REGION", "eu", workflow=workflow, is_secret=True)

    admin_client.post(
        f"/workflows/{workflow.pk}/variables/paste/", {"env": "REGION=us", "secrets": "none"}
    )

    assert values_of(workflow) == {"REGION": ("us", True)}


def test_the_page_names_who_set_a_variable_last(admin_client: Client, admin_user: User) -> None:
    workflow = make_workflow()
    grace = User.objects.create_user("grace")
    set_variable("REGION", "eu", workflow=workflow, by=Actor.of(admin_user))
    set_variable("REGION", "us", workflow=workflow, by=Actor.of(grace))
    set_variable("REGION", "asia", by=Actor.of(admin_user))

    shown = text(admin_client.get(f"/workflows/{workflow.pk}/variables/"))

    assert "by grace" in shown
    assert "by admin" not in shown


def test_only_those_who_may_add_and_change_variables_can_paste(log_in: LogIn) -> None:
    workflow = make_workflow()
    address = f"/workflows/{workflow.pk}/variables/"
    client = log_in("workflows.view_environmentvariable", "workflows.add_environmentvariable")

    assert "Paste a .env file" not in text(client.get(address))
    assert client.post(f"{address}paste/", {"env": "A=1"}).status_code == 403
    assert values_of(workflow) == {}
