"""The editor of projects: files, tabs, problems, undo and versions, with the mouse and the keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.browser.conftest import Open
from tests.support.installation import Installation


def row(page: Page, path: str) -> Locator:
    return page.locator(f'#project-tree [data-path="{path}"]')


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("tab", name=name)


def code(page: Page) -> Locator:
    return page.locator("#project-panels > :not([hidden]) .cm-content")


def wait_until_saved(page: Page) -> None:
    expect(page.locator("[data-file]:not([hidden]) [data-saved]")).to_have_text("Saved")
    expect(page.locator("[data-editor][data-saving]")).to_have_count(0)


def problems(page: Page) -> Locator:
    return page.get_by_role("region", name="Problems")


def create(page: Page, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create an empty project").click()
    page.wait_for_selector("[data-editor][data-ready]")
    expect(problems(page)).to_contain_text("No errors.")


def insert_at_end(page: Page, text: str) -> None:
    code(page).focus()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text(text)


def test_a_project_is_written_from_nothing_to_a_version(open_page: Open) -> None:
    page = open_page("/workflows/new-project/")
    create(page, "Written here")

    insert_at_end(page, "const wrong: number = 'text';\n")
    link = problems(page).get_by_role("link", name="src/index.ts")
    expect(problems(page)).to_contain_text("TS2322")
    expect(page.locator("#project-panels .cm-lintRange-error")).to_have_count(1)

    row(page, "wrangler.jsonc").click()
    expect(tab(page, "wrangler.jsonc")).to_have_attribute("aria-selected", "true")
    link.click()
    expect(tab(page, "index.ts")).to_have_attribute("aria-selected", "true")
    expect(code(page)).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Shift+Home")
    page.keyboard.press("Delete")
    page.keyboard.insert_text("export const right = 'text';")
    expect(problems(page)).to_contain_text("No errors.")
    wait_until_saved(page)

    page.locator("#add-file summary").click()
    page.get_by_label("Path of the new file").fill("src/lib/greet.ts")
    page.keyboard.press("Enter")
    expect(tab(page, "greet.ts")).to_have_attribute("aria-selected", "true")
    insert_at_end(page, "export const greet = 'Hello';\n")
    wait_until_saved(page)

    row(page, "src/lib/greet.ts").focus()
    page.keyboard.press("F2")
    page.get_by_label(re.compile("New path of")).fill("src/hello.ts")
    page.keyboard.press("Enter")
    expect(tab(page, "hello.ts")).to_have_attribute("aria-selected", "true")
    expect(tab(page, "greet.ts")).to_have_count(0)
    expect(row(page, "src/lib/")).to_have_count(0)
    expect(code(page)).to_contain_text("Hello")

    row(page, "src/hello.ts").focus()
    page.keyboard.press("Delete")
    expect(page.locator("#delete-file [type=submit]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(row(page, "src/hello.ts")).to_have_count(0)
    expect(tab(page, "hello.ts")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(tab(page, "hello.ts")).to_have_attribute("aria-selected", "true")
    expect(code(page)).to_contain_text("Hello")

    page.get_by_role("button", name="Save as v2").first.click()
    page.wait_for_selector("[data-editor][data-ready]")
    expect(page.locator("#editor-status")).to_contain_text("Draft is the same as v2")
    expect(tab(page, "hello.ts")).to_be_visible()


@pytest.mark.long
def test_the_tree_is_used_with_the_keyboard(open_page: Open) -> None:
    page = open_page("/workflows/new-project/")
    create(page, "With the keyboard")

    row(page, "src/index.ts").focus()
    page.keyboard.press("ArrowLeft")
    expect(row(page, "src/")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(row(page, "src/index.ts")).to_be_hidden()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(tab(page, "wrangler.jsonc")).to_have_attribute("aria-selected", "true")
    tab(page, "wrangler.jsonc").focus()
    page.keyboard.press("Delete")
    expect(tab(page, "wrangler.jsonc")).to_have_count(0)
    expect(tab(page, "index.ts")).to_be_focused()


@pytest.mark.long
def test_two_people_keep_their_texts(open_page: Open) -> None:
    page = open_page("/workflows/new-project/")
    create(page, "For two")
    other = open_page(page.url)
    other.wait_for_selector("[data-editor][data-ready]")

    insert_at_end(page, "// first\n")
    wait_until_saved(page)
    expect(code(other)).to_contain_text("// first")

    page.route("**/draft/?*", lambda route: route.abort())  # learns nothing of the next change
    insert_at_end(other, "// second\n")
    wait_until_saved(other)
    insert_at_end(page, "// third\n")
    dialog = page.get_by_role("dialog", name="Someone else changed this")
    expect(dialog).to_contain_text("// second")
    dialog.get_by_role("button", name="Keep theirs").click()
    expect(code(page)).to_contain_text("// second")
    expect(code(page)).not_to_contain_text("// third")


@pytest.mark.long
def test_changes_to_different_lines_are_merged(open_page: Open) -> None:
    page = open_page("/workflows/new-project/")
    create(page, "Merged")
    other = open_page(page.url)
    other.wait_for_selector("[data-editor][data-ready]")
    page.route("**/draft/?*", lambda route: route.abort())  # learns nothing of the next change

    code(other).focus()
    other.keyboard.press("Control+Home")
    other.keyboard.insert_text("// at the top\n")
    wait_until_saved(other)
    insert_at_end(page, "// at the end\n")

    expect(code(page)).to_contain_text("// at the top")
    expect(code(page)).to_contain_text("// at the end")
    wait_until_saved(page)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(code(other)).to_contain_text("// at the end")


@pytest.mark.long
def test_the_tabs_are_open_again_after_a_reload(open_page: Open) -> None:
    page = open_page("/workflows/new-project/")
    create(page, "With tabs")
    for path in ("wrangler.jsonc", "package.json"):
        row(page, path).click()
        expect(tab(page, path)).to_have_attribute("aria-selected", "true")
    tab(page, "wrangler.jsonc").click()

    page.reload()

    expect(page.get_by_role("tab")).to_have_text(["index.ts", "wrangler.jsonc", "package.json"])
    expect(tab(page, "wrangler.jsonc")).to_have_attribute("aria-selected", "true")
    expect(code(page)).to_contain_text("class_name")
    tab(page, "index.ts").click()
    expect(code(page)).to_contain_text("WorkflowEntrypoint")
    expect(page.locator("#project-panels > :not([hidden]) [data-code-editor]")).to_have_count(1)


@pytest.mark.long
def test_files_that_are_not_text_are_uploaded_and_downloaded(open_page: Open) -> None:
    page = open_page("/workflows/new-project/")
    create(page, "With bytes")

    page.locator("#upload-files summary").click()
    page.locator("#upload-choice").set_input_files(
        {"name": "logo.bin", "mimeType": "application/octet-stream", "buffer": b"\0\1\2"}
    )
    page.get_by_label("Into the folder").fill("assets")
    page.locator("#upload-files button").click()
    panel = page.get_by_role("tabpanel", name="logo.bin")
    expect(panel).to_contain_text("It has 3\xa0bytes")
    with page.expect_download() as download:
        panel.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes() == b"\0\1\2"


@pytest.mark.long
def test_an_upload_is_checked_before_it_becomes_a_project(open_page: Open) -> None:
    page = open_page("/workflows/new-project/", java_script_enabled=False)
    code: FilePayload = {"name": "a.ts", "mimeType": "text/plain", "buffer": b"export {};"}
    secret: FilePayload = {**code, "name": ".env", "buffer": b"A=1"}
    page.get_by_label("An archive, or files").set_input_files([code, secret])
    page.get_by_role("button", name="Check the files").click()
    expect(page.get_by_role("region", name="Left out")).to_contain_text("may hold secrets")


@pytest.mark.long
def test_without_scripts_files_are_edited_in_a_form(
    open_page: Open, installation: Installation
) -> None:
    page = open_page("/workflows/new-project/", java_script_enabled=False)
    page.get_by_label("Name").fill("Without scripts")
    page.get_by_role("button", name="Create an empty project").click()

    row(page, "wrangler.jsonc").click()
    area = page.get_by_role("textbox", name="wrangler.jsonc")
    area.fill(area.input_value() + "// a comment\n")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("textbox", name="wrangler.jsonc")).to_have_value(
        re.compile("// a comment\n$")
    )
    page.locator("#delete-file summary").click()
    page.locator("#delete-file button").click()
    expect(row(page, "wrangler.jsonc")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(row(page, "wrangler.jsonc")).to_be_visible()


def add_file(page: Page, path: str) -> None:
    page.locator("#add-file summary").click()
    page.get_by_label("Path of the new file").fill(path)
    page.keyboard.press("Enter")
    expect(tab(page, path.rpartition("/")[2])).to_have_attribute("aria-selected", "true")


def place_of(word: str, line: Locator) -> tuple[float, float]:
    """Return the middle of a word in a line of code, in the window."""
    line.scroll_into_view_if_needed()
    x, y = line.evaluate(
        """(line, word) => {
            const texts = document.createTreeWalker(line, NodeFilter.SHOW_TEXT)
            while (texts.nextNode()) {
                const start = texts.currentNode.data.indexOf(word)
                if (start < 0) continue
                const range = document.createRange()
                range.setStart(texts.currentNode, start)
                range.setEnd(texts.currentNode, start + word.length)
                const { x, y, width, height } = range.getBoundingClientRect()
                return [x + width / 2, y + height / 2]
            }
        }""",
        word,
    )
    return x, y


@pytest.mark.long
def test_code_has_completion_descriptions_and_definitions_in_other_files(open_page: Open) -> None:
    page = open_page("/workflows/new-project/")
    create(page, "With completion")
    add_file(page, "src/sums.ts")
    insert_at_end(
        page, "// Sums.\nexport function total(prices: number[]) { return prices.length; }\n"
    )
    wait_until_saved(page)
    add_file(page, "src/flow.ts")
    insert_at_end(
        page,
        'import type { WorkflowStep } from "cloudflare:workers";\nimport { total } from "./sums";\n'
        "export const all = total([1]);\nexport const pause = (step: WorkflowStep) => step",
    )

    page.keyboard.type(".sl")
    option = page.locator(".cm-tooltip-autocomplete li", has_text="sleepUntil")
    expect(option).to_be_visible()
    option.click()
    expect(code(page)).to_contain_text("step.sleepUntil")
    expect(page.locator(".cm-tooltip-autocomplete")).to_have_count(0)
    call = place_of("total", code(page).locator(".cm-line", has_text="all = total"))
    page.mouse.move(*call)
    expect(page.locator(".cm-tooltip-hover")).to_contain_text("total(prices: number[]): number")

    page.mouse.click(*call)
    page.keyboard.press("F12")
    expect(tab(page, "sums.ts")).to_have_attribute("aria-selected", "true")
    expect(code(page)).to_be_focused()
    page.keyboard.type("new_")
    expect(code(page)).to_contain_text("function new_total(prices")
