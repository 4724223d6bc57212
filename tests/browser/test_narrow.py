"""On narrow screens, the most important content is visible without scrolling sideways."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Open
from tests.deployments.fakes import document
from tests.support.installation import Installation

pytestmark = pytest.mark.long

PHONE = {"width": 360, "height": 740}
LAPTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def workflow(installation: Installation) -> str:
    """A workflow with a long name, deployed once."""
    workflow = installation.import_document(document() | {"name": "x" * 90})
    installation.manage("deploy_workflow", workflow)
    return workflow


def right_edge(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box
    return box["x"] + box["width"]


def test_a_name_without_spaces_does_not_widen_the_delete_page(
    open_page: Open, workflow: str
) -> None:
    page = open_page(f"/admin/workflows/workflow/{workflow}/delete/", viewport=PHONE)

    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_deploy_button_is_below_the_checks_and_the_plan(open_page: Open, workflow: str) -> None:
    page = open_page(f"/workflows/{workflow}/deploy/", viewport=PHONE)
    page.wait_for_selector("#plan-answer table, #plan-answer .summary-line")

    button = page.locator("#deploy").bounding_box()
    plan = page.locator("#plan-answer").bounding_box()

    assert button
    assert plan
    assert button["y"] > plan["y"] + plan["height"]


@pytest.mark.parametrize("address", ["/admin/deployments/deployment/", "/admin/audit/entry/"])
def test_history_lists_show_every_column_next_to_their_filters(
    open_page: Open, workflow: str, address: str
) -> None:
    page = open_page(address, viewport=LAPTOP)

    frame = page.locator("#changelist .results").bounding_box()

    assert frame
    assert right_edge(page, "#result_list") <= frame["x"] + frame["width"]


@pytest.mark.parametrize(
    ("address", "columns"),
    [
        ("/admin/deployments/deployment/", ["state", "target_name"]),
        ("/admin/audit/entry/", ["action", "what"]),
    ],
)
def test_history_lists_show_the_most_important_columns_on_a_phone(
    open_page: Open, workflow: str, address: str, columns: list[str]
) -> None:
    page = open_page(address, viewport=PHONE)

    edges = {name: right_edge(page, f"tbody .field-{name}") for name in columns}

    assert {name: edge for name, edge in edges.items() if edge > 360} == {}
