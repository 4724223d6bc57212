"""Cloudflare's guide to Workflows, followed with pages alone: no command is used."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import opening_pages
from tests.deployments.projects.guide import NAME, PAYLOAD, STEPS, connected_installation
from tests.support.installation import Installation

LONG: Final = 300_000  # milliseconds; the run sleeps for a minute


@pytest.fixture
def connected(tmp_path: Path) -> Iterator[Installation]:
    with connected_installation(tmp_path) as whole:
        whole.create_user("deployer")
        yield whole


@pytest.mark.long
def test_the_guide_is_followed_from_an_empty_installation_to_a_finished_run(
    browser: Browser, connected: Installation
) -> None:
    with opening_pages(browser, connected) as open_page:
        page = open_page("/workflows/new-project/")
        define_and_configure(page)
        address = deploy(page)
        listed(page)
        run = trigger(page)
        requested = requests(page, address)
        inspect(page, run)
        both_are_listed(page, run, requested)


def define_and_configure(page: Page) -> None:
    """Sections 1 to 4: the starter's code and its configuration."""
    page.get_by_role("button", name="Start from this sample: Starter").click()
    page.wait_for_selector("[data-editor][data-ready]")
    code = page.locator("#project-panels > :not([hidden]) .cm-content")
    expect(code).to_contain_text("export class MyWorkflow extends WorkflowEntrypoint<Env, Params>")
    page.locator('#project-tree [data-path="wrangler.toml"]').click()
    expect(code).to_contain_text(f'name = "{NAME}"')
    expect(code).to_contain_text('class_name = "MyWorkflow"')
    expect(page.get_by_role("region", name="Problems")).to_contain_text("No errors.")


def deploy(page: Page) -> str:
    """Section 5, and return the Worker's address."""
    page.locator("#deploy").click()
    expect(page.get_by_text("The Worker is live")).to_be_visible(timeout=LONG)
    expect(page.locator("main")).to_contain_text("env.MY_WORKFLOW (MyWorkflow)")
    expect(page.locator("main")).to_contain_text(f"workflow: {NAME}")
    link = page.get_by_role("link", name="http://awaitstep-")
    return str(link.get_attribute("href"))


def listed(page: Page) -> None:
    """Section 5: the list of Workflows."""
    page.goto("/runs/workflows/")
    row = page.get_by_role("row").filter(has_text=NAME)
    expect(row).to_contain_text("MyWorkflow")
    row.get_by_role("link", name="Starter").click()


def trigger(page: Page) -> str:
    """Section 6: trigger a run with a payload, and return its id."""
    page.get_by_role("link", name="Start the first one").click()
    page.locator("#payload").fill(PAYLOAD)
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url("**/runs/*/")
    found = re.search("[0-9a-f]{8}-[0-9a-f-]{27}", page.locator("main").inner_text())
    assert found
    return found[0]


def requests(page: Page, address: str) -> str:
    """Section 6: visit the Worker, ask for the run's status, and return the run's id."""
    visitor = page.context.new_page()
    started = response(visitor, address)
    status = response(visitor, f"{address}/?instanceId={started['id']}")["status"]
    visitor.close()
    assert started["details"]["status"] in ("queued", "running")
    assert status["status"] in ("queued", "running", "waiting")
    return str(started["id"])


def response(visitor: Page, address: str) -> Any:
    visitor.goto(address)
    return json.loads(visitor.locator("body").inner_text())


def inspect(page: Page, run: str) -> None:
    """Section 6: the steps of the run, which the page shows while they happen."""
    main = page.locator("main")
    expect(main).to_contain_text(run)
    expect(main).to_contain_text("Sleeping wait on something")
    expect(main.get_by_text("Complete").or_(main.get_by_text("Failed")).first).to_be_visible(
        timeout=LONG
    )
    for name in STEPS:
        expect(main).to_contain_text(name.removesuffix("-1"))
    page.get_by_role("link", name=re.compile("my first step")).first.click()
    expect(main).to_contain_text("summary_fy24_draft.pdf")


def both_are_listed(page: Page, *runs: str) -> None:
    page.goto("/runs/")
    for run in runs:
        expect(page.get_by_role("link", name=run[:8])).to_be_visible()
