"""Other features of the editor: fixes for problems, folding, and the accessibility of open dialogs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Open
from tests.browser.editor.test_code_fields import wait_for_completion
from tests.browser.editor.test_editor import (
    Gate,
    add_by_mouse,
    item,
    page,  # noqa: F401 - a fixture
    rename,
    saved,
    set_code,
    set_code_of_arm,
)
from tests.browser.test_accessibility import violations

TOP = "element => element.getBoundingClientRect().top"
CODE = '#editor-panel .node-field[data-field="data.code"]'


def test_a_button_corrects_a_misspelled_name_and_undo_reverts_it(page: Page) -> None:  # noqa: F811
    add_by_mouse(page, "step", '[data-owner=""]', "Load order")
    set_code(page, "data.code", "const amount = 1;\nreturn amuont;")
    expect(page.locator(f"{CODE} .found-problems")).to_contain_text("Did you mean 'amount'?")

    page.get_by_role("button", name="Use amount").click()
    saved(page)

    expect(page.get_by_text("No problems")).to_be_visible()
    expect(page.locator(f"{CODE} .cm-content")).to_contain_text("return amount;")
    expect(page.locator(f"{CODE} .found-problems")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(f"{CODE} .cm-content")).to_contain_text("return amuont;")


@pytest.mark.long
def test_a_link_that_is_pressed_while_problems_are_fetched_is_followed(page: Page) -> None:  # noqa: F811
    add_by_mouse(page, "step", '[data-owner=""]', "Load order")
    set_code(page, "data.code", "return missing;")
    link = page.locator("#editor-problems a").first
    expect(link).to_have_text("Load order")
    held: list[Route] = []
    page.route("**/problems/", lambda route: held.append(route))
    set_code(page, "data.code", "return missing + absent;")
    saved(page)
    page.locator("#outline-trigger").click()
    expect(page.locator("#panel-trigger")).to_be_visible()
    while not held:
        page.wait_for_timeout(20)  # lets Playwright handle requests

    link.hover()
    page.mouse.down()
    with page.expect_response("**/problems/") as answered:
        held[-1].continue_()
    answered.value.finished()
    page.mouse.up()

    expect(item(page, "Load order")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#editor-problems")).to_contain_text("absent")


@pytest.mark.long
def test_a_click_on_a_problem_moves_the_cursor_to_it(page: Page) -> None:  # noqa: F811
    add_by_mouse(page, "branch", '[data-owner=""]', "Big order")
    set_code_of_arm(page, "1 <\n  missing")
    expect(page.locator("#outline-arm-bigOrder-0")).to_have_class(re.compile("has-error"))
    page.locator("#outline-trigger").click()
    expect(page.locator("#panel-trigger")).to_be_visible()

    expect(page.locator("#editor-problems")).to_contain_text("Arm 1 \u203a Condition")
    page.locator("#editor-problems a").first.click()

    expect(item(page, "Big order")).to_have_attribute("aria-selected", "true")
    arm = page.locator("#editor-panel [data-row]").first.locator(".cm-content")
    expect(arm).to_be_focused()
    page.keyboard.type("is")
    expect(arm.locator(".cm-line").nth(1)).to_have_text("  ismissing")


@pytest.mark.long
def test_axe_finds_nothing_while_a_dialog_is_open(open_page: Open) -> None:
    opened = open_page(
        "/admin/workflows/workflow/add/",
        color_scheme="light",
        reduced_motion="reduce",
        bypass_csp=True,
    )
    opened.get_by_label("Name").fill("Orders")
    opened.get_by_role("button", name="Create workflow").click()
    expect(opened.locator("[data-ready]")).to_be_visible()

    found = {}
    for button, dialog in (("Add node", "#editor-palette"), ("Commands", "#editor-palette"),
                           ("Shortcuts", "#editor-keys")):  # fmt: skip
        opened.get_by_role("button", name=button, exact=True).click()
        expect(opened.locator(dialog)).to_be_visible()
        found[button] = violations(opened)
        opened.keyboard.press("Escape")
    refusals: dict[str, tuple[int, dict[str, Any]]] = {
        "force": (422, {"error": "Finish uses it.", "can_force": True}),
        "conflict": (409, {"error": "mia changed this.", "current": "return 1;"}),
    }
    for name, (status, answer) in refusals.items():
        opened.route(re.compile("/draft/change/"), refusal(status, answer), times=1)
        opened.locator("#panel-trigger").select_option("manual" if name == "force" else "queue")
        expect(opened.locator(f"#editor-{name}")).to_be_visible()
        found[name] = violations(opened)
        opened.keyboard.press("Escape")

    assert {button: problems for button, problems in found.items() if problems} == {}


@pytest.mark.long
def test_the_search_finds_a_node_by_its_code_and_selects_it(page: Page) -> None:  # noqa: F811
    add_by_mouse(page, "step", '[data-owner=""]', "Charge line")
    set_code(page, "data.code", "return 42;")
    page.locator("#outline-trigger").click()
    search = page.get_by_placeholder("Find a node", exact=True)

    search.fill("RETURN 42")
    expect(page.locator("#outline-trigger")).to_be_hidden()
    search.press("Enter")

    expect(item(page, "Charge line")).to_be_focused()
    expect(item(page, "Charge line")).to_have_attribute("aria-selected", "true")
    search.fill("nowhere")
    search.press("ArrowDown")
    expect(page.get_by_role("status").filter(has_text="No node was found")).to_have_count(1)


@pytest.mark.long
def test_a_container_folds_in_the_outline_and_in_the_picture(page: Page) -> None:  # noqa: F811
    add_by_mouse(page, "loop", '[data-owner=""]', "Each line")
    add_by_mouse(page, "step", '[data-owner="eachLine"][data-region="0"]', "Charge line")
    set_code(page, "data.code", "return missing;")
    expect(item(page, "Charge line")).to_have_class(re.compile("has-error"))
    loop, arm = item(page, "Each line"), page.locator("#outline-arm-eachLine-0")
    box, inner = (page.locator(f".pic-node[data-node={id_}]") for id_ in ("eachLine", "chargeLine"))

    loop.locator(".outline-fold").click()
    expect(arm).to_be_hidden()
    expect(loop).to_have_attribute("aria-selected", "true")
    expect(loop).to_have_attribute("aria-description", "Contains a problem")
    expect(inner).to_have_count(0)
    expect(box).to_contain_text("1 node inside")
    expect(box.locator(".pic-inner-problem")).to_be_visible()
    rename(page, "Every line")
    box = page.locator(".pic-node[data-node=everyLine]")
    expect(box).to_contain_text("1 node inside")
    expect(item(page, "Every line")).to_have_attribute("aria-expanded", "false")

    page.locator("#editor-problems a").first.click()
    expect(inner).to_be_visible()
    expect(page.locator("#outline-arm-everyLine-0")).to_be_visible()
    box.locator(".pic-fold").click()
    expect(inner).to_have_count(0)
    expect(item(page, "Every line")).to_have_attribute("aria-expanded", "false")

    search = page.get_by_placeholder("Find a node", exact=True)
    search.fill("charge")
    expect(item(page, "Charge line")).to_be_visible()
    expect(inner).to_be_visible()
    search.fill("")
    expect(item(page, "Charge line")).to_be_hidden()
    expect(inner).to_have_count(0)

    page.get_by_role("button", name="Save as v").click()
    expect(page.locator(".messagelist")).to_contain_text("Saved as v")
    expect(item(page, "Every line")).to_have_attribute("aria-expanded", "false")
    expect(item(page, "Every line")).to_have_attribute("aria-selected", "true")
    expect(inner).to_have_count(0)


@pytest.mark.long
def test_entry_code_is_written_in_the_form_of_the_trigger_with_completion(page: Page) -> None:  # noqa: F811
    page.locator("#editor-panel summary", has_text="Entry code").click()
    code = page.locator('#editor-panel [data-field="entryCode"] .cm-content')
    code.click()
    page.keyboard.insert_text(
        "export const fetch = async (request: Request, env: Env) => {\n  return Response.js"
    )
    page.keyboard.type("o")
    wait_for_completion(page, "json")
    page.keyboard.press("Enter")
    page.keyboard.insert_text("(missing);\n};")
    problem = page.locator("#editor-problems li", has_text="Cannot find name 'missing'")
    expect(problem).to_contain_text("Trigger Entry code")

    page.locator("#editor-outline [role=treeitem]").nth(1).click()
    expect(page.locator("#panel-name")).to_be_visible()
    problem.get_by_role("link", name="Trigger").click()
    expect(code).to_be_focused()
    page.keyboard.type("not")
    expect(code.locator(".cm-line").nth(1)).to_have_text("  return Response.json(notmissing);")
    code.blur()
    saved(page)
    page.get_by_role("button", name="Undo").click()
    expect(code.locator(".cm-line").nth(1)).not_to_contain_text("notmissing")


@pytest.mark.long
def test_a_picture_larger_than_its_pane_has_a_map_beside_it_that_scrolls_it(page: Page) -> None:  # noqa: F811
    overview, frame = page.locator("#editor-minimap"), page.locator("#editor-picture")
    expect(overview).to_be_hidden()
    for _ in range(4):
        page.get_by_role("button", name="Zoom in").click()
    expect(overview.locator(".minimap-node")).to_have_count(1)
    box, pane = overview.bounding_box(), frame.bounding_box()
    assert box
    assert pane
    assert box["x"] + box["width"] <= pane["x"]

    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    assert frame.evaluate("frame => [frame.scrollLeft, frame.scrollTop]") == [0, 0]
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2)
    page.mouse.up()
    assert frame.evaluate("""frame => frame.scrollTop + frame.clientHeight >= frame.scrollHeight - 1
        && frame.scrollLeft + frame.clientWidth >= frame.scrollWidth - 1""")

    toggle = page.get_by_role("button", name="Map")
    toggle.click()
    expect(overview).to_be_hidden()
    toggle.click()
    expect(overview).to_be_visible()
    page.get_by_role("button", name="Fit").click()
    expect(overview).to_be_hidden()
    assert frame.evaluate("""frame => frame.scrollHeight <= frame.clientHeight
        && frame.scrollWidth <= frame.clientWidth""")


@pytest.mark.long
def test_the_fields_of_another_kind_of_loop_appear_before_the_server_answers(page: Page) -> None:  # noqa: F811
    add_by_mouse(page, "loop", '[data-owner=""]', "Each line")
    fields = page.locator("#editor-panel .node-field")
    count, collection = (
        fields.and_(page.locator(f'[data-field="data.{name}"]')) for name in ("count", "collection")
    )
    gate = Gate(page)

    page.locator('#editor-panel [name="data.loopType"]').select_option("forEach")
    expect(collection).to_be_visible()
    expect(count).to_be_hidden()

    gate.open()
    saved(page)
    expect(collection).to_be_visible()


def refusal(status: int, answer: dict[str, Any]) -> Callable[[Route], None]:
    """Return a handler that answers a request instead of the server."""
    return lambda route: route.fulfill(status=status, json=answer)


def lose_answer(route: Route) -> None:
    """Let a request reach the server, but keep the response from the page."""
    route.fetch()
    route.abort()


@pytest.mark.long
def test_an_empty_slot_of_the_picture_opens_the_palette_which_replaces_it(page: Page) -> None:  # noqa: F811
    page.locator(".pic-placeholder").click()
    expect(page.locator("#editor-palette")).to_be_visible()

    page.locator("#type-sleep").click()
    saved(page)

    expect(item(page, "Sleep")).to_be_visible()
    expect(page.locator(".pic-node")).to_have_count(1)
    expect(page.locator(".pic-placeholder")).to_have_count(0)


@pytest.mark.long
def test_the_list_of_changes_stays_open_and_lists_a_change_with_a_lost_response_once(
    page: Page,  # noqa: F811
) -> None:
    add_by_mouse(page, "sleep", '[data-owner=""]', "Pause")
    page.get_by_text("Changes since v1").click()
    page.route(re.compile("/draft/undo/"), lose_answer, times=1)

    page.get_by_role("button", name="Undo").click()

    changes = page.locator("#draft-changes li")
    expect(changes.first).to_contain_text("Undone")
    saved(page)
    expect(changes.filter(has_text="Undone")).to_have_count(1)
    page.set_viewport_size({"width": 360, "height": 800})
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360


@pytest.mark.long
def test_the_page_stays_where_it_is_while_somebody_types_below_the_outline(page: Page) -> None:  # noqa: F811
    add_by_mouse(page, "sleep", '[data-owner=""]', "Pause")
    page.set_viewport_size({"width": 360, "height": 500})
    name = page.locator("#panel-name")
    name.evaluate(
        "field => { field.focus(); scrollBy(0, field.getBoundingClientRect().top - 150) }"
    )
    scrolled = page.evaluate("scrollY")
    expect(item(page, "Pause")).not_to_be_in_viewport()

    name.fill("Rest")
    expect(item(page, "Rest")).to_have_attribute("aria-selected", "true")
    saved(page)

    assert page.evaluate("scrollY") == scrolled


@pytest.mark.long
def test_a_refused_input_stays_marked_is_not_deployed_and_is_reported_when_it_is_left(
    page: Page,  # noqa: F811
) -> None:
    add_by_mouse(page, "wait_for_event", '[data-owner=""]', "Approval")
    panel, status = page.locator("#editor-panel"), page.locator(".editor-saving")
    event_type, timeout = (
        panel.locator(f'[name="data.{each}"]') for each in ("eventType", "timeout")
    )
    top = page.locator(".editor-panes").evaluate(TOP)
    event_type.fill("manager approved")
    event_type.blur()
    expect(status).to_contain_text("Not saved: correct the marked input.")
    assert page.locator(".editor-panes").evaluate(TOP) == top
    expect(page.get_by_text("No problems")).to_be_hidden()

    timeout.fill("2 hours")
    timeout.blur()
    saved(page)
    expect(panel).to_contain_text("2 hours = 7,200,000 ms")
    expect(panel.get_by_role("link", name="Code of this node")).to_be_visible()
    expect(panel.locator(".panel-head")).not_to_contain_text("null")
    expect(panel.locator("[data-refused]")).to_contain_text('not "manager approved"')
    page.locator("#deploy").click()
    expect(page.locator(".messagelist")).to_contain_text("Nothing was saved or deployed.")
    expect(event_type).to_be_focused()

    page.locator("#outline-trigger").click()
    expect(page.locator(".messagelist")).to_contain_text(
        "Not saved in \u201cApproval\u201d: Event type"
    )
    expect(page.get_by_text("No problems")).to_be_visible()
    item(page, "Approval").click()
    event_type.fill("manager approved")
    event_type.blur()
    expect(panel.locator("[data-refused]")).to_be_visible()
    event_type.fill("approved")
    event_type.blur()
    expect(panel.locator("[data-refused]")).to_have_count(0)
    expect(page.get_by_text("No problems")).to_be_visible()


@pytest.mark.long
def test_fit_shows_the_whole_picture_and_its_size_outlasts_a_change(page: Page) -> None:  # noqa: F811
    frame, picture = page.locator("#editor-picture"), page.locator("#editor-picture .pic")
    page.set_viewport_size({"width": 1280, "height": 500})
    for _ in range(4):
        page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Fit").click()
    is_whole = "frame => frame.scrollHeight <= frame.clientHeight + 1"
    assert frame.evaluate(is_whole)
    width = picture.get_attribute("width")
    assert width != "NaN"

    page.locator("#editor-outline [role=treeitem]").nth(1).click()
    expect(page.locator("#panel-name")).to_be_visible()
    rename(page, "Load order")

    assert picture.get_attribute("width") == width


@pytest.mark.long
def test_a_drop_in_an_impossible_place_says_why_and_commands_save(page: Page) -> None:  # noqa: F811
    add_by_mouse(page, "loop", '[data-owner=""]', "Each line")
    add_by_mouse(page, "step", '[data-owner="eachLine"][data-region="0"]', "Count")
    set_code(page, "data.code", "return i;")

    source, target = (
        item(page, "Count").bounding_box(),
        page.locator("#outline-trigger").bounding_box(),
    )
    assert source
    assert target
    page.mouse.move(source["x"] + 60, source["y"] + 10)
    page.mouse.down()
    page.mouse.move(source["x"] + 60, source["y"] - 10)
    page.locator(".outline-row.is-legal").first.wait_for()
    page.mouse.move(target["x"] + 60, target["y"] + 10)
    top = page.locator(".editor-panes").bounding_box()
    page.mouse.up()
    expect(page.locator(".messagelist")).to_contain_text("\u201cCount\u201d cannot be moved there")
    assert page.locator(".editor-panes").bounding_box() == top
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.locator(".messagelist li")).to_have_count(0)
    hold_at_top_of_outline(page, "Count")

    page.keyboard.press("ControlOrMeta+k")
    page.keyboard.type("deploy")
    expect(page.locator("#editor-palette [aria-selected=true]")).to_have_text("Deploy")
    page.keyboard.press("Escape")
    expect(page.locator("#editor-palette")).to_be_hidden()
    page.keyboard.press("ControlOrMeta+k")
    page.keyboard.type("save as a version")
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("Saved as v2.")


def hold_at_top_of_outline(page: Page, name: str) -> None:  # noqa: F811
    """Drag a node to the top of an outline that is scrolled down, and wait there until it is scrolled up."""
    pane = page.locator("#editor-outline")
    pane.evaluate("pane => { pane.style.maxHeight = '80px'; pane.scrollTo(0, pane.scrollHeight) }")
    source, frame = item(page, name).bounding_box(), pane.bounding_box()
    assert source
    assert frame
    page.mouse.move(source["x"] + 60, source["y"] + 10)
    page.mouse.down()
    page.mouse.move(source["x"] + 60, frame["y"] + 20)
    page.mouse.move(source["x"] + 60, frame["y"] + 10)
    page.wait_for_function("() => document.querySelector('#editor-outline').scrollTop === 0")
    page.keyboard.press("Escape")
    page.mouse.up()
