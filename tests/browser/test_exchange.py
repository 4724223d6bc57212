"""Import and export: a document is pasted, checked, imported and exported, and the export imports again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.workflows.documents.awaitstep import documents

pytestmark = pytest.mark.long


def import_pasted(page: Page) -> None:
    """Go from the page of a new workflow through the preview to the editor."""
    page.goto("/admin/workflows/workflow/add/")
    page.get_by_role("link", name="Import", exact=True).click()
    page.get_by_label("Or paste a document").fill(json.dumps(documents.document("approval")))
    page.locator("summary", has_text="Entry code").click()
    page.locator("#import-entry-code").fill(documents.entry_code("approval") or "")
    page.get_by_role("button", name="Check the import").click()
    preview = page.get_by_role("region", name="Expense approval")
    expect(preview).to_contain_text("7 nodes")
    expect(preview).to_contain_text("with entry code")
    expect(preview.locator("svg")).to_be_visible()
    preview.locator("summary").click()
    expect(preview).to_contain_text("Wait_for_approval")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name="Expense approval", level=1)).to_be_visible()


def exported(page: Page, path: Path) -> Path:
    page.locator("summary[aria-label='More actions']").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export", exact=True).click()
    download.value.save_as(path)
    return path


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_pasted_document_is_imported_exported_and_imported_again(
    open_page: Open, tmp_path: Path, *, has_scripts: bool
) -> None:
    page = open_page(java_script_enabled=has_scripts)
    import_pasted(page)
    first, first_address = exported(page, tmp_path / "first.zip"), page.url

    page.goto("/workflows/import/")
    page.get_by_label("Files").set_input_files(first)
    page.get_by_role("button", name="Check the import").click()
    expect(page.get_by_role("region", name="Expense approval")).to_contain_text("No problems.")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name="Expense approval", level=1)).to_be_visible()

    assert page.url != first_address
    assert exported(page, tmp_path / "second.zip").read_bytes() == first.read_bytes()


def test_an_imported_draft_is_undone_in_the_editor(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    import_pasted(page)
    other = tmp_path / "order.ir.json"
    other.write_text(json.dumps(documents.document("order")))
    page.locator("summary[aria-label='More actions']").click()
    page.get_by_role("link", name="Import a new draft").click()
    page.get_by_label("Files").set_input_files(other)
    page.get_by_role("button", name="Check the import").click()
    page.get_by_role("button", name="Replace the draft").click()
    outline = page.get_by_role("tree")
    expect(outline).to_contain_text("Charge card")

    page.get_by_role("button", name="Undo").click()

    expect(outline).to_contain_text("Wait for approval")
    expect(outline).not_to_contain_text("Charge card")
