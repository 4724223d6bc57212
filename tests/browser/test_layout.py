"""Pages with a keyboard and with reduced motion, and the layout of their forms."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open


@pytest.mark.long
def test_fifteen_runs_fit_on_a_laptop(open_page: Open, ids: dict[str, object]) -> None:
    page = open_page("/runs/", viewport={"width": 1280, "height": 900})
    frame = page.locator("#runs-list tbody").bounding_box()
    row = page.locator("#runs-list tbody tr").first.bounding_box()

    assert frame
    assert row
    assert 36 <= row["height"] <= 44
    assert (900 - frame["y"]) // row["height"] >= 15


@pytest.mark.long
def test_the_navigation_is_a_menu_on_a_phone_without_scripts(open_page: Open) -> None:
    page = open_page(viewport={"width": 360, "height": 740}, java_script_enabled=False)
    menu = page.locator(".nav-menu")
    expect(menu.get_by_role("link", name="Runs")).to_be_hidden()

    menu.locator("summary").click()
    expect(menu.get_by_role("link", name="Dashboard")).to_have_attribute("aria-current", "page")
    menu.get_by_role("link", name="Runs").click()

    page.wait_for_url("**/runs/")


def test_deploy_can_be_pressed_with_the_keyboard(open_page: Open, ids: dict[str, object]) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.locator(".skip-to-content-link")).to_be_focused()

    page.keyboard.press("Enter")
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == f"deploy-{ids['workflow']}":
            break
    page.keyboard.press("Enter")

    page.wait_for_url("**/deployments/*/")


@pytest.mark.long
def test_the_settings_of_a_queue_consumer_share_a_row(
    open_page: Open, ids: dict[str, object]
) -> None:
    page = open_page(
        f"/workflows/{ids['workflow']}/settings/", viewport={"width": 1280, "height": 900}
    )
    cells = page.locator("#consumers .setting-row").first.locator(".setting-cell").all()

    widths = {box["width"] for cell in cells if (box := cell.bounding_box())}

    assert max(widths) < 1.5 * min(widths)


@pytest.mark.long
def test_animations_respect_reduced_motion(open_page: Open) -> None:
    page = open_page(reduced_motion="reduce")

    names = page.evaluate(
        """['icon icon-ring', 'tick tick-current'].map(name => {
          const element = document.createElement('span');
          element.className = name;
          document.body.append(element);
          return getComputedStyle(element).animationName;
        })"""
    )

    assert names == ["none", "none"]


@pytest.mark.long
def test_a_link_to_a_node_selects_it_in_the_editor(open_page: Open, ids: dict[str, object]) -> None:
    page = open_page(f"/admin/workflows/workflow/{ids['workflow']}/change/?form")
    node = page.evaluate("JSON.parse(document.getElementById('id_ir').value).nodes[0].id")

    page.goto("/")
    page.goto(f"/admin/workflows/workflow/{ids['workflow']}/change/?form#node={node}")

    chosen = page.evaluate(
        "(area => area.value.slice(area.selectionStart, area.selectionEnd))"
        "(document.getElementById('id_ir'))"
    )
    assert f'"id": "{node}"' in chosen
