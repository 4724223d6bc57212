"""Runs watched in a browser: started, retried, sleeping, answered, interrupted, without a reload."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.support.installation import Installation
from tests.workflows.ir.documents import chain, node

FLAKY = """const all = globalThis as any;
all.tries = (all.tries ?? 0) + 1;
if (all.tries < 2) throw new Error("the bank is busy");
return { charged: event.payload.order };"""
RUN_TIMEOUT = 120_000  # milliseconds, for a run that sleeps and retries
SCHEMA = {"properties": {"approved": {"type": "boolean"}}}


class Restartable(Installation):
    """An installation whose platform can be killed and restarted."""

    platform: subprocess.Popen[bytes]

    def restart_platform(self) -> None:
        self.platform.kill()
        self.platform.wait()
        self.platform = self.start_platform()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restartable]:
    whole = Restartable(Path(tmp_path_factory.mktemp("interrupted")))
    whole.migrate()
    whole.platform = whole.start_platform()
    whole.start_server()
    whole.create_user("deployer")
    yield whole
    whole.stop()


@pytest.fixture(scope="module")
def workflow(installation: Restartable) -> str:
    """The id of a live workflow whose runs retry, sleep and wait."""
    workflow = installation.import_document(
        chain(
            node("charge", code=FLAKY, retryDelay="4 seconds"),
            node("nap", "sleep", duration="5 seconds"),
            node("ask", "wait_for_event", eventType="approve", timeout="1 hour", schema=SCHEMA),
            node("ship", code="return { shipped: ask.payload };"),
        )
    )
    installation.manage("deploy_workflow", workflow)
    return workflow


def start(page: Page, workflow: str, payload: str) -> None:
    """Start a run on the page, and mark the next page; a reload would remove the mark."""
    page.goto(f"/runs/start/?workflow={workflow}")
    page.fill("#payload", payload)
    expect(page.locator("#payload-check")).to_contain_text("Valid JSON")
    page.click("#start")
    page.wait_for_url("**/runs/*/")
    page.evaluate("window.notReloaded = true")


def origin(page: Page) -> str:
    return str(page.evaluate("location.origin"))


def test_a_page_follows_a_run_through_a_retry_a_sleep_and_an_answer(
    open_page: Open, workflow: str
) -> None:
    page = open_page()
    start(page, workflow, '{"order": 7}')

    expect(page.locator("#outcome")).to_contain_text("Retrying")
    expect(page.locator("#outcome")).to_contain_text("the bank is busy")
    expect(page.locator("#outcome")).to_contain_text("Sleeping", timeout=RUN_TIMEOUT)
    bar = page.locator("rect[data-open]")
    expect(bar).not_to_have_attribute("width", str(bar.get_attribute("width")))
    expect(page.locator("#outcome")).to_contain_text("for the event approve", timeout=RUN_TIMEOUT)
    expect(page.locator("#row-1 .timeline-failed")).to_have_count(1)
    page.get_by_role("button", name="Approve").click()

    sent = page.locator(".messagelist li.success")
    expect(sent).to_contain_text('approve was sent with {"approved": true} to the run')
    expect(sent.locator("a")).to_have_attribute("href", page.url.removeprefix(origin(page)))
    expect(page.locator("#head")).to_contain_text("Complete", timeout=RUN_TIMEOUT)
    expect(page.locator("#values")).to_contain_text("approved")
    expect(page.locator("#timeline .timeline-row")).to_have_count(4)
    expect(page.locator("#announcer")).to_contain_text("Complete")
    expect(page.get_by_text("The run was started.")).to_have_count(0)  # no longer news
    assert page.title().startswith("✓ Complete")
    assert page.evaluate("window.notReloaded")


@pytest.mark.long
def test_a_run_interrupted_by_a_restart_of_the_platform_continues_on_the_page(
    open_page: Open, installation: Restartable, workflow: str
) -> None:
    page = open_page()
    start(page, workflow, '{"order": 8}')
    expect(page.locator("#outcome")).to_contain_text("Sleeping", timeout=RUN_TIMEOUT)

    installation.restart_platform()

    expect(page.locator("#outcome")).to_contain_text("for the event approve", timeout=RUN_TIMEOUT)
    page.get_by_role("button", name="Reject").click()
    expect(page.locator("#head")).to_contain_text("Complete", timeout=RUN_TIMEOUT)
    assert page.evaluate("window.notReloaded")


@pytest.mark.long
def test_a_run_appears_and_changes_in_an_open_list(
    open_page: Open, installation: Restartable, workflow: str
) -> None:
    page = open_page(f"/runs/?workflow={workflow}")
    rows = page.locator(".runs-table tbody tr")
    before = rows.count()
    page.evaluate("window.notReloaded = true")

    installation.manage("trigger_workflow", workflow)

    expect(rows).to_have_count(before + 1, timeout=RUN_TIMEOUT)
    expect(rows.first).to_contain_text("Waiting", timeout=RUN_TIMEOUT)
    assert page.evaluate("window.notReloaded")


@pytest.mark.long
def test_an_update_keeps_what_was_typed_into_an_answer(
    open_page: Open, installation: Restartable, workflow: str
) -> None:
    page = open_page("/runs/waiting/")
    page.evaluate("window.notReloaded = true")
    form = page.locator(".answer-form").first
    form.locator("summary").click()
    form.locator("textarea").fill('{"half": ')

    installation.manage("trigger_workflow", workflow)

    expect(page.locator(".answer-form")).to_have_count(2, timeout=RUN_TIMEOUT)
    assert page.evaluate("window.notReloaded")
    expect(page.locator(".answer-form textarea").first).to_have_value('{"half": ')


@pytest.mark.long
def test_the_pages_fit_on_a_phone(open_page: Open, workflow: str) -> None:
    page = open_page("/runs/", viewport={"width": 360, "height": 740})
    run = page.locator(".runs-table a").first.get_attribute("href")

    query = f"?workflow={workflow}"
    for address in (
        "/runs/",
        run,
        f"/runs/start/{query}",
        f"/runs/batch/{query}",
        "/runs/waiting/",
    ):
        page.goto(str(address))
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, address


@pytest.mark.long
def test_without_javascript_a_run_can_be_started_and_answered(
    open_page: Open, workflow: str
) -> None:
    page = open_page(f"/runs/start/?workflow={workflow}", java_script_enabled=False)
    page.fill("#payload", "{")
    page.click("#start")
    expect(page.locator("#refusal")).to_contain_text("The payload is not JSON")
    page.fill("#payload", "{}")
    page.click("#start")

    for _ in range(60):
        if page.get_by_role("button", name="Approve").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    page.get_by_role("button", name="Approve").click()

    expect(page.locator(".messagelist")).to_contain_text(
        'pprove was sent with {"approved": true} to the run'
    )


# Makes the page one that was opened on another day.
OPENED_EARLIER = """
new MutationObserver(() => {
  const time = document.querySelector('meta[name="server-time"]');
  if (time) time.content = '2026-01-01T12:00:00+00:00';
}).observe(document, { childList: true, subtree: true });
"""


@pytest.mark.long
def test_log_lines_of_another_day_show_their_date(
    open_page: Open, installation: Restartable, workflow: str
) -> None:
    page = open_page(f"/runs/logs/{workflow}/")
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d+", first_log_time(page, installation, workflow))

    page.add_init_script(OPENED_EARLIER)
    page.reload()

    dated = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+"
    assert re.fullmatch(dated, first_log_time(page, installation, workflow))


def first_log_time(page: Page, installation: Restartable, workflow: str) -> str:
    """Request the Worker until its first line appears, because the target starts to send later."""
    line, waited = page.locator(".log-line time").first, 0
    while not line.count():
        assert (waited := waited + 1) < 1000, "no line appeared"
        installation.worker(workflow)
        page.wait_for_timeout(300)
    return line.inner_text()


@pytest.mark.long
def test_people_approve_and_reject_on_the_page_without_a_reload(
    open_page: Open, installation: Restartable
) -> None:
    fields = [{"name": "account", "label": "Account to charge", "required": True}]
    approval = node("asked", "human_approval", title="Refund {{ trigger.sum }} EUR?", fields=fields)
    workflow = installation.import_document(chain(approval))
    installation.manage("deploy_workflow", workflow)
    page = open_page()

    start(page, workflow, '{"sum": 80}')
    outcome = page.locator("#outcome")
    expect(outcome).to_contain_text("Refund 80 EUR?", timeout=RUN_TIMEOUT)
    page.get_by_role("button", name="Approve").click()
    assert page.evaluate("document.activeElement.validity.valueMissing")
    page.get_by_label("Account to charge").fill("4711")
    page.get_by_label("Comment").fill("as agreed")
    page.get_by_role("button", name="Approve").click()

    expect(page.locator("#head")).to_contain_text("Complete", timeout=RUN_TIMEOUT)
    expect(page.locator("#values")).to_contain_text("deployer")
    expect(page.locator("#values")).to_contain_text("4711")
    assert page.evaluate("window.notReloaded")

    start(page, workflow, '{"sum": 90}')
    expect(outcome).to_contain_text("Refund 90 EUR?", timeout=RUN_TIMEOUT)
    page.goto("/runs/waiting/")
    waiting = page.locator("#waiting")
    item = waiting.locator("li", has_text="Refund 90 EUR?")
    item.get_by_role("button", name="Reject").click()
    expect(waiting).not_to_contain_text("Refund 90 EUR?", timeout=RUN_TIMEOUT)
