"""Runs that become tests in a browser: of the draft in the editor, and of a deployed version that failed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.editor.test_editor import type_code
from tests.runs.test_runs.drafts import campaign_document, step
from tests.support.installation import Installation
from tests.workflows.ir.documents import chain

pytestmark = pytest.mark.long

SECRET = "sentinel-of-tests-in-the-browser-03"


def test_a_run_of_the_draft_becomes_a_test_that_shows_what_a_change_breaks(
    open_page: Open, installation: Installation
) -> None:
    workflow = installation.import_document(campaign_document())
    editor = f"/admin/workflows/workflow/{workflow}/change/?node=answer"
    page = open_page(editor)
    expect(page.locator("[data-ready]")).to_be_visible()
    page.locator("#editor-test > summary").click()
    page.locator("#test-output").fill('{"name": "Ada"}')
    page.locator("#test-pin").get_by_role("button", name="Pin", exact=True).click()
    page.locator("#test-payload").fill('{"email": "ada@example.com"}')
    page.get_by_role("button", name="Run this draft").click()
    expect(page.locator("#test-progress .test-status")).to_contain_text("Complete")

    page.get_by_role("button", name="Save as test").click()
    page.wait_for_url("**/tests/")
    expect(page.locator("#test-rows .status")).to_have_text("Passed")

    page.goto(editor.replace("answer", "thank"))
    expect(page.locator("[data-ready]")).to_be_visible()
    type_code(page, "return 'No thanks';")
    expect(page.locator("#editor-saved, [data-saved]").first).to_be_attached()
    page.goto(f"/workflows/{workflow}/tests/")
    page.get_by_role("button", name="Run all tests").click()
    expect(page.locator("#test-rows .status")).to_have_text("Failed")
    expect(page.locator("#test-rows")).to_contain_text('The output of "thank" is "No thanks", not')

    page.get_by_role("link", name="Failed").click()
    expect(page.locator(".pic-node.pic-problem")).to_have_count(1)
    page.get_by_role("button", name="Expect what happened").click()
    page.get_by_role("button", name="Run the test").click()
    expect(page.locator("#test-rows .status")).to_have_text("Passed")


def payment() -> dict[str, Any]:
    """A workflow that reads a secret, and fails with it if the amount is negative."""
    check = (
        "if (event.payload.amount < 0) throw new Error(`refused: ${event.payload.note}`); return 1;"
    )
    charge = "return { charged: event.payload.amount, key: env.PAYMENT_KEY };"
    return chain(step("charge", charge), step("check", check, retryLimit=0))


def test_a_failed_run_becomes_a_test_with_one_click(
    open_page: Open, installation: Installation
) -> None:
    workflow = installation.import_document(payment())
    installation.manage(
        "set_variable", "PAYMENT_KEY", "-", "--secret", "--workflow", workflow, stdin=SECRET
    )
    installation.manage("deploy_workflow", workflow)
    payload = f'{{"amount": -1, "note": "{SECRET}"}}'
    installation.manage("trigger_workflow", workflow, "--payload", payload)
    page = open_page(f"/runs/?workflow={workflow}")
    page.locator(".runs-table tbody a").first.click()
    expect(page.get_by_text("Errored").first).to_be_visible()

    page.get_by_role("button", name="Save as test").click()

    page.wait_for_url("**/tests/")
    expect(page.locator("#test-rows .status")).to_have_text("Passed")
    page.get_by_role("link", name=re.compile("^Edit the test")).click()
    saved = page.locator("#test-text").input_value()
    assert SECRET not in saved
    assert '"charge": {\n      "output"' in saved
    assert '"status": "errored"' in saved


def test_the_edit_form_says_what_is_wrong_beside_the_text(
    open_page: Open, installation: Installation
) -> None:
    workflow = installation.import_document(campaign_document())
    page = open_page(f"/workflows/{workflow}/tests/edit/")
    page.locator("#test-text").fill('{"name": "x", "expect": {"status": "done"}}')
    page.get_by_role("button", name="Save test").click()
    expect(page.locator("#test-problems")).to_contain_text('must be one of "complete"')
    assert '"done"' in page.locator("#test-text").input_value()
