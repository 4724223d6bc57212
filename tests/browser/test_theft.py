"""What a Worker on the embedded platform can learn from the browser of someone who is logged in."""

from __future__ import annotations

import json
from contextlib import suppress

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page

from tests.browser.chromium import log_in
from tests.support.installation import Installation
from tests.support.patience import PATIENCE
from toolchain.embedded_platform import ACCOUNT_ID, platform_token

# Shows the cookies that it receives, or redirects the visitor to where it might receive more.
THIEF = """
export default {
  fetch(request) {
    const to = new URL(request.url).searchParams.get("to");
    return to ? Response.redirect(to) : new Response(`cookies: ${request.headers.get("cookie")}`);
  },
};
"""


@pytest.fixture(scope="module")
def thief(installation: Installation) -> str:
    """The address of a deployed Worker."""
    port = installation.local_cloudflare_port
    script = f"http://127.0.0.1:{port}/client/v4/accounts/{ACCOUNT_ID}/workers/scripts/thief"
    headers = {"authorization": f"Bearer {platform_token(installation.data_dir)}"}
    metadata = {"main_module": "thief.js", "compatibility_date": "2026-11-01"}
    files = [
        ("metadata", (None, json.dumps(metadata), "application/json")),
        ("thief.js", ("thief.js", THIEF, "application/javascript+module")),
    ]
    with httpx.Client(headers=headers, timeout=PATIENCE) as client:
        client.put(script, files=files).raise_for_status()
        client.post(f"{script}/subdomain", json={"enabled": True}).raise_for_status()
    return f"http://thief.localhost:{port}/"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_no_worker_receives_the_session_of_a_visitor(
    browser: Browser, installation: Installation, thief: str, host: str
) -> None:
    with browser.new_context(base_url=f"http://{host}:{installation.port}") as context:
        page = context.new_page()
        log_in(page, "/")
        session = session_of(context)

        addresses = [
            f"http://{name}:{port}/"
            for port in listening_ports() - {installation.port}
            for name in ("localhost", "127.0.0.1", "thief.localhost")
        ]
        seen = [text_at(page, f"{thief}?to={address}") for address in addresses]

    assert any("cookies: " in text for text in seen), "the Worker was never reached"
    assert [text for text in seen if session in text] == []


def session_of(context: BrowserContext) -> str:
    """Return the value of the only cookie that scripts cannot read."""
    (session,) = [cookie["value"] for cookie in context.cookies() if cookie["httpOnly"]]
    return session


def listening_ports() -> set[int]:
    """Return the ports that programs of this test run listen on."""
    ports: set[int] = set()
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            connections = process.net_connections("tcp")
            ports.update(c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN)
    return ports


def text_at(page: Page, address: str) -> str:
    """Return the text of the page; "" if there is no server that speaks HTTP."""
    try:
        page.goto(address)
    except Error:
        return ""
    return page.inner_text("body")
