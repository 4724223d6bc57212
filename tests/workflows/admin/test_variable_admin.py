"""Environment variables in the admin: a stored secret is never shown."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client

from tests.deployments.factories import make_workflow
from tests.support.audit_entries import entries
from tests.support.page_text import text
from workflows.models import EnvironmentVariable

ADD = "/admin/workflows/environmentvariable/add/"
LIST = "/admin/workflows/environmentvariable/"
SENTINEL = "s3cret-sentinel"


def stored(**fields: object) -> EnvironmentVariable:
    return EnvironmentVariable.objects.create(**{"name": "API_KEY", "value": SENTINEL, **fields})


def address(variable: EnvironmentVariable) -> str:
    return f"{LIST}{variable.pk}/change/"


def errors(client: Client, url: str, form: dict[str, str]) -> dict[str, list[str]]:
    answer = client.post(url, form)
    assert answer.status_code == 200
    assert SENTINEL not in answer.content.decode()
    form_errors: dict[str, list[str]] = answer.context["adminform"].form.errors
    return form_errors


def test_a_stored_secret_is_on_no_page(admin_client: Client) -> None:
    variable = stored(is_secret=True)

    for page in (LIST, address(variable), f"{address(variable)[:-7]}history/"):
        assert SENTINEL not in admin_client.get(page).content.decode()
    assert "A secret is stored" in text(admin_client.get(address(variable)))


def test_an_empty_list_says_what_it_is_for(admin_client: Client) -> None:
    sentence = "Variables and secrets that the code of workflows reads"
    assert sentence in text(admin_client.get(LIST))

    stored()

    assert sentence not in text(admin_client.get(f"{LIST}?q=nowhere"))


def test_an_empty_input_keeps_the_secret(admin_client: Client) -> None:
    variable = stored(is_secret=True)

    admin_client.post(address(variable), {"new_value": "", "is_secret": "on"})

    variable.refresh_from_db()
    assert (variable.value, variable.is_secret) == (SENTINEL, True)


def test_a_new_value_replaces_the_secret(admin_client: Client) -> None:
    variable = stored(is_secret=True)

    admin_client.post(address(variable), {"new_value": "new\nlines ", "is_secret": "on"})

    variable.refresh_from_db()
    assert variable.value == "new\nlines "


def test_line_endings_that_a_browser_sends_are_stored_as_they_were_typed(
    admin_client: Client,
) -> None:
    for secret in ("", "on"):
        form = {"name": f"KEY{secret.upper()}", "new_value": "a\r\nb\r\n", "is_secret": secret}
        form |= {"for_all": "on"}
        admin_client.post(ADD, form if secret else form | {"is_secret": False})

    assert [variable.value for variable in EnvironmentVariable.objects.all()] == ["a\nb\n"] * 2


@pytest.mark.parametrize("value", ["\na\nb\n", "a\r\nb\r\n", "a\rb", " a\n\n"])
def test_opening_and_saving_a_variable_leaves_its_value(admin_client: Client, value: str) -> None:
    variable = stored(value=value)
    page = admin_client.get(address(variable))
    shown = page.context["adminform"].form["new_value"].value()
    sent = re.sub(r"\r\n|\r|\n", "\r\n", shown)  # as browsers do

    admin_client.post(address(variable), {"new_value": sent})

    variable.refresh_from_db()
    assert variable.value == value
    assert f">\n{value}</textarea>" in page.content.decode()


def test_saving_says_that_a_deploy_is_needed(admin_client: Client) -> None:
    variable = stored(name="REGION", value="eu")

    form = {"new_value": "us", "name": "REGION"}
    answer = admin_client.post(address(variable), form, follow=True)

    assert "Workers get the new value when" in text(answer)


def test_a_secret_can_become_plain_only_with_a_new_value(admin_client: Client) -> None:
    variable = stored(is_secret=True)

    assert "new_value" in errors(admin_client, address(variable), {"new_value": ""})

    admin_client.post(address(variable), {"new_value": "public"})
    variable.refresh_from_db()
    assert (variable.value, variable.is_secret) == ("public", False)


def test_a_plain_value_is_shown_and_can_become_a_secret(admin_client: Client) -> None:
    variable = stored(value="public")
    assert "public" in admin_client.get(address(variable)).content.decode()

    admin_client.post(address(variable), {"new_value": "public", "is_secret": "on"})

    variable.refresh_from_db()
    assert variable.is_secret
    assert ">public<" not in admin_client.get(address(variable)).content.decode()


def test_a_refused_form_does_not_contain_the_secret(admin_client: Client) -> None:
    form = {"name": "not a name", "new_value": SENTINEL, "is_secret": "on"}

    form_errors = errors(admin_client, ADD, form)

    assert "Use capital letters" in form_errors["name"][0]
    assert "Enter the secret again" in form_errors["new_value"][0]


def test_the_name_of_a_resource_cannot_be_a_secret(admin_client: Client) -> None:
    form = {"name": "CACHE_BINDING_ID", "new_value": "abc", "is_secret": "on"}

    assert "holds the id of a resource" in errors(admin_client, ADD, form)["is_secret"][0]


def test_a_secret_without_a_value_is_refused(admin_client: Client) -> None:
    assert "new_value" in errors(admin_client, ADD, {"name": "API_KEY", "is_secret": "on"})


def test_a_name_is_unique_globally_and_within_each_workflow(admin_client: Client) -> None:
    stored(value="1")
    workflow = make_workflow()

    assert errors(admin_client, ADD, {"name": "API_KEY", "new_value": "2", "for_all": "on"})
    admin_client.post(ADD, {"name": "API_KEY", "new_value": "2", "workflow": workflow.pk})

    assert EnvironmentVariable.objects.count() == 2


def test_the_form_can_be_opened_with_the_missing_name(admin_client: Client) -> None:
    page = admin_client.get(f"{ADD}?name=CACHE_BINDING_ID").content.decode()

    assert 'value="CACHE_BINDING_ID"' in page


def test_a_value_that_cannot_be_decrypted_can_be_replaced(admin_client: Client) -> None:
    variable = stored()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workflows_environmentvariable SET value = 'damaged'")

    assert "cannot be decrypted" in text(admin_client.get(address(variable)))
    assert admin_client.get(LIST).status_code == 200
    admin_client.post(address(variable), {"new_value": "new"})

    variable.refresh_from_db()
    assert variable.value == "new"


def test_setting_and_deleting_a_variable_is_in_the_audit_trail_without_its_value(
    admin_client: Client,
) -> None:
    form = {"name": "API_KEY", "new_value": SENTINEL, "is_secret": "on", "for_all": "on"}
    admin_client.post(ADD, form)
    variable = EnvironmentVariable.objects.get()

    admin_client.post(f"{LIST}{variable.pk}/delete/", {"post": "yes"})

    deleted, was_set = entries().all()
    assert [was_set.action, deleted.action] == ["variable set", "variable deleted"]
    assert {entry.actor_name for entry in (was_set, deleted)} == {"admin"}
    assert {entry.subject_name for entry in (was_set, deleted)} == {"API_KEY"}
    assert SENTINEL not in f"{was_set.detail}{deleted.detail}"


def test_the_form_for_a_variable_of_a_workflow_names_the_workflow(admin_client: Client) -> None:
    workflow = make_workflow()
    add = f"{ADD}?workflow={workflow.pk}"

    form = admin_client.get(add).context["adminform"].form
    sent = {"name": "API_KEY", "new_value": "1", "workflow": form["workflow"].value()}
    admin_client.post(add, sent)

    assert EnvironmentVariable.objects.get().workflow == workflow


def test_the_form_asks_for_what_an_api_key_needs_first(admin_client: Client) -> None:
    shown = admin_client.get(ADD)

    assert "related-widget-wrapper-link" not in shown.content.decode()
    assert "Type a part of the name, or the id." in text(shown)


def test_a_global_variable_is_a_choice(admin_client: Client) -> None:
    workflow, form = make_workflow(), {"name": "API_KEY", "new_value": "1"}

    found = errors(admin_client, ADD, form)
    both = errors(admin_client, ADD, form | {"workflow": workflow.pk, "for_all": "on"})
    assert "For all workflows" in found["workflow"][0]
    assert "either one workflow or all" in both["for_all"][0]
    assert not EnvironmentVariable.objects.exists()

    admin_client.post(ADD, form | {"for_all": "on"})
    variable = EnvironmentVariable.objects.get()
    assert variable.workflow is None

    admin_client.post(address(variable), {"new_value": "2"})
    variable.refresh_from_db()
    assert (variable.value, variable.workflow) == ("2", None)


def test_a_variable_that_a_node_needs_leads_back_to_the_node(admin_client: Client) -> None:
    workflow = make_workflow()
    form = {"name": "API_URL", "workflow": workflow.pk, "new_value": "https://example.com"}

    from_editor = admin_client.post(f"{ADD}?workflow={workflow.pk}&name=API_URL&node=callApi", form)
    from_list = admin_client.post(ADD, {**form, "name": "OTHER"})

    assert from_editor.headers["Location"] == f"{workflow.get_absolute_url()}?node=callApi"
    assert from_list.headers["Location"] == LIST
