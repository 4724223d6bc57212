"""Fixtures for tests in a real browser; they are skipped with a message if there is no Chromium."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Cookie,
    Page,
    expect,
    sync_playwright,
)

from tests.browser.chromium import FLAGS, find_chromium, open_logged_in
from tests.browser.pages import ids  # noqa: F401 - a fixture
from tests.support.installation import Installation
from toolchain import node_tools

TIMEOUT_MILLISECONDS = 90_000  # long, because a busy machine deploys slowly
REQUIRED = os.environ.get("AWAITSTEP_REQUIRE_BROWSER") == "1"
MISSING = (
    "The browser tests need Chromium, which was not found. Install your system's chromium, or run "
    "`.venv/bin/playwright install chromium`."
)

_COOKIES: dict[str, list[Cookie]] = {}
"""The cookies of the logged-in user, by the address of the installation."""

Open = Callable[..., Page]
expect.set_options(timeout=TIMEOUT_MILLISECONDS)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report skipped browser tests in every summary, even without -rs."""
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    if any(MISSING in reason for reason in skipped):
        terminalreporter.write_line(f"SKIPPED tests/browser: {MISSING}", yellow=True)


@pytest.fixture(scope="session", autouse=True)
def bundle() -> None:
    """Bundle the code fields, unless the bundle is newer than their last change.

    A web server reads the sizes of its files when it starts, so this must come first.
    """
    sources = [node_tools.MODULES / ".package-lock.json", *node_tools.CODE_FIELDS.glob("*.js")]
    newest = max(path.stat().st_mtime for path in sources)
    target = node_tools.CODE_FIELDS_BUNDLE
    if not target.exists() or target.stat().st_mtime < newest:
        node_tools.run("bundle")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser per module, because its event loop must end before other tests use the database."""
    with sync_playwright() as playwright:
        chromium = find_chromium(playwright)
        if chromium is None:
            (pytest.fail if REQUIRED else pytest.skip)(MISSING)
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Browser, installation: Installation) -> Iterator[Open]:
    with opening_pages(browser, installation) as open_page:
        yield open_page


@contextmanager
def opening_pages(browser: Browser, installation: Installation) -> Iterator[Open]:
    """Yield a function that opens a page after logging in; errors of scripts fail the test.

    So do violations of a policy in the headers.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []
    base = f"http://127.0.0.1:{installation.port}"

    def open_page(address: str = "/", **options: object) -> Page:
        context = browser.new_context(base_url=base, **options)  # type: ignore[arg-type]
        context.set_default_timeout(TIMEOUT_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.extend(violations(message)))
        open_logged_in(page, address, cookies=_COOKIES.setdefault(base, []))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def violations(message: ConsoleMessage) -> list[str]:
    """Return the message if it is about a policy in the headers of a response."""
    return [message.text] if re.search(r"[Pp]olicy|violat|[Rr]efused", message.text) else []
