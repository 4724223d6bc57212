"""Every kind of page, loaded once: its policy, its first screen on a laptop, and its width on a phone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.conftest import opening_pages
from tests.browser.pages import MORE_PAGES, PAGES
from tests.support.installation import Installation
from web.gateway.headers import CONTENT_SECURITY_POLICY

LAPTOP: Final[ViewportSize] = {"width": 1280, "height": 800}
PHONE: Final[ViewportSize] = {"width": 360, "height": 740}
FIRST_CONTENT: Final = (
    "#content :is(table, form:not(#deploy-form, #logout-form, .page-head form, .editor-bar form), .listing, .picture,"
    " .panel, .empty, .empty-state, .record, .target-choices, .stages, .app-audit, .timeline)"
)
SUM_OF_SHIFTS: Final = """globalThis.shift = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) shift += entry.value;
}).observe({ type: 'layout-shift', buffered: true });"""
MOST_SHIFT: Final = 0.05


@dataclass(frozen=True, slots=True)
class Visit:
    """The results of a visit: the policy, how far the content moved while it loaded, and pixels."""

    policy: str
    shift: float
    top: float
    width_on_phone: int


def visit(page: Page, address: str) -> Visit:
    page.set_viewport_size(LAPTOP)
    policy, shift = load(page, address)
    if shift > MOST_SHIFT:  # a busy machine paints a page before all of its HTML has arrived
        policy, shift = load(page, address)
    top = top_of_content(page)
    page.set_viewport_size(PHONE)
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return Visit(policy, shift, top, width)


def load(page: Page, address: str) -> tuple[str, float]:
    response = page.goto(address)
    assert response
    expect(page.locator(".htmx-request")).to_have_count(0)
    return response.headers["content-security-policy"], float(page.evaluate("shift"))


def top_of_content(page: Page) -> float:
    content = page.locator(FIRST_CONTENT).filter(visible=True)
    first = content.first.bounding_box() if content.count() else None
    return first["y"] if first else LAPTOP["height"]


@pytest.fixture(scope="module")
def visits(
    browser: Browser, installation: Installation, ids: dict[str, object]
) -> dict[str, Visit]:
    """Visits of all pages; this fails if the browser reports a violation of a policy."""
    with opening_pages(browser, installation) as open_page:
        page = open_page(viewport=LAPTOP)
        page.add_init_script(SUM_OF_SHIFTS)
        return {address: visit(page, address.format(**ids)) for address in PAGES + MORE_PAGES}


def test_no_page_needs_more_than_the_content_security_policy_allows(
    visits: dict[str, Visit],
) -> None:
    assert {visit.policy for visit in visits.values()} == {CONTENT_SECURITY_POLICY}


@pytest.mark.parametrize("address", PAGES)
def test_no_page_scrolls_sideways_at_360_pixels(visits: dict[str, Visit], address: str) -> None:
    assert visits[address].width_on_phone <= PHONE["width"]


def test_pages_start_above_the_fold_and_do_not_move_while_they_load(
    visits: dict[str, Visit],
) -> None:
    shifts = {address: visits[address].shift for address in PAGES}
    tops = {address: visits[address].top for address in PAGES}

    assert {address: shift for address, shift in shifts.items() if shift > MOST_SHIFT} == {}
    assert {address: top for address, top in tops.items() if top > 500} == {}
