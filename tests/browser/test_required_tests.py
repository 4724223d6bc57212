"""The deploy dialog of a target that requires tests, when its checks arrive after the page."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from playwright.sync_api import Page, expect

from targets.policy import Consent
from tests.browser.conftest import Open
from tests.browser.documents import make_workflow
from tests.support.installation import Installation

pytestmark = pytest.mark.long

SET = """
from targets.lookup import embedded_target
from targets.models import Target
Target.objects.filter(pk=embedded_target().pk).update(requires_tests={value})
"""
BUTTON = "Deploy v1 to local"
REASON = "Reason for overriding the required tests"


@pytest.fixture(scope="module")
def strict(installation: Installation) -> Iterator[Installation]:
    """The installation, while its default target requires tests."""
    installation.manage("shell", "-v", "0", "-c", SET.format(value="True"))
    yield installation
    installation.manage("shell", "-v", "0", "-c", SET.format(value="False"))


@pytest.fixture
def workflow(strict: Installation) -> str:
    return make_workflow(strict, "Tested")


def checks(*, may_override: bool, fail: bool = True) -> str:
    """Return the checks as the server sends them to a user."""
    request = RequestFactory().get("/")
    request.htmx = True  # type: ignore[attr-defined]
    context = {
        "checks": [],
        "target": SimpleNamespace(name="local", requires_tests=True),
        "confirmation": SimpleNamespace(is_allowed=True, may_override_tests=may_override),
        "consent": Consent(),
        "tests_failed": fail,
    }
    return render_to_string("deployments/deploy_dialog/_preflight.html", context, request)


def open_dialog(open_page: Open, workflow: str, answer: str) -> Page:
    """Open the dialog, whose request for the checks gets this answer, and wait for both answers."""
    page = open_page("/")
    page.route("**/deploy/preflight/**", lambda route: route.fulfill(body=answer))
    page.goto(f"/workflows/{workflow}/deploy/")
    expect(page.locator("#preflight-answer .checks")).to_have_count(1)
    expect(page.get_by_text("The Worker is not on local yet")).to_be_visible()
    return page


def test_failed_tests_bring_an_input_that_must_be_filled_in(open_page: Open, workflow: str) -> None:
    page = open_dialog(open_page, workflow, checks(may_override=True))

    page.get_by_role("button", name=BUTTON).click()
    assert page.get_by_label(REASON).evaluate("input => input.validity.valueMissing")

    page.get_by_label(REASON).fill("customers are waiting")
    page.get_by_role("button", name=BUTTON).click()
    page.wait_for_url("**/deployments/*/")


def test_failed_tests_hide_the_button_from_those_who_may_not_override_them(
    open_page: Open, workflow: str
) -> None:
    page = open_dialog(open_page, workflow, checks(may_override=False))

    expect(
        page.get_by_text("You do not have permission to override required tests")
    ).to_be_visible()
    expect(page.get_by_role("button", name=BUTTON)).to_have_count(0)


def test_tests_that_pass_ask_for_nothing(open_page: Open, workflow: str) -> None:
    page = open_dialog(open_page, workflow, checks(may_override=False, fail=False))

    expect(page.get_by_role("button", name=BUTTON)).to_be_visible()
    expect(page.get_by_label(REASON)).to_have_count(0)
