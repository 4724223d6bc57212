"""Each template has tests, which pass in a workflow that was made from it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from audit.trail import Actor
from runs.saved_tests.execution import run_test, saved_tests
from runs.test_runs.draft_request import Runnable
from tests.support.platform_fixture import Platform
from workflows.documentation.markdown import parsed
from workflows.documentation.pages import pages
from workflows.documentation.templates import Template, templates
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


TESTS = [(template, test["name"]) for template in templates() for test in template.tests]


@pytest.fixture(autouse=True)
def here(platform: Platform, settings: Settings) -> None:
    """Use the platform of the tests."""
    changes = {"local_cloudflare_port": platform.port, "data_dir": platform.data_dir}
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update=changes)


def use(client: Client, template: Template) -> Workflow:
    """Create a workflow with the button *Use this template*."""
    address = reverse("documentation:use_example", args=[template.address])
    client.post(address, {"example": template.example})
    return Workflow.objects.get()


@pytest.mark.parametrize(
    ("template", "name"), TESTS, ids=[f"{template.title}, {name}" for template, name in TESTS]
)
def test_a_test_of_a_template_passes(
    admin_client: Client, admin_user: User, template: Template, name: str
) -> None:
    runnable = Runnable.draft(use(admin_client, template))

    result = run_test(runnable, saved_tests(runnable)[name], by=Actor.of(admin_user))

    assert (result.differences, result.passed) == ([], True)


def test_a_template_sleeps_for_14_days_and_waits_for_3() -> None:
    (template,) = (each for each in templates() if each.title == "Drip emails")
    (block,) = parsed(pages()[template.address]).documents
    assert block.document
    settings = {node["id"]: node["data"] for node in block.document["nodes"]}

    assert settings["trial"] == {"duration": "14 days"}
    assert settings["unsubscribed"]["timeout"] == "3 days"
    assert {"trial", "unsubscribed"} <= {*template.tests[0]["expect"]["nodes"]}


def test_a_changed_line_of_a_template_fails_its_test_with_the_node(
    admin_client: Client, admin_user: User
) -> None:
    (template,) = (each for each in templates() if each.title == "Order with payment")
    workflow = use(admin_client, template)
    data = workflow.ir["nodes"][0]["data"]
    data["code"] = data["code"].replace("item.price * item.quantity", "item.price + item.quantity")

    runnable = Runnable.draft(workflow)
    result = run_test(runnable, saved_tests(runnable)["Shipped"], by=Actor.of(admin_user))

    assert not result.passed
    assert result.differences[0] == {
        "message": 'The output of "Add up the order" differs: amount is 1553, not 2750.',
        "node": "order",
    }
