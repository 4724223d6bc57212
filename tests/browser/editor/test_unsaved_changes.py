"""Forms with unsaved changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser.conftest import Open

# A page with a form, a field in it, and a link on it.
FORMS = [
    ("/admin/workflows/workflow/{workflow}/change/?form", "#id_ir", "#site-name a"),
    ("/admin/workflows/workflow/add/?form", "#id_name", "#site-name a"),
    ("/workflows/{workflow}/settings/", "#settings-form textarea", "#site-name a"),
    ("/admin/workflows/environmentvariable/add/", "#id_new_value", "#site-name a"),
    ("/admin/targets/target/add/", "#id_name", "#site-name a"),
    ("/admin/auth/user/1/change/", "#id_email", "#site-name a"),
    ("/runs/start/?workflow={workflow}", "#payload", "#site-name a"),
    ("/runs/batch/?workflow={workflow}", "textarea", "#site-name a"),
]


@pytest.fixture
def page(open_page: Open) -> Iterator[Page]:
    page = open_page()
    yield page
    page.close(run_before_unload=False)


def follow(page: Page, link: str, *, leave: bool) -> list[str]:
    """Click the link, answer the browser's dialog, if any, and return its type."""
    kinds: list[str] = []

    def answer(dialog: Dialog) -> None:
        kinds.append(dialog.type)
        if leave:
            dialog.accept()
        else:
            dialog.dismiss()

    page.once("dialog", answer)
    page.locator(link).first.click(no_wait_after=not leave)
    return kinds


@pytest.mark.long
def test_a_link_asks_before_it_leaves_a_form_with_changes(
    page: Page, ids: dict[str, object]
) -> None:
    for address, field, link in FORMS:
        page.goto(address.format(**ids))
        where = page.url
        area = page.locator(field).first
        area.fill("half of a thought")

        with page.expect_event("dialog") as question:
            follow(page, link, leave=False)

        assert question.value.type == "beforeunload", address
        assert page.url == where
        expect(area).to_have_value("half of a thought")
        area.fill(area.evaluate("field => field.defaultValue"))


@pytest.mark.long
def test_an_unchanged_or_saved_form_does_not_ask(page: Page, ids: dict[str, object]) -> None:
    page.goto(f"/admin/workflows/workflow/{ids['workflow']}/change/?form")
    assert follow(page, "#site-name a", leave=True) == []
    page.wait_for_url(lambda url: url.endswith("/"))

    page.go_back()
    page.fill("#id_description", "Charges the card.")
    assert follow(page, "input[name=_continue]", leave=True) == []

    expect(page.locator(".messagelist")).to_contain_text("was changed")


@pytest.mark.long
def test_a_refused_form_is_still_unsaved(page: Page, ids: dict[str, object]) -> None:
    page.goto(f"/admin/workflows/workflow/{ids['workflow']}/change/?form")
    page.fill("#id_ir", "{")
    page.click("input[name=_continue]")
    expect(page.locator(".errornote")).to_be_visible()

    with page.expect_event("dialog") as question:
        follow(page, "#site-name a", leave=False)

    assert question.value.type == "beforeunload"


@pytest.mark.long
def test_deploy_says_that_it_leaves_unsaved_changes_out(page: Page, ids: dict[str, object]) -> None:
    page.goto(f"/admin/workflows/workflow/{ids['workflow']}/change/?form")
    button = page.locator("#deploy")
    before = button.text_content() or ""
    saved = page.input_value("#id_ir")

    page.fill("#id_ir", saved + " ")
    expect(button).to_have_text(f"{before} without unsaved changes")
    with page.expect_event("dialog"):
        follow(page, "#deploy", leave=False)

    page.fill("#id_ir", saved)
    expect(button).to_have_text(before)
