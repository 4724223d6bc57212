"""The editor in a browser: building a workflow by mouse and by keyboard, its problems, its deploy."""

from __future__ import annotations

import json
import re
import time
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.chromium import log_in
from tests.browser.conftest import Open
from tests.support.installation import PASSWORD, Installation

OUTLINE = """() => [...document.querySelectorAll('#editor-outline [role=treeitem]')]
  .map(item => `${item.ariaLevel} ${item.ariaLabel}`)"""
CODE_OF = {
    "Load order": "return { lines: event.payload.lines, total: event.payload.lines.length };",
    "Charge line": "return item * 2;",
    "Finish": "return { total: loadOrder.total, charged: eachLine?.results };",
}
ANOTHER_USER = f"""
from django.contrib.auth.models import User
User.objects.create_superuser("another", password={PASSWORD!r})
"""
HOLD_SLOTS = """() => {
  const [ask, held] = [window.fetch, new Promise(resolve => { window.release = resolve })]
  window.fetch = (url, ...more) => (url.includes('/slots/') ? held : Promise.resolve()).then(() => ask(url, ...more))
}"""
CODE = '#editor-panel .node-field[data-field="data.code"] .cm-content'
BUILT = [
    "1 Trigger POST /",
    "1 Load order return { lines: event.payload.lines, total: event.payload.l…, Step",
    "1 Big order loadOrder.total > 1, Branch",
    "2 yes loadOrder.total > 1, arm",
    "3 Each line item of loadOrder.lines, Loop",
    "4 for each item, arm",
    "5 Charge line return item * 2;, Step",
    "2 no otherwise, arm, empty",
    "1 Pause 1 second, Sleep",
    "1 Finish return { total: loadOrder.total, charged: eachLine?.results…, Step",
]


@pytest.fixture
def page(open_page: Open) -> Page:
    page = open_page("/admin/workflows/workflow/add/")
    page.get_by_label("Name").fill("Orders")
    page.get_by_role("button", name="Create workflow").click()
    expect(page.locator("[data-ready]")).to_be_visible()
    return page


def outline(page: Page) -> list[str]:
    items: list[str] = page.evaluate(OUTLINE)
    return items


def item(page: Page, name: str) -> Locator:
    return page.get_by_role("treeitem", name=re.compile(f"^{re.escape(name)}\\b")).first


def saved(page: Page) -> None:
    """Wait until the server has answered every operation."""
    expect(page.locator("[data-editor]:not([data-saving])")).to_be_visible()


def drag(page: Page, source: Locator, target: str) -> None:
    """Drag with the mouse to a mark in the picture, which is scrolled to the middle of its pane."""
    source.scroll_into_view_if_needed()
    page.mouse.move(*middle(source))
    page.mouse.down()
    mark = page.locator(f".pic-slot{target}")
    mark.evaluate("mark => mark.scrollIntoView({ block: 'center', inline: 'center' })")
    page.mouse.move(*middle(mark))
    page.mouse.up()
    expect(page.locator("[data-editor]:not([data-dragging])")).to_be_visible()


def middle(locator: Locator) -> tuple[float, float]:
    box = locator.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def add_by_mouse(page: Page, type_: str, target: str, name: str) -> None:
    page.get_by_role("button", name="Add node").click()
    drag(page, page.locator(f"#type-{type_}"), target)
    expect(page.locator("#panel-name")).not_to_have_value("")
    saved(page)
    rename(page, name)


def rename(page: Page, name: str) -> None:
    field = page.locator("#editor-panel:not([aria-busy]) #panel-name")  # of the node selected last
    field.fill(name)
    expect(item(page, name)).to_be_visible()
    saved(page)


def set_code(page: Page, field: str, code: str) -> None:
    """Type into a code field: the editor that replaces its text area, or the text area itself."""
    holder = page.locator(f'#editor-panel:not([aria-busy]) .node-field[data-field="{field}"]')
    content = holder.locator(".cm-content, textarea:visible").first
    content.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(code)
    content.blur()
    saved(page)


def type_code(page: Page, code: str) -> None:
    """Type into the code of a step, and stay in it."""
    page.locator(CODE).click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(code)


def set_field(page: Page, field: str, value: str) -> None:
    control = page.locator(f'#editor-panel [name="{field}"]')
    if control.evaluate("element => element.tagName") == "SELECT":
        control.select_option(value)
    else:
        control.fill(value)
        control.blur()
    saved(page)


def configure_all(page: Page) -> None:
    for name, code in CODE_OF.items():
        item(page, name).click()
        expect(page.locator("#panel-name")).to_have_value(name)
        set_code(page, "data.code", code)
    item(page, "Pause").click()
    expect(page.locator("#panel-name")).to_have_value("Pause")
    set_field(page, "data.duration", "1 second")
    item(page, "Each line").click()
    expect(page.locator("#panel-name")).to_have_value("Each line")
    set_field(page, "data.loopType", "forEach")
    set_code(page, "data.collection", "loadOrder.lines")
    item(page, "Big order").click()
    expect(page.locator("#panel-name")).to_have_value("Big order")
    set_code_of_arm(page, "loadOrder.total > 1")


def set_code_of_arm(page: Page, code: str) -> None:
    row = page.locator('#editor-panel .node-field[data-field="data.branches"] [data-row]').first
    content = row.locator(".cm-content, textarea:visible").first
    content.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(code)
    content.blur()
    saved(page)


def deploy_and_run(page: Page, installation: Installation) -> Any:
    """Save a version and deploy it with the buttons of the page, then run it."""
    workflow = re.search(r"workflow/(\w+)/change", page.url)
    assert workflow
    page.get_by_role("button", name=re.compile("^Save as v")).click()
    expect(page.locator("[data-ready]")).to_be_visible()
    page.locator("#deploy").click()
    expect(page.get_by_text("Succeeded").first).to_be_visible(timeout=120_000)
    run = installation.json("trigger_workflow", workflow[1], '{"lines": [1, 2, 3]}')["id"]
    return output_of(installation, workflow[1], run)


def output_of(installation: Installation, workflow: str, run: str) -> Any:
    """Wait until the run has ended and return its output."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        shown = installation.json("describe_run", workflow, run, "--json")
        if shown["status"] not in ("queued", "running", "waiting"):
            assert shown["status"] == "complete", shown
            return json.loads(shown["output"])
    pytest.fail("the run has not ended")


def test_a_workflow_is_built_with_the_mouse(page: Page, installation: Installation) -> None:
    add_by_mouse(page, "step", '[data-owner=""]', "Load order")
    add_by_mouse(page, "branch", '[data-after="loadOrder"]', "Big order")
    add_by_mouse(page, "step", '[data-after="bigOrder"]', "Finish")
    add_by_mouse(page, "loop", '[data-owner="bigOrder"][data-region="0"]', "Each line")
    add_by_mouse(page, "step", '[data-owner="eachLine"][data-region="0"]', "Charge line")
    add_by_mouse(page, "sleep", '[data-after="finish"]', "Pause")
    drag(page, page.locator('.pic-node[data-node="pause"]'), '[data-after="bigOrder"]')
    saved(page)
    configure_all(page)

    assert outline(page) == BUILT
    expect(page.get_by_text("No problems")).to_be_visible()
    assert deploy_and_run(page, installation) == {"total": 3, "charged": [2, 4, 6]}


@pytest.mark.long
def test_a_drag_that_is_quicker_than_the_server_is_not_lost(page: Page) -> None:
    page.evaluate(HOLD_SLOTS)
    page.get_by_role("button", name="Add node").click()
    page.mouse.move(*middle(page.locator("#type-sleep")))
    page.mouse.down()
    page.mouse.move(*middle(page.locator(".pic-slot").first))
    page.mouse.up()
    page.evaluate("release()")

    expect(item(page, "Sleep")).to_have_attribute("aria-selected", "true")


@pytest.mark.long
def test_a_finger_scrolls_the_palette_and_drags_nothing(open_page: Open) -> None:
    page = open_page("/admin/workflows/workflow/add/", has_touch=True)
    page.get_by_label("Name").fill("Touched")
    page.get_by_role("button", name="Create workflow").click()
    page.get_by_role("button", name="Add node").tap()
    x, y = middle(page.locator("#type-sleep"))
    touch = partial(page.context.new_cdp_session(page).send, "Input.dispatchTouchEvent")

    touch({"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for distance in range(10, 110, 10):
        touch({"type": "touchMove", "touchPoints": [{"x": x, "y": y - distance}]})
    touch({"type": "touchEnd", "touchPoints": []})

    page.wait_for_function("document.querySelector('.palette-options').scrollTop > 0")
    expect(page.locator("#editor-palette")).to_be_visible()


def add_by_keyboard(page: Page, search: str, name: str) -> None:
    page.keyboard.press("a")
    expect(page.locator("#editor-palette input")).to_be_focused()
    page.keyboard.type(search)
    page.keyboard.press("Enter")
    expect(page.locator("#editor-palette")).not_to_be_visible()
    saved(page)
    expect(page.locator("#editor-outline [role=treeitem][data-node]:focus")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#panel-name")).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(name)
    expect(item(page, name)).to_be_visible()
    saved(page)
    page.locator("#editor-outline [tabindex='0']").focus()


def go_to(page: Page, name: str) -> None:
    """Go through the outline with the arrow keys."""
    page.locator("#editor-outline [tabindex='0']").focus()
    page.keyboard.press("Home")
    for _ in range(20):
        focused = page.evaluate("document.activeElement.ariaLabel")
        if str(focused).startswith(name):
            return
        page.keyboard.press("ArrowDown")
    pytest.fail(f"{name} is not in the outline")


@pytest.mark.long
def test_a_workflow_is_built_with_the_keyboard(page: Page, installation: Installation) -> None:
    page.locator("#editor-outline [tabindex='0']").focus()
    add_by_keyboard(page, "runs your own code", "Load order")
    add_by_keyboard(page, "branch", "Big order")
    add_by_keyboard(page, "runs your own code", "Finish")
    go_to(page, "yes ")
    add_by_keyboard(page, "loop", "Each line")
    go_to(page, "3 times")
    add_by_keyboard(page, "runs your own code", "Charge line")
    go_to(page, "Finish")
    add_by_keyboard(page, "waits for a period", "Pause")
    page.keyboard.press(" ")
    expect(page.locator("#announcer")).to_contain_text("Picked up")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#announcer")).to_contain_text("After Big order")
    page.keyboard.press(" ")
    expect(page.locator("#announcer")).to_contain_text("Moved")
    configure_all(page)

    assert outline(page) == BUILT
    expect(page.get_by_text("No problems")).to_be_visible()
    assert deploy_and_run(page, installation) == {"total": 3, "charged": [2, 4, 6]}


def test_a_type_error_appears_on_its_node_and_disappears(page: Page) -> None:
    add_by_mouse(page, "step", '[data-owner=""]', "Load order")

    set_code(page, "data.code", "return missing;")
    problem = page.locator("#editor-problems").get_by_text("Cannot find name 'missing'")
    expect(problem).to_be_visible()
    expect(item(page, "Load order")).to_have_class(re.compile("has-error"))

    set_code(page, "data.code", "return 1;")
    expect(problem).to_have_count(0)
    expect(page.get_by_text("No problems")).to_be_visible()


def test_undo_and_redo_survive_a_reload(page: Page) -> None:
    add_by_mouse(page, "sleep", '[data-owner=""]', "Pause")
    page.reload()
    expect(page.locator("[data-ready]")).to_be_visible()

    page.locator("#editor-outline [tabindex='0']").focus()
    for _ in range(2):  # the name, and the node itself
        page.keyboard.press("ControlOrMeta+z")
        saved(page)
    expect(item(page, "Empty step")).to_be_visible()
    for _ in range(2):
        page.keyboard.press("ControlOrMeta+Shift+z")
        saved(page)
    expect(item(page, "Pause")).to_be_visible()


def open_again(open_page: Open, page: Page) -> Page:
    """Open the editor of the same node in another browser, which does not learn what others change."""
    other = open_page(page.url.partition(page.url.split("/")[2])[2])
    expect(other.locator("[data-ready]")).to_be_visible()
    other.route(re.compile(r"/draft/\?.*revision="), lambda route: route.fulfill(status=204))
    return other


def test_a_conflict_shows_both_texts_and_the_field_gets_the_chosen_one(
    page: Page, open_page: Open
) -> None:
    add_by_mouse(page, "step", '[data-owner=""]', "Load order")
    other = open_again(open_page, page)

    set_code(page, "data.code", "return 'mine';")
    type_code(other, "return 'yours';")

    dialog = other.get_by_role("dialog", name="Someone else changed this")
    expect(dialog.get_by_text("return 'mine';")).to_be_visible()
    expect(dialog.get_by_text("return 'yours';")).to_be_visible()
    for key in ("a", "Space", "Enter", "Escape"):  # typing makes no choice
        other.keyboard.press(key)
    dialog.get_by_role("button", name="Keep theirs").click()
    expect(other.locator(CODE)).to_have_text("return 'mine';")
    expect(other.locator("#editor-panel [data-code-of]")).to_have_text("Code of this node")


@pytest.mark.long
def test_what_is_typed_into_a_node_that_someone_deletes_is_shown(
    page: Page, open_page: Open
) -> None:
    add_by_mouse(page, "step", '[data-owner=""]', "Load order")
    other = open_again(open_page, page)
    item(page, "Load order").click()
    page.keyboard.press("Delete")
    saved(page)

    type_code(other, "return 'long thought';")

    dialog = other.get_by_role("dialog", name="Your text was not saved")
    expect(dialog.get_by_text("return 'long thought';")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    other.keyboard.press("a")
    expect(other.locator("#editor-palette")).to_be_hidden()


@pytest.mark.long
def test_what_was_just_typed_is_saved_when_the_page_is_left(page: Page) -> None:
    add_by_mouse(page, "step", '[data-owner=""]', "Load order")
    page.on("dialog", lambda dialog: dialog.accept())
    type_code(page, "return 'just typed';")
    page.reload()

    expect(page.locator(CODE)).to_have_text("return 'just typed';")


@pytest.mark.long
def test_what_is_typed_while_logged_out_is_saved_after_the_next_login(page: Page) -> None:
    add_by_mouse(page, "step", '[data-owner=""]', "Load order")
    page.context.clear_cookies()
    type_code(page, "return 'logged out';")
    expect(page.get_by_text("You were logged out.")).to_be_visible()

    log_in(page.context.new_page(), "/")

    saved(page)
    page.reload()
    expect(page.locator(CODE)).to_have_text("return 'logged out';")


@pytest.mark.long
def test_what_is_typed_is_not_saved_as_someone_else_who_logs_in(
    page: Page, installation: Installation
) -> None:
    add_by_mouse(page, "step", '[data-owner=""]', "Load order")
    installation.manage("shell", "-v", "0", "-c", ANOTHER_USER)
    tab = page.context.new_page()
    page.context.clear_cookies()
    log_in(tab, "/", name="another")
    type_code(page, "return 'mine';")
    expect(page.get_by_text("You are now logged in as a different user.")).to_be_visible()

    page.context.clear_cookies()
    log_in(tab, "/")

    saved(page)
    page.reload()
    expect(page.locator(CODE)).to_have_text("return 'mine';")
    expect(page.locator("#draft-changes")).not_to_contain_text("another")


class Gate:
    """Keeps requests that change the draft from the server until it is opened."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._held: list[Route] | None = []
        page.route(re.compile("/draft/change/"), lambda route: self._arrived(route))

    def _arrived(self, route: Route) -> None:
        if self._held is None:
            route.continue_()
        else:
            self._held.append(route)

    def let_one_pass(self) -> None:
        """Let the first request pass, and return when the next one waits."""
        assert self._held is not None
        while not self._held:
            self._page.wait_for_timeout(10)
        with self._page.expect_request(re.compile("/draft/change/")):
            self._held.pop(0).continue_()

    def open(self) -> None:
        held, self._held = self._held or [], None
        for route in held:
            route.continue_()


@pytest.mark.long
def test_text_typed_before_the_response_to_a_rename_is_kept(page: Page) -> None:
    add_by_mouse(page, "step", '[data-owner=""]', "Load order")
    gate = Gate(page)
    page.locator("#panel-name").fill("Read order")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text("return 12")
    gate.open()
    expect(page.locator("#panel-id")).to_have_value("readOrder")
    page.keyboard.insert_text("34;")

    expect(item(page, "Read order")).to_have_accessible_name(re.compile("return 1234;"))
    saved(page)
    page.reload()
    expect(page.locator("#editor-panel .cm-content").first).to_have_text("return 1234;")


@pytest.mark.long
def test_a_node_selected_while_another_is_being_saved_stays_selected(page: Page) -> None:
    add_by_mouse(page, "step", '[data-owner=""]', "Load order")
    add_by_mouse(page, "sleep", '[data-after="loadOrder"]', "Pause")
    gate = Gate(page)
    page.locator("#panel-name").fill("Wait a minute")
    item(page, "Load order").click()
    expect(page.locator("#panel-name")).to_have_value("Load order")
    gate.open()

    expect(item(page, "Wait a minute")).to_be_visible()
    saved(page)
    expect(page.locator("#panel-name")).to_have_value("Load order")
    expect(item(page, "Load order")).to_have_attribute("aria-selected", "true")


@pytest.mark.long
def test_nothing_is_typed_into_the_form_of_the_node_selected_before(page: Page) -> None:
    add_by_mouse(page, "step", '[data-owner=""]', "Load order")
    add_by_mouse(page, "sleep", '[data-after="loadOrder"]', "Pause")
    held: list[Route] = []
    refreshes = re.compile(r"/draft/\?.*revision=")  # they bring the form as well
    page.route(refreshes, lambda route: route.fulfill(status=204))
    page.route(re.compile(r"/draft/\?.*part=panel"), lambda route: held.append(route))
    item(page, "Load order").click()
    expect(page.locator("#editor-panel[aria-busy]")).to_be_visible()

    page.locator("#panel-name").click(force=True)
    page.keyboard.insert_text("Typed too early")
    expect(page.locator("#panel-name")).to_have_value("Pause")

    page.unroute(refreshes)
    held[0].abort()
    expect(page.locator("#panel-name")).to_have_value("Load order")
    rename(page, "Read order")
    expect(item(page, "Pause")).to_be_visible()


@pytest.mark.long
def test_a_payload_schema_is_completed_at_any_depth(page: Page) -> None:
    add_by_mouse(page, "wait_for_event", '[data-owner=""]', "Approval")
    schema = page.locator('#editor-panel [data-field="data.schema"]')
    schema.locator(".cm-content").click()
    page.keyboard.insert_text('{"type": "object", "properties": {"amount": {')
    page.keyboard.type('"mini')
    page.locator(".cm-tooltip-autocomplete li", has_text="minimum").click()
    page.keyboard.insert_text("1}}}")
    page.keyboard.press("Escape")
    schema.locator(".cm-content").blur()
    saved(page)

    expect(schema.locator("textarea")).to_have_value(re.compile(r'"amount": \{"minimum": 1\}\}\}$'))
    expect(page.get_by_text("No problems")).to_be_visible()


@pytest.mark.long
def test_headers_are_added_with_buttons_and_references_with_completion(page: Page) -> None:
    add_by_mouse(page, "http_request", '[data-owner=""]', "Fetch sales")
    headers = page.locator('#editor-panel [data-field="data.headers"]')
    for name, value in [("accept", "text/csv"), ("x-report", "nightly"), ("x-days", "7")]:
        headers.get_by_role("button", name="Add").click()
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.type(value)
    headers.get_by_role("button", name="Remove 2").click()
    saved(page)

    url = page.locator('#editor-panel [name="data.url"]')
    url.fill("https://example.com/")
    url.press_sequentially("{{ e")
    names = page.locator("#editor-references [role=option]")
    expect(names.locator("code")).to_have_text(["event", "env"])
    expect(url).to_have_attribute("aria-activedescendant", "editor-reference-0")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.keyboard.type(".payload.id")
    expect(page.locator("#editor-references")).to_be_hidden()
    expect(url).to_have_value("https://example.com/{{ event.payload.id }}")
    url.blur()
    saved(page)

    page.reload()
    expect(url).to_have_value("https://example.com/{{ event.payload.id }}")
    shown = headers.locator("[data-row]:visible input").evaluate_all("all => all.map(i => i.value)")
    assert shown == ["accept", "text/csv", "x-days", "7"]


@pytest.mark.long
def test_the_form_of_an_approval_is_built_in_rows(page: Page) -> None:
    add_by_mouse(page, "human_approval", '[data-owner=""]', "Ask")
    form = page.locator('#editor-panel [data-field="data.fields"]')
    for name, type_ in [("size", "choice"), ("note", "text")]:
        form.get_by_role("button", name="Add to Form").click()
        row = form.locator("[data-row]:visible").last
        page.keyboard.type(name)
        row.get_by_label("Type").select_option(type_)
        row.get_by_label("Required").select_option("yes")
        row.get_by_label("Options of a choice").fill("s\nl" if type_ == "choice" else "")
        row.get_by_label("Label", exact=True).fill(name.upper())
        row.get_by_label("Label", exact=True).blur()
        saved(page)
    form.get_by_role("button", name="Remove 2").click()
    saved(page)

    page.reload()
    rows = form.locator("[data-row]:visible")
    expect(rows).to_have_count(1)
    values = rows.locator("input:visible, select, textarea").evaluate_all(
        "all => all.map(i => i.value)"
    )
    assert values == ["size", "SIZE", "choice", "s\nl", "yes"]
    expect(form.locator(".field-problems")).to_have_count(0)


@pytest.mark.long
def test_a_choice_that_is_not_saved_yet_outlasts_the_response_to_another(page: Page) -> None:
    add_by_mouse(page, "human_approval", '[data-owner=""]', "Ask")
    form = page.locator('#editor-panel [data-field="data.fields"]')
    form.get_by_role("button", name="Add to Form").click()
    page.keyboard.type("size")
    saved(page)
    gate = Gate(page)
    row = form.locator("[data-row]:visible").last
    row.get_by_label("Type").select_option("number")
    row.get_by_label("Required").select_option("yes")
    row.get_by_label("Label", exact=True).focus()
    gate.let_one_pass()

    row.get_by_label("Label", exact=True).fill("Size")
    gate.open()
    saved(page)

    page.reload()
    expect(row.get_by_label("Required")).to_have_value("yes")
    expect(row.get_by_label("Type")).to_have_value("number")
    expect(row.get_by_label("Label", exact=True)).to_have_value("Size")


def test_the_deploy_button_saves_the_draft_with_text_that_was_just_typed(page: Page) -> None:
    expect(page.locator("#deploy")).to_have_text("Deploy v1")
    expect(page.get_by_text("Add a note")).to_be_hidden()
    add_by_mouse(page, "step", '[data-owner=""]', "Load order")
    page.get_by_text("Add a note").click()
    page.get_by_label("What changed in the new version").fill("Orders are read first")
    page.locator("#panel-name").fill("Read order")
    page.get_by_role("button", name="Save and deploy v2").click()

    expect(page.get_by_role("heading", name="Orders v2")).to_be_visible()
    page.get_by_role("link", name="Edit workflow").click()
    expect(item(page, "Read order")).to_be_visible()
    expect(page.locator("#deploy")).to_have_text("Deploy v2")
    page.get_by_role("link", name="Versions", exact=True).click()
    expect(page.get_by_text("Orders are read first")).to_be_visible()


@pytest.mark.long
def test_node_types_are_found_by_their_other_names(page: Page) -> None:
    page.keyboard.press("a")
    chosen = page.locator("#editor-palette [data-option][aria-selected=true]")
    for word, title in [
        ("if", "Branch"),
        ("fetch", "HTTP request"),
        ("delay", "Sleep"),
        ("each", "Loop"),
        ("wait for", "Wait for event"),
    ]:
        page.locator("#editor-palette input").fill(word)
        expect(chosen.locator(".palette-name")).to_have_text(title)
        expect(page.locator("[data-about]:visible h3")).to_have_text(title)
    about = page.locator("[data-about]:visible")
    expect(about).to_contain_text("The type of the event")
    expect(about.locator("pre").first).to_have_text("approved")
    page.locator("#editor-palette input").fill("")
    page.locator("#type-sleep").hover()
    expect(page.locator("[data-about]:visible h3")).to_have_text("Sleep")
    page.locator("#editor-palette input").fill("zebra")
    expect(page.get_by_text("Nothing matches")).to_be_visible()


@pytest.mark.long
def test_copied_nodes_can_be_pasted_in_another_tab(open_page: Open) -> None:
    page = open_page(
        "/admin/workflows/workflow/add/", permissions=["clipboard-read", "clipboard-write"]
    )
    page.get_by_label("Name").fill("Copies")
    page.get_by_role("button", name="Create workflow").click()
    expect(page.locator("[data-ready]")).to_be_visible()
    page.get_by_role("treeitem").nth(1).click()
    rename(page, "Original")
    item(page, "Original").click()
    page.keyboard.press("Control+c")
    expect(page.locator("#announcer")).to_have_text("Copied one node")

    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator("[data-ready]")).to_be_visible()
    item(other, "Original").click()
    other.keyboard.press("Control+v")

    expect(other.get_by_role("treeitem", name=re.compile("^Original"))).to_have_count(2)

    other.evaluate(
        """async () => {
            const text = await navigator.clipboard.readText()
            await navigator.clipboard.writeText(text.replace('"data": {', '"data": {"n": 9007199254740993,'))
        }"""
    )
    other.keyboard.press("Control+v")

    expect(other.get_by_text("This cannot be pasted").first).to_contain_text("9007199254740993")
    expect(other.get_by_role("treeitem", name=re.compile("^Original"))).to_have_count(2)
