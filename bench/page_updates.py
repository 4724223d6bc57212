"""The time from a stage's row to the open page in a browser."""

from __future__ import annotations

from playwright.sync_api import Page, sync_playwright

from bench.figures import table
from bench.timed_deploy import import_sample, stage_timestamps
from deployments.pipeline.stages import HAPPY_PATH
from tests.browser.chromium import FLAGS, find_chromium, log_in
from tests.support.installation import Installation

METHOD = """
Method: Chromium presses Deploy and keeps the deployment's page open. A MutationObserver records
when each stage is first shown as reached; the figure is that time minus the row's `entered_at`,
both by the clock of this machine. Rows written before the page was open are not counted, nor is the
last one, because the page shows the outcome instead."""

_OBSERVE = """
window.seen = {};
const look = () => {
  for (const stage of document.querySelectorAll('.stage-current, .stage-done')) {
    const name = stage.querySelector('.stage-name').firstChild.textContent.trim();
    window.seen[name] ??= Date.now() / 1000;
  }
};
document.addEventListener('DOMContentLoaded', () => {
  window.atOpen = Date.now() / 1000;
  look();
  new MutationObserver(look).observe(document.body, {
    attributes: true, childList: true, subtree: true,
  });
});
"""


def measure(installation: Installation, *, rounds: int) -> None:
    """Print how long pages take to show a stage; needs Chromium."""
    print(METHOD)
    lags: list[float] = []
    with sync_playwright() as playwright:
        chromium = find_chromium(playwright)
        if chromium is None:
            print("  not measured: no Chromium was found")
            return
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(base_url=f"http://127.0.0.1:{installation.port}")
        log_in(page, "/")
        page.add_init_script(_OBSERVE)
        for _ in range(rounds):
            lags += _lags(installation, page)
        browser.close()
    table("Row written to page changed, seconds", {"every stage": lags})


def _lags(installation: Installation, page: Page) -> list[float]:
    workflow = import_sample(installation)
    page.goto("/")
    page.click(f"#deploy-{workflow}")
    page.wait_for_selector("[data-final]", state="attached", timeout=60_000)
    seen, opened = page.evaluate("[window.seen, window.atOpen]")
    written = stage_timestamps(installation, int(page.url.rstrip("/").rpartition("/")[2]))
    labels = {stage.label: stage.value for stage in HAPPY_PATH[:-1]}
    return [
        seen[label] - written[stage]
        for label, stage in labels.items()
        if label in seen and written[stage] > opened
    ]
