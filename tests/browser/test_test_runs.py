"""The panel for test runs in the editor."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.editor.test_editor import type_code
from tests.runs.test_runs.drafts import campaign_document
from tests.support.installation import Installation

pytestmark = pytest.mark.long


@pytest.fixture
def page(open_page: Open, installation: Installation) -> Page:
    workflow = installation.import_document(campaign_document())
    page = open_page(f"/admin/workflows/workflow/{workflow}/change/?node=answer")
    expect(page.locator("[data-ready]")).to_be_visible()
    page.locator("#editor-test > summary").click()
    expect(page.locator("#test-payload")).to_be_visible()
    return page


def test_a_campaign_plays_on_the_picture_and_its_output_is_shown(page: Page) -> None:
    page.locator("#test-output").fill('{"name": "Ada"}')
    page.locator("#test-pin").get_by_role("button", name="Pin", exact=True).click()
    expect(page.locator(".test-pins")).to_contain_text("receives an event")
    page.locator("#test-payload").fill('{"email": "ada@example.com"}')

    page.get_by_role("button", name="Run this draft").click()

    expect(page.locator("#test-progress .test-status")).to_contain_text("Complete")
    expect(page.locator("#editor-picture .pic-node.pic-done")).to_have_count(4)
    page.get_by_role("treeitem", name=re.compile("^thank")).click()
    expect(page.locator("#test-progress")).to_contain_text("Thanks, Ada")
    page.locator("#editor-test > summary").click()
    expect(page.locator("#editor-picture .pic-node.pic-done")).to_have_count(0)


def command(page: Page, name: str) -> None:
    page.keyboard.press("ControlOrMeta+k")
    page.keyboard.type(name)
    page.keyboard.press("Enter")


def test_it_runs_what_was_typed_last_and_stops_after_the_selected_node(page: Page) -> None:
    page.get_by_role("treeitem", name=re.compile("^greet")).click()
    type_code(page, "return 'typed last';")

    page.get_by_role("button", name="Run to selected node").click()

    expect(page.locator("#test-progress .test-status")).to_contain_text("Stopped after greet")
    expect(page.locator("#test-progress")).to_contain_text("typed last")
    expect(page.locator("#editor-picture .pic-node.pic-not_reached")).to_have_count(3)
    page.get_by_role("button", name="Pin this output").click()
    expect(page.locator("#test-output")).to_have_value('"typed last"')


def test_the_commands_of_the_palette_run_pin_and_save(page: Page) -> None:
    page.locator("#editor-test > summary").click()
    page.get_by_role("treeitem", name=re.compile("^greet")).click()

    command(page, "run to selected node")
    expect(page.locator("#test-progress .test-status")).to_contain_text("Stopped after greet")
    page.locator("#editor-test > summary").click()
    command(page, "pin the output")
    expect(page.locator("#test-output")).to_have_value("{}")
    command(page, "edit the pin")
    expect(page.locator("#test-output")).to_be_focused()
    page.get_by_role("treeitem", name=re.compile("^greet")).click()
    command(page, "save as test")
    expect(page.locator(".messagelist")).to_contain_text("Run this draft to its end first.")
    command(page, "go to tests")
    page.wait_for_url("**/tests/")


def test_a_problem_of_the_draft_is_linked_before_anything_runs(page: Page) -> None:
    page.get_by_role("treeitem", name=re.compile("^greet")).click()
    type_code(page, "const x: number = 'a'; return x;")

    page.get_by_role("button", name="Run this draft").click()

    expect(page.locator("#test-progress [role=alert]")).to_contain_text("type errors")
    expect(page.locator("#test-progress [role=alert] a")).to_have_text("greet")


def test_references_show_the_outputs_of_the_last_test_run(page: Page) -> None:
    page.locator("#test-payload").fill('{"email": "ada@example.com"}')
    page.get_by_role("button", name="Run this draft").click()
    expect(page.locator("#test-progress .test-status")).to_contain_text("Errored")
    event_type = page.locator('#editor-panel [name="data.eventType"]')

    event_type.fill("")
    event_type.press_sequentially("{{ greet.")

    expect(page.locator("#editor-references [role=option]")).to_have_text(
        'greet.to "ada@example.com"'
    )
    event_type.press("Enter")
    expect(event_type).to_have_value("{{ greet.to }}")


def test_completion_in_code_shows_the_outputs_of_the_last_test_run(page: Page) -> None:
    page.locator("#test-payload").fill('{"email": "ada@example.com", "place": {"city": "Turin"}}')
    page.get_by_role("button", name="Run this draft").click()
    expect(page.locator("#test-progress .test-status")).to_contain_text("Errored")
    page.get_by_role("treeitem", name=re.compile("^thank")).click()

    type_code(page, "return greet.")

    completion = page.locator(".cm-tooltip-autocomplete [role=option]")
    expect(completion.filter(has_text='"ada@example.com"')).to_have_count(1)
    type_code(page, "return event.payload.place.")
    expect(completion.filter(has_text="city")).to_contain_text('"Turin"')
