from __future__ import annotations

import pytest

from tests.support.installation import Installation
from tests.support.plain_http import request
from tests.web.gateway.requests import http_scope, respond
from web.asgi import Receive, Scope, Send
from web.gateway.headers import CONTENT_SECURITY_POLICY, PERMISSIONS_POLICY, SecurityHeaders


async def own_referrer_policy(_scope: Scope, _receive: Receive, send: Send) -> None:
    headers = [(b"Referrer-Policy", b"no-referrer")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def test_a_header_that_the_application_sets_is_kept() -> None:
    _, headers = respond(SecurityHeaders(own_referrer_policy), http_scope())

    assert headers["Referrer-Policy"] == "no-referrer"
    assert "referrer-policy" not in headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["cache-control"] == "no-store"


def test_the_policy_allows_only_what_is_named() -> None:
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'; ")
    assert {
        source for rule in CONTENT_SECURITY_POLICY.split("; ") for source in rule.split()[1:]
    } == {
        "'none'",
        "'self'",
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/admin/login/", 200),
        ("/", 302),
        ("/static/awaitstep/styles/awaitstep.css", 200),
        ("/events/", 403),
        ("/runs/events/", 403),
        ("/api/events/x", 405),
        ("/nowhere/", 404),
    ],
)
def test_every_response_has_both_policies(
    installation: Installation, path: str, status: int
) -> None:
    response = request("GET", f"http://127.0.0.1:{installation.port}{path}")

    assert response.status_code == status
    assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert response.headers["permissions-policy"] == PERMISSIONS_POLICY


def test_a_refusal_before_the_application_has_both_policies(installation: Installation) -> None:
    url = f"http://127.0.0.1:{installation.port}/admin/login/"

    response = request("POST", url, content=b"x" * 1_000_000)

    assert response.status_code == 413
    assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert response.headers["permissions-policy"] == PERMISSIONS_POLICY
