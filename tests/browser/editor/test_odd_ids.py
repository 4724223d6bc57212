"""The editor with ids and names of any kind, which imported documents can have."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.support.installation import Installation
from tests.workflows.ir.documents import chain, node

pytestmark = pytest.mark.long

IDS = (
    "constructor", "__proto__", "a\"b'c`d", "x/y z.?#&%=", "😀", "\u202eabc", "</script><img src=x onerror=alert(1)>",
    "[data-node]\\", "1", "then", "toString",
)  # fmt: skip


@pytest.fixture
def workflow(installation: Installation) -> str:
    flow = chain(*[node(str(number)) for number in range(len(IDS))])
    for item, id_ in zip(flow["nodes"], IDS, strict=True):
        item |= {"id": id_, "name": id_}
    for edge in flow["edges"]:
        edge |= {end: IDS[int(edge[end])] for end in ("source", "target")}
    return installation.import_document({**flow, "entryNodeId": IDS[0]})


def shown(page: Page) -> list[str]:
    ids: list[str] = page.evaluate(
        "() => [...document.querySelectorAll('#editor-outline [data-node]')].map(item => item.dataset.node)"
    )
    return ids


def test_nodes_with_odd_ids_are_selected_moved_and_deleted(open_page: Open, workflow: str) -> None:
    page = open_page(f"/admin/workflows/workflow/{workflow}/change/")
    expect(page.locator("[data-ready]")).to_be_visible()
    items = page.locator("#editor-outline [data-node]")
    assert shown(page) == list(IDS)

    expect(page.locator("#editor-problems")).not_to_be_empty()
    assert page.locator("#editor-outline [data-node][aria-description]").count() == 0
    for index, id_ in enumerate(IDS):
        items.nth(index).click()
        expect(page.locator("#panel-name")).to_have_value(id_)
        assert page.evaluate("() => new URL(location).searchParams.get('node')") == id_

    page.reload()
    expect(page.locator("[data-ready]")).to_be_visible()
    expect(page.locator("#panel-name")).to_have_value(IDS[-1])
    order = list(IDS)
    for _ in range(3):
        items.nth(0).click()
        page.keyboard.press("Space")
        expect(page.locator("[data-lifted]")).to_be_visible()
        page.keyboard.press("ArrowDown")  # where it is
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
        order[0], order[1] = order[1], order[0]
        expect(items.nth(1)).to_have_attribute("data-node", order[1])
        assert shown(page) == order

    items.nth(0).click()
    items.nth(1).click(modifiers=["Shift"])
    page.keyboard.press("Delete")
    expect(items).to_have_count(len(IDS) - 2)
    assert shown(page) == order[2:]


def test_nodes_are_copied_and_moved_together_if_their_ids_do_not_fit_into_an_address(
    open_page: Open, installation: Installation
) -> None:
    ids = [f"{number:0250}" for number in range(80)]
    workflow = installation.import_document(chain(*map(node, ids)))
    page = open_page(f"/admin/workflows/workflow/{workflow}/change/")
    expect(page.locator("[data-ready]")).to_be_visible()
    rows = page.locator("#editor-outline [data-node]")
    rows.nth(0).click()
    for _ in ids[2:]:
        page.keyboard.press("Shift+ArrowDown")

    page.keyboard.press("Control+c")
    expect(page.locator("#announcer")).to_contain_text("Copied 79 nodes")
    page.keyboard.press("Space")
    expect(page.locator("[data-lifted]")).to_be_visible()
    for _ in ids:
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")

    expect(rows.first).to_have_attribute("data-node", ids[79])


def test_several_selected_nodes_stay_selected_after_a_change(
    open_page: Open, workflow: str
) -> None:
    page = open_page(f"/admin/workflows/workflow/{workflow}/change/")
    expect(page.locator("[data-ready]")).to_be_visible()
    rows = page.locator("#editor-outline [data-node]")
    rows.nth(0).click()
    rows.nth(1).click(modifiers=["Shift"])

    page.keyboard.press("d")

    expect(rows).to_have_count(len(IDS) + 2)
    marked = page.locator("#editor-outline [data-node][aria-selected=true]")
    assert {each.get_attribute("data-node") for each in marked.all()} >= {
        "constructor",
        "__proto__",
    }
