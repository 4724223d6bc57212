"""Code fields as editors: completion, problems, keyboard, forms, and a lost connection."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Open
from tests.support.installation import Installation
from tests.workflows.ir.documents import chain, node

DOCUMENT = chain(
    node("files", code="return { inputParams: event, files: ['a.pdf'] };"), node("use")
)


@pytest.fixture(scope="module")
def workflow(installation: Installation) -> str:
    """Import a workflow; return its id."""
    return installation.import_document(DOCUMENT)


@pytest.fixture
def form(open_page: Open, workflow: str) -> Iterator[Page]:
    page = open_page(f"/admin/workflows/workflow/{workflow}/change/?form")
    yield page
    page.close(run_before_unload=False)


def editor(page: Page) -> Locator:
    return page.locator("[data-code-editor=id_entry_code] .cm-content")


def field(page: Page) -> Locator:
    return page.locator("#id_entry_code")


HANDLER = "export async function fetch(request: Request, env: Env) {\n"


def write(page: Page, text: str) -> None:
    """Replace the text; its end is typed key by key, the rest is inserted."""
    editor(page).focus()
    clear(page)
    page.keyboard.insert_text(text[:-2])
    page.keyboard.type(text[-2:])


def clear(page: Page) -> None:
    """Delete the text with keys that the editor handles itself."""
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")


def wait_for_completion(page: Page, label: str) -> None:
    """Wait until the list can be used: for 75 ms after it opens, Enter still goes to the text."""
    expect(page.locator(".cm-tooltip-autocomplete li", has_text=label)).to_be_visible()
    page.wait_for_function(
        "opened => performance.now() > opened + 100", arg=page.evaluate("performance.now()")
    )


def is_inside_page(popup: Locator) -> bool:
    """Whether all of a popup is visible, below the header of the page."""
    inside: bool = popup.evaluate(
        """popup => {
            const { left, top, right, bottom } = popup.getBoundingClientRect()
            const header = document.querySelector('#header').getBoundingClientRect().bottom
            return left > 0 && top > header && right < innerWidth && bottom < innerHeight
        }"""
    )
    return inside


def test_entry_code_gets_completion_and_a_problem_that_disappears_once_it_is_fixed(
    form: Page,
) -> None:
    form.set_viewport_size({"width": 360, "height": 740})
    write(form, f"{HANDLER}  return Response.js")
    wait_for_completion(form, "json")
    assert is_inside_page(form.locator(".cm-tooltip-autocomplete"))
    form.keyboard.press("Enter")
    form.keyboard.type("(unknownName")
    expect(form.locator(".cm-lintRange-error").first).to_be_visible()

    write(form, f"{HANDLER}  return Response.json({{ ok: true }});\n}}")

    expect(form.locator(".cm-lintRange-error")).to_have_count(0)
    expect(field(form)).to_have_value(re.compile(r"ok: true \}\);\n\}$"))


def test_the_form_saves_the_content_of_the_editor(form: Page) -> None:
    text = f"{HANDLER}  return new Response('saved');\n}}"
    write(form, text)
    expect(form.locator("#deploy")).to_have_text(re.compile("without unsaved changes"))

    form.click("input[name=_continue]")

    expect(form.locator(".messagelist")).to_contain_text("was changed")
    expect(field(form)).to_have_value(text)
    expect(editor(form)).to_contain_text("new Response('saved')")


@pytest.mark.long
def test_escape_and_tab_leave_the_editor(form: Page) -> None:
    hint = form.get_by_text("Esc, then Tab leaves the field")
    expect(hint).to_be_hidden()
    editor(form).focus()
    expect(hint).to_be_visible()
    form.keyboard.press("Tab")
    expect(editor(form)).to_be_focused()
    form.keyboard.press("Escape")
    form.keyboard.press("Tab")

    expect(editor(form)).not_to_be_focused()
    expect(hint).to_be_hidden()


@pytest.mark.long
def test_the_editor_is_labeled_with_the_name_of_its_field(form: Page) -> None:
    expect(editor(form)).to_have_accessible_name("Entry code")
    form.locator("label[for=id_entry_code]").click()

    expect(editor(form)).to_be_focused()


@pytest.mark.long
def test_the_editor_takes_over_the_focus_and_the_place_in_the_text(
    open_page: Open, workflow: str
) -> None:
    page = open_page()
    page.route("**/code_fields.js", lambda route: route.abort())
    page.goto(f"/admin/workflows/workflow/{workflow}/change/?form")
    field(page).fill("const one = 1")
    field(page).press("Home")
    page.unroute("**/code_fields.js")

    bundle = "bundled/code_fields.js"
    page.evaluate("path => import(path)", f"/static/{bundle}?again")

    expect(editor(page)).to_be_focused()
    page.keyboard.type("export ")
    expect(field(page)).to_have_value("export const one = 1")
    page.close(run_before_unload=False)


@pytest.mark.long
def test_a_lost_connection_is_reported_and_restored(form: Page) -> None:
    form.evaluate(
        """() => {
            const Native = window.WebSocket
            window.sockets = []
            window.WebSocket = class extends Native {
                constructor(...given) { super(...given); window.sockets.push(this) }
            }
        }"""
    )
    write(form, f"{HANDLER}  return Response.js")
    expect(form.locator(".cm-tooltip-autocomplete li").first).to_be_visible()
    status = form.locator("[data-code-editor=id_entry_code] [role=status]")

    form.evaluate("window.sockets[0].close()")
    expect(status).to_have_text("Completion is not available right now. Your text is safe.")
    form.keyboard.type("on(")

    expect(status).to_be_empty()
    write(form, f"{HANDLER}  return Response.js")
    expect(form.locator(".cm-tooltip-autocomplete li", has_text="json")).to_be_visible()


@pytest.mark.long
def test_without_a_script_the_field_stays_a_text_area(open_page: Open, workflow: str) -> None:
    page = open_page(
        f"/admin/workflows/workflow/{workflow}/change/?form", java_script_enabled=False
    )

    expect(field(page)).to_be_visible()
    expect(page.locator("[data-code-editor]")).to_have_count(0)


SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "description": "In cents"},
        "currency": {"enum": ["EUR", "USD"]},
        "buyer": {"type": "object", "properties": {"email": {"type": "string"}}},
    },
}


def add_json_field(page: Page) -> Locator:
    """Add a JSON field with a schema to the page, like the ones in forms of nodes."""
    page.evaluate(
        """schema => {
            const area = document.createElement('textarea')
            Object.assign(area.dataset, { codeField: '', language: 'json', schema, node: 'x', field: 'data.body' })
            area.id = 'payload'
            area.placeholder = '{ "amount": 1 }'
            area.setAttribute('aria-label', 'Payload')
            document.querySelector('#id_entry_code').form.prepend(area)
            document.dispatchEvent(new Event('awaitstep:code-fields'))
        }""",
        json.dumps(SCHEMA),
    )
    return page.locator("[data-code-editor=payload] .cm-content")


@pytest.mark.long
def test_a_json_field_offers_the_keys_and_values_of_its_schema(form: Page) -> None:
    payload = add_json_field(form)
    payload.focus()
    form.keyboard.type('{"')
    options = form.locator(".cm-tooltip-autocomplete li")
    expect(options.first).to_be_visible()
    assert options.locator(".cm-completionLabel").all_text_contents() == [
        '"amount"', '"buyer"', '"currency"',
    ]  # fmt: skip

    clear(form)
    form.keyboard.insert_text('{"amount": 1, "buyer": {')
    form.keyboard.type('"')
    expect(options.locator(".cm-completionLabel").first).to_have_text('"email"')


@pytest.mark.long
def test_a_json_field_shows_the_position_of_a_syntax_error(form: Page) -> None:
    payload = add_json_field(form)
    payload.focus()
    form.keyboard.insert_text('{"a": {{ files.total }}, }')
    expect(form.locator(".cm-lintRange-error")).to_be_visible()

    clear(form)
    form.keyboard.insert_text('{"a": {{ files.total }}}')

    expect(form.locator(".cm-lintRange-error")).to_have_count(0)


@pytest.mark.long
def test_an_empty_field_shows_its_example(form: Page) -> None:
    payload = add_json_field(form)
    expect(payload.locator(".cm-placeholder")).to_have_text('{ "amount": 1 }')

    payload.focus()
    form.keyboard.insert_text("{}")

    expect(payload.locator(".cm-placeholder")).to_have_count(0)
