"""Finding Chromium, and logging in with it; also used by the benchmarks."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Cookie, Page, Playwright

from tests.support.installation import PASSWORD

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_NAMES = (
    "chromium-headless-shell",  # half the work of the whole browser
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
)


def find_chromium(playwright: Playwright) -> str | None:
    installed = Path(playwright.chromium.executable_path)
    return (
        str(installed)
        if installed.exists()
        else next(filter(None, map(shutil.which, _NAMES)), None)
    )


def log_in(page: Page, address: str, *, name: str = "deployer") -> None:
    page.goto(f"/admin/login/?next={address}")
    page.fill("#id_username", name)
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")
    page.wait_for_url(lambda url: "/login/" not in url)


def open_logged_in(page: Page, address: str, *, cookies: list[Cookie]) -> None:
    """Open a page with the cookies of an earlier login, or log in and remember the cookies."""
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.goto(address)
    if "/login/" in page.url:
        log_in(page, address)
        cookies[:] = page.context.cookies()
