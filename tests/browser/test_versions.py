"""Versions in a browser: saved with a note, compared, and restored."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.documents import make_workflow
from tests.browser.editor.test_editor import item, rename, saved
from tests.support.installation import Installation

pytestmark = pytest.mark.long

NOTE = "What changed in v2, and why"


@pytest.fixture
def workflow(installation: Installation) -> str:
    return make_workflow(installation, "With versions", "return 'first';")


def open_editor(open_page: Open, workflow: str) -> Page:
    page = open_page(f"/admin/workflows/workflow/{workflow}/change/")
    expect(page.locator("[data-ready]")).to_be_visible()
    return page


def rename_step(page: Page, old: str, new: str) -> None:
    item(page, old).click()
    expect(page.locator("#panel-name")).to_have_value(old)
    rename(page, new)


def test_a_version_is_saved_with_a_note_compared_and_restored(
    open_page: Open, workflow: str
) -> None:
    page = open_editor(open_page, workflow)
    rename_step(page, "Only step", "Second name")
    page.get_by_text("With a note").click()
    page.get_by_label(NOTE).fill("A better name")
    page.locator("#save-noted-version").click()
    expect(page.get_by_text("Saved as v2.")).to_be_visible()

    rename_step(page, "Second name", "Third name")
    page.get_by_role("link", name="Draft differs from v2").click()
    expect(page.get_by_text("1 node renamed")).to_be_visible()
    expect(page.locator("del", has_text="Second name")).to_be_visible()
    expect(page.locator("ins", has_text="Third name")).to_be_visible()
    page.get_by_role("link", name="Pictures").click()
    expect(page.locator(".pic-renamed")).to_have_count(2)
    page.get_by_role("link", name="TypeScript").click()
    expect(page.locator(".diff .is-added", has_text="Third name").first).to_be_visible()

    page.get_by_label("This workflow").get_by_role("link", name="Versions").click()
    expect(page.get_by_text("A better name")).to_be_visible()
    page.get_by_role("link", name="v1", exact=True).click()
    page.get_by_role("button", name="Restore v1").click()
    expect(page.get_by_text("The draft has edits that are not in any version")).to_be_visible()
    page.get_by_role("button", name="Restore without saving").click()
    expect(item(page, "Only step")).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(item(page, "Third name")).to_be_visible()


def test_a_note_is_kept_while_the_draft_is_edited(open_page: Open, workflow: str) -> None:
    page = open_editor(open_page, workflow)
    rename_step(page, "Only step", "Second name")
    page.get_by_text("With a note").click()
    page.get_by_label(NOTE).fill("Not finished")

    rename_step(page, "Second name", "Third name")
    saved(page)

    expect(page.get_by_label(NOTE)).to_be_visible()
    expect(page.get_by_label(NOTE)).to_have_value("Not finished")


def test_a_note_can_be_saved_without_scripts(
    open_page: Open, installation: Installation, workflow: str
) -> None:
    code = f"from workflows.models import *; Workflow.objects.filter(pk={workflow!r}).update(entry_code='//')"
    installation.manage("shell", "-v", "0", "-c", code)
    page = open_page(f"/admin/workflows/workflow/{workflow}/change/", java_script_enabled=False)

    page.get_by_text("With a note").click()
    page.get_by_label(NOTE).fill("Without scripts")
    page.locator("#save-noted-version").click()

    expect(page.get_by_text("Saved as v2.")).to_be_visible()
    page.goto(f"/workflows/{workflow}/versions/2/")
    expect(page.locator("p.version-note")).to_have_text("Without scripts")
