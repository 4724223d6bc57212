"""The templates: the list on the page of a new workflow, and the workflows that start from them.

tests/docs/test_template_tests.py runs their tests.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest
from django.test import Client
from django.urls import reverse

from tests.support.page_text import text
from tests.support.sessions import LogIn
from workflows.documentation.markdown import parsed
from workflows.documentation.pages import pages
from workflows.documentation.templates import Template, templates
from workflows.models import Workflow
from workflows.views.problem_list import problem_list

pytestmark = pytest.mark.django_db
ADD = "/admin/workflows/workflow/add/"


def use(client: Client, template: Template, name: str = "") -> Workflow:
    address = reverse("documentation:use_example", args=[template.address])
    client.post(address, {"example": template.example, "name": name})
    return Workflow.objects.get()


def test_every_page_of_a_template_is_in_the_list() -> None:
    found = {address for address in pages() if address.startswith("templates/")}

    assert {template.address for template in templates()} == found - {"templates/index"}


def test_the_page_of_a_new_workflow_lists_the_templates(admin_client: Client) -> None:
    response = admin_client.get(ADD)

    shown = text(response)
    for template in templates():
        assert f"{template.title} {template.purpose} Use this template" in shown


def test_the_pictures_on_the_page_share_no_ids(admin_client: Client) -> None:
    page = admin_client.get(ADD).content.decode()

    ids = Counter(re.findall(r'\sid="([^"]+)"', page))
    assert page.count("<svg") >= len(templates())
    assert [id_ for id_, count in ids.items() if count > 1] == []


def test_a_template_gets_the_name_that_was_typed(admin_client: Client) -> None:
    template = templates()[0]

    workflow = use(admin_client, template, name="  My  shop ")

    assert workflow.name == workflow.ir["metadata"]["name"] == "My shop"
    assert template.title in text(admin_client.get(ADD))


def test_a_purpose_is_one_sentence() -> None:
    assert [
        each.purpose for each in templates() if not re.fullmatch(r"[A-Z][^.]+\.", each.purpose)
    ] == []


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.title)
def test_a_workflow_from_a_template_only_lacks_variables(
    admin_client: Client, template: Template
) -> None:
    workflow = use(admin_client, template)

    problems = problem_list(workflow, may_change=True).context["rows"]
    missing = {row["variable"] for row in problems}
    documented = set(re.findall(r"set_variable (\w+)", pages()[template.address].text))
    assert workflow.name == template.title
    assert [row["message"] for row in problems if not row["variable"]] == []
    assert missing == {name for name in documented if not name.endswith("_BINDING_ID")}


def test_the_entry_code_of_a_template_is_used(admin_client: Client) -> None:
    (template,) = (each for each in templates() if each.title == "Signed webhook")

    workflow = use(admin_client, template)

    assert "crypto.subtle.verify" in workflow.entry_code
    assert workflow.entry_code == workflow.newest_version.entry_code


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.title)
def test_the_tests_of_a_template_belong_to_the_workflow_and_its_first_version(
    admin_client: Client, template: Template
) -> None:
    workflow = use(admin_client, template)

    assert workflow.tests == workflow.newest_version.tests == template.tests
    assert {test["expect"]["status"] for test in template.tests} == {"complete", "errored"}
    shown = text(admin_client.get(reverse("saved_tests:list", args=[workflow.pk])))
    assert [test["name"] for test in template.tests if test["name"] not in shown] == []


def test_a_template_with_an_invalid_test_is_not_used(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = templates()[0]
    (block,) = parsed(pages()[template.address]).documents
    monkeypatch.setattr(block, "tests", [{"name": "a", "payloads": {}}])

    address = reverse("documentation:use_example", args=[template.address])
    response = admin_client.post(address, {"example": template.example}, follow=True)

    assert "The example was not added." in text(response)
    assert "payloads" in text(response)
    assert not Workflow.objects.exists()


def test_the_list_of_tests_on_a_page_is_not_an_example(admin_client: Client) -> None:
    page = admin_client.get("/docs/templates/approval/").content.decode()

    assert "No answer in 3 days" in page
    assert page.count('class="docs-use"') == 1


def test_entry_code_is_not_added_to_an_existing_workflow(admin_client: Client) -> None:
    workflow = use(admin_client, templates()[0])
    page = admin_client.get("/docs/templates/signed-webhook/").content.decode()

    assert "Open in the editor" in page
    assert f'value="{workflow.pk}"' not in page


def test_templates_are_only_offered_to_users_who_can_add_workflows(log_in: LogIn) -> None:
    client = log_in("workflows.view_workflow")

    assert client.get(ADD).status_code == 403
