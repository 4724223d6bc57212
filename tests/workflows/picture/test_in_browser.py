"""A picture in a browser: zoom, keyboard, phones, no JavaScript, reduced motion."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.support.installation import Installation
from tests.workflows.ir.documents import every_type

WIDTH = "document.querySelector('.pic').getBoundingClientRect().width"
MOTION = """() => {
  document.querySelector('.pic').innerHTML += '<g class="pic-ring"></g>'
  return getComputedStyle(document.querySelector('.pic-ring')).animationName
}"""


@pytest.fixture(scope="module")
def address(installation: Installation) -> str:
    workflow = installation.import_document(every_type())
    return f"/admin/workflows/workflow/{workflow}/change/?form"


def width(page: Page) -> float:
    picture_width: float = page.evaluate(WIDTH)
    return picture_width


def height_of_names(page: Page) -> float:
    height: float = page.evaluate(
        "document.querySelector('.pic-name').getBoundingClientRect().height"
    )
    return height


def test_buttons_zoom_the_picture(open_page: Open, address: str) -> None:
    page = open_page(address)
    first = width(page)

    page.get_by_role("button", name="Zoom in").click()
    assert width(page) == pytest.approx(first * 1.25, rel=0.01)
    page.get_by_role("button", name="Zoom out").click()
    assert width(page) == pytest.approx(first, rel=0.01)

    page.get_by_role("button", name="Fit").click()
    assert width(page) < first
    assert height_of_names(page) > 5


@pytest.mark.long
def test_keys_zoom_and_scroll_a_focused_picture(open_page: Open, address: str) -> None:
    page = open_page(address)
    first = width(page)
    page.locator(".picture-frame").focus()

    page.keyboard.press("+")
    assert width(page) > first
    page.keyboard.press("0")
    assert width(page) < first
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.keyboard.press("ArrowDown")
    page.wait_for_function("document.querySelector('.picture-frame').scrollTop > 0")


@pytest.mark.long
def test_the_mouse_drags_the_picture(open_page: Open, address: str) -> None:
    page = open_page(address)
    frame = page.locator(".picture-frame")
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    assert box

    page.mouse.move(box["x"] + 20, box["y"] + 300)
    page.mouse.down()
    page.mouse.move(box["x"] + 20, box["y"] + 200, steps=5)
    page.mouse.up()

    assert page.evaluate("document.querySelector('.picture-frame').scrollTop") == 100


@pytest.mark.long
def test_a_node_links_to_its_place_in_the_document(open_page: Open, address: str) -> None:
    page = open_page(address)

    page.locator(".pic [data-node=ask]").click()

    page.wait_for_function(
        """() => {
            const area = document.getElementById('id_ir')
            return area.value.slice(area.selectionStart, area.selectionEnd).includes('"id": "ask"')
        }"""
    )


@pytest.mark.long
def test_a_picture_is_readable_on_a_phone(open_page: Open, address: str) -> None:
    page = open_page(address, viewport={"width": 360, "height": 740})

    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert height_of_names(page) > 9


@pytest.mark.long
def test_without_javascript_the_picture_scrolls_in_its_frame(open_page: Open, address: str) -> None:
    page = open_page(address, java_script_enabled=False, viewport={"width": 360, "height": 740})

    expect(page.locator(".picture-tools")).to_be_hidden()
    expect(page.locator(".picture .pic")).to_be_visible()
    page.get_by_text("Outline", exact=True).click()
    expect(page.get_by_role("listitem").filter(has_text="continues").first).to_be_visible()


@pytest.mark.long
@pytest.mark.parametrize(("motion", "name"), [("reduce", "none"), ("no-preference", "as-spin")])
def test_a_running_icon_respects_reduced_motion(
    open_page: Open, address: str, motion: str, name: str
) -> None:
    page = open_page(address, reduced_motion=motion)

    assert page.evaluate(MOTION) == name


def test_no_name_is_wider_than_its_box(open_page: Open, installation: Installation) -> None:
    long = every_type()
    for at, node in enumerate(long["nodes"]):
        node["name"] = ["W" * 90, "The quick brown fox jumps over it " * 3, "注文" * 40, "i" * 200][
            at % 4
        ]
    workflow = installation.import_document(long)
    page = open_page(f"/admin/workflows/workflow/{workflow}/change/?form")

    outside = page.evaluate(
        "[...document.querySelectorAll('.pic-node')].filter(node =>"
        " node.querySelector('.pic-name').getBoundingClientRect().right >"
        " node.querySelector('.pic-box').getBoundingClientRect().right).length"
    )
    assert outside == 0
