"""The policies in the headers of responses, kept by the browser on all pages."""

from __future__ import annotations

from tests.browser.conftest import Open
from tests.browser.pages import MORE_PAGES, PAGES
from web.gateway.headers import CONTENT_SECURITY_POLICY


def test_no_page_needs_more_than_the_content_security_policy_allows(
    open_page: Open, ids: dict[str, object]
) -> None:
    page = open_page()

    policies = {}
    for address in PAGES + MORE_PAGES:
        response = page.goto(address.format(**ids))
        assert response
        policies[address] = response.headers["content-security-policy"]

    assert set(policies.values()) == {CONTENT_SECURITY_POLICY}
    # The fixture fails if the browser has reported a violation.
