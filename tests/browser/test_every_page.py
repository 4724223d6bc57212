"""Every kind of page, loaded once on a phone: the policies in its headers, and its width."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import opening_pages
from tests.browser.pages import MORE_PAGES, PAGES
from tests.support.installation import Installation
from web.gateway.headers import CONTENT_SECURITY_POLICY

PHONE = {"width": 360, "height": 740}


@dataclass(frozen=True, slots=True)
class Visit:
    """The results of a visit: the policy of the page, and its width in pixels."""

    policy: str
    width: int


def visit(page: Page, address: str) -> Visit:
    response = page.goto(address)
    assert response
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return Visit(response.headers["content-security-policy"], width)


@pytest.fixture(scope="module")
def visits(
    browser: Browser, installation: Installation, ids: dict[str, object]
) -> dict[str, Visit]:
    """Visits of all pages; this fails if the browser reports a violation of a policy."""
    with opening_pages(browser, installation) as open_page:
        page = open_page(viewport=PHONE)
        return {address: visit(page, address.format(**ids)) for address in PAGES + MORE_PAGES}


def test_no_page_needs_more_than_the_content_security_policy_allows(
    visits: dict[str, Visit],
) -> None:
    assert {visit.policy for visit in visits.values()} == {CONTENT_SECURITY_POLICY}


@pytest.mark.parametrize("address", PAGES)
def test_no_page_scrolls_sideways_at_360_pixels(visits: dict[str, Visit], address: str) -> None:
    assert visits[address].width <= PHONE["width"]
