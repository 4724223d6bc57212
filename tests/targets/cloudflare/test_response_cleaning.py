"""A target that sends the token back, as a proxy for debugging does."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator

import httpx
import pytest
from django.test import Client

from audit.trail import SYSTEM
from runs.models import PollStatus
from runs.sync.poller import Poller
from targets import lookup
from targets.checks.target_checks import check
from targets.cloudflare import account, time_limits
from targets.cloudflare.retries import RetryingClient
from targets.models import Target
from tests.deployments.factories import make_deployment, make_target
from toolchain.redaction import MASK

TOKEN = "tok/en&of-the=target_42"
Echo = Callable[[str], httpx.Response]


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


@pytest.mark.parametrize(
    "body",
    [
        TOKEN,
        f"<p>Authorization: Bearer {TOKEN}</p>",
        json.dumps({"headers": {"Authorization": f"Bearer {TOKEN}"}, TOKEN: 1}),
        '{"echo": "' + _escaped(TOKEN) + '"}',
        json.dumps({"echo": TOKEN}).replace("/", "\\/").replace("&", "\\u0026"),
        base64.b64encode(f"token:{TOKEN}".encode()).decode(),
    ],
)
def test_a_token_that_is_sent_back_is_masked_in_the_body(body: str) -> None:
    response = _request(lambda _token: httpx.Response(400, content=body))

    assert "of-the=target" not in response.text
    assert base64.b64encode(b"of-the=target").decode()[4:12] not in response.text
    assert MASK in response.text or json.dumps(MASK)[1:-1] in response.text
    if body.startswith("{"):
        assert TOKEN not in str(response.json())


def test_a_token_that_is_sent_back_is_masked_in_headers_and_compressed_bodies() -> None:
    def echo(token: str) -> httpx.Response:
        headers = {"X-Echo": token, "Content-Encoding": "gzip", "X-Ray": "abc"}
        return httpx.Response(200, content=gzip.compress(token.encode()), headers=headers)

    response = _request(echo)

    assert TOKEN not in str(response.headers)
    assert (response.text, response.headers["X-Ray"]) == (f"Bearer {MASK}", "abc")


def test_half_a_character_in_json_is_replaced() -> None:
    content = r'{"\ud83d": ["\\ud83d", "\ud83d\ude00\udc00é"]}'

    response = _request(lambda _token: httpx.Response(200, content=content))

    assert response.json() == {"\ufffd": ["\\ud83d", "\U0001f600\ufffdé"]}


def test_a_response_without_the_token_is_left_unchanged() -> None:
    content = bytes(range(256)) + b'{"n": "\\u00e9\\ud83d\\ude00"}'

    assert _request(lambda _token: httpx.Response(200, content=content)).content == content


def _request(echo: Echo) -> httpx.Response:
    def answer(request: httpx.Request) -> httpx.Response:
        return echo(request.headers["Authorization"])

    with RetryingClient(transport=httpx.MockTransport(answer)) as client:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return client.get("https://target.example/", headers=headers)


@pytest.fixture
def echoing_target(monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[Target]:
    """A target that refuses every call and quotes the Authorization header."""

    def refuse(request: httpx.Request) -> httpx.Response:
        message = f"refused: {request.headers['Authorization']}"
        error = {"code": 1, "message": message}
        return httpx.Response(418, json={"success": False, "errors": [error], "result": None})

    with RetryingClient(transport=httpx.MockTransport(refuse)) as client:
        monkeypatch.setattr(account, "shared_client", lambda: client)
        _forget_accounts()
        yield make_target(api_token=TOKEN)
    _forget_accounts()


def _forget_accounts() -> None:
    lookup._account.cache_clear()
    time_limits.with_timeout.cache_clear()


def test_a_token_that_is_sent_back_is_not_kept_with_the_checks_of_its_target(
    echoing_target: Target, admin_client: Client
) -> None:
    check(echoing_target, by=SYSTEM)

    echoing_target.refresh_from_db()
    assert f"refused: Bearer {MASK}" in str(echoing_target.checks)
    assert "of-the=target" not in str(echoing_target.checks)
    page = admin_client.get(f"/admin/targets/target/{echoing_target.pk}/change/")
    assert "of-the=target" not in page.content.decode()


def test_a_token_that_is_sent_back_is_not_kept_by_the_poller(echoing_target: Target) -> None:
    make_deployment(
        target=echoing_target, status="succeeded", stage="COMPLETED", version_id="v-one"
    )

    Poller().turn()

    assert f"refused: Bearer {MASK}" in PollStatus.objects.get().error
