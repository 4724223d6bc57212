"""A new user on an empty installation, from the first steps to a second installation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import opening_pages
from tests.browser.editor.test_editor import item, rename, saved, set_code
from tests.browser.test_exchange import exported
from tests.support.installation import Installation

ENV_FILE = "SUPPLIER_API=https://supplier.example.com\nSHOP_NAME=Corner shop\n"
CODE = "return { product: String(product), price: Number(answer.body.price), shop: env.SHOP_NAME };"
TITLE = "Process a list"


@pytest.fixture
def empty_installations(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Installation, Installation]]:
    """Two installations without workflows; the first has an embedded platform."""
    both = [Installation(Path(tmp_path_factory.mktemp("empty"))) for _ in range(2)]
    for each in both:
        each.migrate()
        each.create_user("deployer")
    both[0].start_platform()
    for each in both:
        each.start_server()
    yield both[0], both[1]
    for each in both:
        each.stop()


def test_a_newcomer_builds_tests_deploys_compares_restores_and_moves_a_workflow(
    browser: Browser, empty_installations: tuple[Installation, Installation], tmp_path: Path
) -> None:
    first, second = empty_installations
    with opening_pages(browser, first) as open_page:
        page = open_page()
        start_from_template(page)
        paste_variables(page)
        change_and_test_a_node(page)
        save_with_note(page)
        deploy(page)
        compare_with_what_is_live(page)
        restore_first_version(page)
        start_a_run(page)
        archive = exported(open_workflow(page), tmp_path / "first.zip")
    with opening_pages(browser, second) as open_page:
        page = open_page("/workflows/import/")
        page.get_by_label("Files").set_input_files(archive)
        page.get_by_role("button", name="Check the import").click()
        page.get_by_role("button", name="Import", exact=True).click()
        copy = exported(open_workflow(page), tmp_path / "second.zip")

    assert copy.read_bytes() == archive.read_bytes()
    assert b"Corner shop" not in archive.read_bytes()


def start_from_template(page: Page) -> None:
    expect(page.get_by_text("Your first run, in three steps")).to_be_visible()
    page.get_by_role("link", name="Add the first workflow").click()
    page.get_by_role("button", name=f"Use this template: {TITLE}").click()
    expect(page.locator("[data-ready]")).to_be_visible()


def paste_variables(page: Page) -> None:
    workflow_tab(page, "Variables")
    page.get_by_text("Paste a .env file").click()
    page.get_by_label("Variables", exact=True).fill(ENV_FILE)
    page.get_by_role("button", name="Set variables").click()
    expect(page.get_by_text("2 variables set.")).to_be_visible()
    workflow_tab(page, "Editor")
    expect(page.locator("[data-ready]")).to_be_visible()


def change_and_test_a_node(page: Page) -> None:
    item(page, "Store the price").click()
    set_code(page, "data.code", CODE)
    saved(page)
    page.locator("#editor-test > summary").click()
    item(page, "Ask for the price").click()
    expect(page.get_by_role("heading", name="Pin Ask for the price")).to_be_visible()
    page.locator("#test-output").fill('{"status": 200, "body": {"price": 1200}}')
    page.locator("#test-pin").get_by_role("button", name="Pin", exact=True).click()
    expect(page.locator(".test-pins")).to_contain_text("Ask for the price")
    item(page, "Store the price").click()
    page.locator("#test-payload").fill('{"products": ["mug"]}')
    page.get_by_role("button", name="Run to selected node").click()
    expect(page.locator("#test-progress .test-status")).to_contain_text("Stopped after")
    expect(page.locator("#test-progress")).to_contain_text("Corner shop")


def save_with_note(page: Page) -> None:
    page.get_by_text("With a note").click()
    page.get_by_label("What changed in v2, and why").fill("Name the shop")
    page.locator("#save-noted-version").click()
    expect(page.get_by_text("Saved as v2.")).to_be_visible()


def deploy(page: Page) -> None:
    page.locator("#deploy").click()
    expect(page.get_by_text("Succeeded").first).to_be_visible(timeout=120_000)
    page.goto("/")
    expect(page.get_by_text("v2 is live on")).to_be_visible()


def compare_with_what_is_live(page: Page) -> None:
    open_workflow(page)
    expect(page.locator("[data-ready]")).to_be_visible()
    item(page, "Note the error").click()
    expect(page.locator("#panel-name")).to_have_value("Note the error")
    rename(page, "Keep the error")
    page.get_by_role("link", name="Draft differs from v2").click()
    page.get_by_label("From").select_option(label="Live on local (v2)")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("1 node renamed")).to_be_visible()
    expect(page.locator("ins", has_text="Keep the error")).to_be_visible()


def restore_first_version(page: Page) -> None:
    workflow_tab(page, "Versions")
    expect(page.get_by_text("Name the shop")).to_be_visible()
    page.get_by_role("link", name="v1", exact=True).click()
    page.get_by_role("button", name="Restore v1").click()
    page.get_by_role("button", name="Restore without saving").click()
    expect(item(page, "Note the error")).to_be_visible()
    item(page, "Store the price").click()
    expect(page.locator("#field-stored-data-code")).to_have_value(re.compile("answer.body.price"))
    expect(page.locator("#field-stored-data-code")).not_to_have_value(re.compile("SHOP_NAME"))


def start_a_run(page: Page) -> None:
    page.goto("/")
    page.locator("#welcome").get_by_role("link", name="Start a run").click()
    page.locator("#payload").fill(json.dumps({"products": []}))
    page.get_by_role("button", name="Start the run").click()
    expect(page.get_by_text("Complete").first).to_be_visible()
    page.goto("/")
    expect(page.get_by_text("Your first run, in three steps")).to_be_hidden()


def open_workflow(page: Page) -> Page:
    page.goto("/admin/workflows/workflow/")
    page.get_by_role("link", name=TITLE).click()
    return page


def workflow_tab(page: Page, name: str) -> None:
    page.get_by_label("This workflow").get_by_role("link", name=name, exact=True).click()
