"""Deployments controlled in a browser: planned, cancelled, rolled back, without a reload."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from deployments.pipeline.stages import HAPPY_PATH
from tests.browser.conftest import Open
from tests.browser.documents import deploy_elsewhere, make_workflow
from tests.local_cloudflare.support.control import Control, Fault, controlled
from tests.support.installation import Installation
from tests.support.platform_fixture import Platform, start_platform

# Records every number of stages that the page shows. A reload starts with an empty record.
WATCH = """
window.shown = [];
document.addEventListener('DOMContentLoaded', () => {
  const look = () => {
    const stages = document.querySelectorAll('.stage-done, .stage-current').length;
    if (shown.at(-1) !== stages) shown.push(stages);
  };
  look();
  new MutationObserver(look).observe(document.body, {
    attributes: true, childList: true, subtree: true,
  });
});
"""


@pytest.fixture(scope="module")
def controlled_installation(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Installation, Platform]]:
    """A separate installation whose platform can be made to fail."""
    whole = Installation(Path(tmp_path_factory.mktemp("controlled")))
    whole.migrate()
    platform = start_platform(whole.data_dir, port=whole.local_cloudflare_port)
    whole.start_server()
    whole.create_user("deployer")
    yield whole, platform
    whole.stop()
    platform.running.stop()


@pytest.fixture(scope="module")
def installation(controlled_installation: tuple[Installation, Platform]) -> Installation:
    return controlled_installation[0]


@pytest.fixture
def control(controlled_installation: tuple[Installation, Platform]) -> Iterator[Control]:
    _, platform = controlled_installation
    with controlled(platform.api_base_url, platform.token) as control:
        yield control


@pytest.fixture(scope="module")
def workflow(installation: Installation) -> str:
    """The id of a live workflow."""
    workflow = make_workflow(installation, "W" * 120)
    installation.manage("deploy_workflow", workflow)
    return workflow


def deploy(page: Page, workflow: str) -> None:
    """Press Deploy, and mark the next page; a reload would remove the mark."""
    page.click(f"#deploy-{workflow}")
    page.wait_for_url("**/deployments/*/")
    page.evaluate("window.notReloaded = true")


def test_all_ten_stages_arrive_without_a_reload(
    open_page: Open, workflow: str, control: Control
) -> None:
    page = open_page()
    page.add_init_script(WATCH)
    control.faults(Fault(path="/workers/subdomain", hang=True))

    deploy(page, workflow)
    expect(page.locator(".stage-current")).to_contain_text("Initializing")
    control.faults()

    expect(page.locator(".panel")).to_contain_text("The Worker is live")
    expect(page.locator(".stage-done")).to_have_count(len(HAPPY_PATH))
    shown = page.evaluate("shown")
    assert shown == sorted(set(shown))
    assert shown[-1] == len(HAPPY_PATH)
    assert page.evaluate("window.notReloaded")
    assert page.title().startswith("✓ Succeeded · WWW")


@pytest.mark.long
def test_an_outdated_fragment_does_not_undo_newer_events(
    open_page: Open, workflow: str, control: Control
) -> None:
    page = open_page()
    page.add_init_script(WATCH)
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        is_fragment = bool(route.request.headers.get("hx-request"))
        if is_fragment and not held:
            held.append(route)
        else:
            route.continue_()

    page.route("**/deployments/*/", hold_the_first)
    control.faults(Fault(path="/workers/subdomain", hang=True))
    deploy(page, workflow)
    while not held:
        page.wait_for_timeout(20)  # lets Playwright handle requests
    outdated = held[0].fetch()
    assert 'class="stage stage-pending"' in outdated.text()
    control.faults()
    expect(page.locator(".stage-done")).to_have_count(len(HAPPY_PATH))

    held[0].fulfill(response=outdated)

    expect(page.locator(".panel")).to_contain_text("The Worker is live")
    shown = page.evaluate("shown")
    assert shown == sorted(set(shown))


@pytest.mark.long
def test_a_deployment_of_another_process_appears_and_progresses_on_an_open_dashboard(
    open_page: Open, installation: Installation, workflow: str, control: Control
) -> None:
    page = open_page()
    page.evaluate("window.notReloaded = true")
    button = page.locator(f"#deploy-{workflow}")
    button.focus()
    control.faults(Fault(path="/workers/subdomain", hang=True))

    with deploy_elsewhere(installation, workflow):
        expect(page.locator("#running .card")).to_contain_text("WWW")
        control.faults()

    expect(page.locator("#running")).to_contain_text("Nothing is being deployed")
    expect(page.locator("#recent tbody tr").first).to_contain_text("Succeeded")
    assert page.evaluate("window.notReloaded")
    expect(button).to_be_focused()


@pytest.mark.long
def test_a_deployment_that_hangs_in_a_call_can_be_cancelled_from_its_page(
    open_page: Open, workflow: str, control: Control
) -> None:
    control.faults(Fault(path="/workers/subdomain", hang=True))
    page = open_page()
    deploy(page, workflow)
    expect(page.locator(".stage-current")).to_contain_text("Initializing")

    page.get_by_role("button", name="Cancel deployment").click()

    expect(page.locator("#head")).to_contain_text("Cancellation requested by deployer")
    expect(page.locator(".panel")).to_contain_text("Cancelled by deployer.")
    expect(page.get_by_role("button", name="Cancel deployment")).to_have_count(0)
    expect(page.locator("#announcer")).to_have_text("Cancelled at Initializing")
    assert page.evaluate("window.notReloaded")


@pytest.mark.long
def test_a_deployment_can_be_cancelled_from_the_dashboard(
    open_page: Open, workflow: str, control: Control
) -> None:
    control.faults(Fault(path="/workers/subdomain", hang=True))
    deploy(open_page(), workflow)
    page = open_page()
    page.evaluate("window.notReloaded = true")

    page.locator("#running .card").get_by_role("button", name="Cancel deployment").click()

    expect(page.locator("#running")).to_contain_text("Nothing is being deployed")
    expect(page.locator("#recent tbody tr").first).to_contain_text("Cancelled")
    assert page.evaluate("window.notReloaded")


@pytest.mark.long
def test_a_poll_without_news_leaves_the_page_unchanged(
    open_page: Open, workflow: str, control: Control
) -> None:
    control.faults(Fault(path="/workers/subdomain", hang=True))
    page = open_page()
    deploy(page, workflow)
    expect(page.locator(".stage-current")).to_contain_text("Initializing")
    button = page.get_by_role("button", name="Cancel deployment")
    button.focus()

    with page.expect_response(lambda answer: "/deployments/" in answer.url):
        pass
    page.wait_for_timeout(200)

    expect(button).to_be_focused()
    button.click()
    expect(page.locator(".panel")).to_contain_text("Cancelled")


def test_the_dialog_shows_checks_and_plan_and_deploys(open_page: Open, workflow: str) -> None:
    page = open_page(f"/workflows/{workflow}/deploy/")

    expect(page.locator("#preflight-answer .check-name")).to_have_count(11)
    expect(page.locator("#plan-answer")).to_contain_text("Nothing would change")
    page.get_by_role("button", name="Deploy v1 to local").click()

    page.wait_for_url("**/deployments/*/")
    expect(page.locator(".panel")).to_contain_text("The Worker is live")


@pytest.mark.long
def test_a_plan_that_does_not_load_is_reported_in_its_place(open_page: Open, workflow: str) -> None:
    page = open_page()
    page.route("**/deploy/plan/**", lambda route: route.abort())

    page.goto(f"/workflows/{workflow}/deploy/")

    expect(page.locator("#plan-answer")).to_contain_text("The plan could not be loaded")
    expect(page.locator("#preflight-answer")).to_contain_text("Passed")


@pytest.mark.long
def test_ticking_overwrite_updates_the_plan(
    open_page: Open, workflow: str, control: Control
) -> None:
    control.dashboard_edit(f"awaitstep-{workflow}")
    page = open_page(f"/workflows/{workflow}/deploy/")
    expect(page.locator("#plan-answer")).to_contain_text("A deploy would fail at")

    page.check("#overwrite")

    expect(page.locator("#plan-answer")).to_contain_text("not from our records")
    page.get_by_role("button", name="Deploy v1 to local").click()
    expect(page.locator(".panel")).to_contain_text("The Worker is live")


@pytest.mark.long
def test_without_javascript_the_plan_is_a_link_and_cancel_a_form(
    open_page: Open, workflow: str, control: Control
) -> None:
    page = open_page(f"/workflows/{workflow}/deploy/", java_script_enabled=False)
    page.get_by_role("link", name="Show the checks and the plan").first.click()
    expect(page.locator("#plan-answer")).to_contain_text("Nothing would change")
    control.faults(Fault(path="/workers/subdomain", hang=True))

    page.get_by_role("button", name="Deploy v1 to local").click()
    page.get_by_role("button", name="Cancel deployment").click()

    expect(page.locator(".messagelist")).to_contain_text("cancelled")


@pytest.mark.long
def test_the_dialogs_fit_on_a_phone(
    open_page: Open, installation: Installation, workflow: str
) -> None:
    listed = installation.json("list_deployments", "--workflow", workflow, "--json")
    live = next(row["id"] for row in listed if row["status"] == "succeeded")
    page = open_page(viewport={"width": 360, "height": 740})

    for address in (f"/workflows/{workflow}/deploy/?show=1", f"/deployments/{live}/rollback/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
