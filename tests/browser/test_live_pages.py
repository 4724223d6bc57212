"""Deployments watched in a browser, from the click to the outcome."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Open
from tests.browser.documents import deploy_elsewhere, make_workflow
from tests.deployments.services.test_main_job import guide, set_api
from tests.support.installation import Installation
from toolchain import platform_outage
from toolchain.platform_outage import Outage


@pytest.fixture(scope="module")
def sample(installation: Installation) -> str:
    workflow = installation.import_document(guide())
    set_api(installation, workflow)
    return workflow


@pytest.fixture(scope="module")
def broken(installation: Installation) -> str:
    return make_workflow(installation, "Broken", "return env.MAIL_KEY;")


def press_deploy(page: Page, workflow: str) -> None:
    page.click(f"#deploy-{workflow}")
    page.wait_for_url("**/deployments/*/")


def pasted(page: Page) -> str:
    """Return the content of the clipboard, which this page has no permission to read."""
    page.evaluate("document.body.append(document.createElement('textarea'))")
    page.focus("body > textarea")
    page.keyboard.press("Control+V")
    return page.input_value("body > textarea")


@pytest.mark.long
def test_the_outcome_is_announced_and_the_workers_url_can_be_copied(
    open_page: Open, sample: str
) -> None:
    page = open_page(permissions=["clipboard-write"])
    press_deploy(page, sample)
    expect(page.locator("#announcer")).to_have_text("Workflows starter is deployed")

    page.click("[aria-label='Copy the curl command']")

    expect(page.locator("[aria-label='Copy the curl command']")).to_have_text("Copied")
    copied = pasted(page)
    assert copied == f"curl -s {page.locator('#worker-url').get_attribute('href')}/"


def test_a_failure_is_shown_with_its_cause_and_the_next_step(open_page: Open, broken: str) -> None:
    page = open_page()

    press_deploy(page, broken)

    panel = page.locator(".panel")
    expect(panel).to_contain_text("Failed at Detecting bindings")
    expect(panel).to_contain_text("MAIL_KEY")
    expect(page.locator(".stage-failed")).to_contain_text("Detecting bindings")
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "35")
    page.get_by_role("link", name="Set MAIL_KEY").click()
    expect(page.locator("#id_name")).to_have_value("MAIL_KEY")


@pytest.mark.long
def test_late_events_do_not_change_a_page_that_shows_the_outcome(
    open_page: Open, broken: str
) -> None:
    page = open_page()
    held: list[Route] = []
    page.route("**/deployments/*/events/*", lambda route: held.append(route))
    failed = page.locator(".stage-failed")
    for _ in range(5):  # a page that opens after the end has no stream
        press_deploy(page, broken)
        expect(failed).to_contain_text("Detecting bindings")
        if held:
            break
        page.goto("/")

    with page.expect_response(lambda answer: answer.request.headers.get("hx-request") == "true"):
        held[0].fulfill(response=held[0].fetch())

    expect(failed).to_contain_text("Detecting bindings")


@pytest.mark.long
def test_seven_open_tabs_are_all_updated(
    open_page: Open, installation: Installation, sample: str
) -> None:
    first = open_page()
    pages = [first, *(first.context.new_page() for _ in range(6))]
    for page in pages[1:]:
        page.goto("/")
    count = first.locator("#recent tbody tr").count()

    with deploy_elsewhere(installation, sample):
        pass

    for page in pages:
        expect(page.locator("#recent tbody tr")).to_have_count(min(count + 1, 20))
        expect(page.locator("#running")).to_contain_text("Nothing is being deployed")


HELD = "navigator.locks.query().then(all => all.held.length)"
SET_VISIBILITY = """state => {
  Object.defineProperty(document, 'hidden', {value: state === 'hidden', configurable: true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""


def test_a_hidden_tab_closes_its_stream_and_reopens_it_when_visible(
    open_page: Open,
) -> None:
    page = open_page("/admin/")
    page.clock.install()
    page.goto("/")
    page.wait_for_function(f"{HELD}.then(count => count === 1)")

    page.evaluate(SET_VISIBILITY, "hidden")
    page.clock.run_for(61_000)
    page.wait_for_function(f"{HELD}.then(count => count === 0)")

    page.evaluate(SET_VISIBILITY, "visible")
    page.wait_for_function(f"{HELD}.then(count => count === 1)")


@pytest.mark.long
def test_a_page_of_a_user_with_too_many_streams_polls_without_a_notice(open_page: Open) -> None:
    page = open_page("/admin/")
    page.route(
        "**/events/*",
        lambda route: route.fulfill(status=429, headers={"retry-after": "30"}, body="Too many."),
    )

    with page.expect_request(lambda request: request.headers.get("hx-request") == "true"):
        page.goto("/")

    expect(page.locator("#connection")).to_be_hidden()


@pytest.mark.long
def test_without_javascript_a_reload_shows_the_state(open_page: Open, sample: str) -> None:
    page = open_page(java_script_enabled=False)

    press_deploy(page, sample)

    for _ in range(60):
        if page.locator(".panel").count():
            break
        page.wait_for_timeout(250)
        page.reload()
    expect(page.locator(".panel")).to_contain_text("The Worker is live")
    expect(page.locator(".copy").first).to_be_hidden()


@pytest.mark.long
def test_open_pages_show_an_outage_of_the_platform_and_its_end(
    open_page: Open, installation: Installation
) -> None:
    shown = [open_page(address).locator("#platform-outage") for address in ("/", "/runs/")]

    # Pages do not poll during a final outage.
    outage = Outage(since=datetime.now(UTC), is_final=True)
    platform_outage.report(installation.data_dir, outage)
    for part in shown:
        expect(part).to_contain_text("The embedded platform is not running.")

    platform_outage.clear(installation.data_dir)
    for part in shown:
        expect(part).to_be_empty()
