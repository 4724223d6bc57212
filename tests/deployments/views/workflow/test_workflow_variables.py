"""The variables of a workflow: who set them, and a pasted `.env` file that sets all or none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from audit.trail import Actor
from deployments.draft.environment import environment_of
from tests.deployments.factories import make_target, make_workflow
from tests.support.page_text import text
from tests.support.sessions import LogIn
from workflows import draft_problems
from workflows.models import Workflow
from workflows.services import declare_binding, effective_variables, set_variable

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
        ("GOOD=1\nBAD=s3cr3t\0", "The value of BAD contains a null character. Remove it."),
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


def test_the_form_beside_the_table_sets_a_variable(admin_client: Client) -> None:
    workflow = make_workflow("return env.REGION;")
    address = f"/workflows/{workflow.pk}/variables/"
    page = admin_client.get(address, {"name": "REGION"})

    answer = admin_client.post(f"{address}set/", {"name": "REGION", "new_value": "eu"})

    assert page.context["form"]["name"].value() == "REGION"
    assert 'href="?name=REGION#variable-form"' in page.content.decode()
    assert answer.headers["Location"] == address
    assert values_of(workflow) == {"REGION": ("eu", False)}
    entry = Entry.objects.get(action="variable set")
    assert (entry.subject_id, entry.detail["variable"]) == (workflow.pk, "REGION")


def test_the_form_edits_a_value_and_never_shows_a_secret(admin_client: Client) -> None:
    workflow = make_workflow()
    set_variable("REGION", "eu", workflow=workflow)
    set_variable("API_KEY", "s3cr3t", workflow=workflow, is_secret=True)
    address = f"/workflows/{workflow.pk}/variables/"

    plain = admin_client.get(address, {"name": "REGION"})
    secret = admin_client.get(address, {"name": "API_KEY"})
    opened = plain.context["form"]["opened"].value()
    admin_client.post(f"{address}set/", {"name": "REGION", "new_value": "us", "opened": opened})
    opened = secret.context["form"]["opened"].value()
    unchanged = {"name": "API_KEY", "new_value": "", "is_secret": "on", "opened": opened}
    admin_client.post(f"{address}set/", unchanged)

    assert ">\neu</textarea>" in plain.content.decode()
    assert "s3cr3t" not in secret.content.decode()
    assert values_of(workflow) == {"REGION": ("us", False), "API_KEY": ("s3cr3t", True)}


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"name": "bad name", "new_value": "s3cr3t", "is_secret": "on"}, "Use capital letters"),
        ({"name": "API_KEY", "new_value": "", "is_secret": "on"}, "Enter the secret."),
        ({"name": "WORKFLOW", "new_value": "x"}, "Choose another name."),
        ({"name": "TAKEN", "new_value": "x"}, "TAKEN is already set."),
    ],
)
def test_what_the_form_refuses_stays_on_the_page_without_secrets(
    admin_client: Client, form: dict[str, str], error: str
) -> None:
    workflow = make_workflow()
    set_variable("TAKEN", "first", workflow=workflow)

    answer = admin_client.post(f"/workflows/{workflow.pk}/variables/set/", form)

    assert error in text(answer)
    assert "s3cr3t" not in answer.content.decode()
    assert values_of(workflow) == {"TAKEN": ("first", False)}


def test_two_people_who_edit_a_variable_do_not_overwrite_each_other(admin_client: Client) -> None:
    workflow = make_workflow()
    set_variable("REGION", "eu", workflow=workflow)
    address = f"/workflows/{workflow.pk}/variables/"
    opened = admin_client.get(address, {"name": "REGION"}).context["form"]["opened"].value()
    set_variable("REGION", "asia", workflow=workflow)

    answer = admin_client.post(
        f"{address}set/", {"name": "REGION", "new_value": "us", "opened": opened}
    )

    assert "Someone else saved this environment variable" in text(answer)
    assert values_of(workflow) == {"REGION": ("asia", False)}


def test_each_binding_has_a_link_to_choose_its_resource(admin_client: Client) -> None:
    workflow = make_workflow("await env.ORDERS_DB.exec('x'); return env.AI.run;")
    declare_binding(workflow, "FILES", "r2")
    declare_binding(workflow, "SEARCH", "vectorize")
    set_variable("FILES_BINDING_ID", "my-files", workflow=workflow)
    make_target(name="production")
    make_target(name="staging", account_id="b" * 32)

    page = admin_client.get(f"/workflows/{workflow.pk}/variables/")

    shown, html = text(page), page.content.decode()
    kinds = [(row.name, str(row.kind), row.value) for row in page.context["environment"].bindings]
    assert kinds == [
        ("AI", "ai", None),
        ("FILES", "r2", "my-files"),
        ("ORDERS_DB", "d1", None),
        ("SEARCH", "vectorize", None),
    ]
    assert "FILES R2 bucket my-files" in shown
    assert "Choose on production" in shown
    assert f"?kind=d1&amp;variable=ORDERS_DB_BINDING_ID&amp;workflow={workflow.pk}" in html
    assert 'href="?name=SEARCH_BINDING_ID#variable-form"' in html
    assert [row.name for row in page.context["environment"].rows] == []


def test_those_who_may_only_look_get_no_form(log_in: LogIn) -> None:
    workflow = make_workflow("return env.REGION;")
    client = log_in("workflows.view_environmentvariable")

    page = client.get(f"/workflows/{workflow.pk}/variables/").content.decode()

    assert "not set" in page
    assert "variable-form" not in page


@pytest.mark.parametrize("read", [environment_of, draft_problems.checked_code])
def test_the_stored_variables_are_read_once(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[Workflow], object]
) -> None:
    monkeypatch.setattr(draft_problems, "module_problems", lambda _module: [])
    workflow = make_workflow("return env.REGION;")
    set_variable("REGION", "eu", workflow=workflow)

    with CaptureQueriesContext(connection) as captured:
        read(workflow)

    tables = [query["sql"].partition("FROM")[2].split('"')[1] for query in captured]
    assert tables.count("workflows_environmentvariable") == 2  # global ones, and the workflow's own
