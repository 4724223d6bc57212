"""Pages in both themes against the rules of axe-core: the main ones, or in `make test-long` all."""

from __future__ import annotations

from typing import Any, Final

from playwright.sync_api import Page

from tests.browser.conftest import Open
from tests.browser.pages import MORE_PAGES, PAGES
from tests.support.examples import LONG
from toolchain.node_tools import MODULES

AXE: Final = MODULES / "axe-core" / "axe.min.js"
RUN: Final = "options => axe.run(document, { resultTypes: ['violations'], ...options })"
MAIN_PAGES: Final = [
    "/",
    "/deployments/{pk}/",
    "/workflows/{workflow}/deploy/",
    "/workflows/{workflow}/settings/",
    "/workflows/{workflow}/live/",
    "/workflows/{workflow}/versions/compare/?from=v1&to=draft",
    "/workflows/{workflow}/tests/edit/",
    "/runs/",
    "/runs/{run}/",
    "/runs/{asking}/decide/?event={event}",
    "/runs/overview/",
    "/docs/nodes/http_request/",
    "/admin/workflows/workflow/{workflow}/change/",
    "/admin/workflows/workflow/{workflow}/change/?form",
    "/admin/workflows/environmentvariable/add/",
    "/admin/targets/target/{target}/change/",
]
CHECKED: Final = PAGES + MORE_PAGES if LONG else MAIN_PAGES
ABOUT_COLORS: Final = {"runOnly": ["color-contrast", "link-in-text-block"]}


def violations(page: Page) -> list[str]:
    """Return what axe reports above "minor": the theme, the rule, its impact and the elements."""
    page.add_style_tag(content="* { transition: none !important }")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    light: dict[str, Any] = page.evaluate(RUN, {})
    page.emulate_media(color_scheme="dark")
    dark: dict[str, Any] = page.evaluate(RUN, ABOUT_COLORS)
    page.emulate_media(color_scheme="light")
    return [
        f"{theme}: {rule['impact']} {rule['id']}: {node['target'][0]} {node['failureSummary']}"
        for theme, found in (("light", light), ("dark", dark))
        for rule in found["violations"]
        for node in rule["nodes"]
        if rule["impact"] != "minor"
    ]


def test_axe_finds_nothing_above_minor(open_page: Open, ids: dict[str, object]) -> None:
    # The policy of the pages would stop axe from measuring contrasts.
    page = open_page(color_scheme="light", reduced_motion="reduce", bypass_csp=True)

    found = {}
    for address in CHECKED:
        page.goto(address.format(**ids))
        found[address] = violations(page)

    assert {address: problems for address, problems in found.items() if problems} == {}
