"""No request, however odd, causes a server error."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from http.cookies import SimpleCookie
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.awaitstep_site.test_urls import addresses  # noqa: F401 - a fixture
from tests.awaitstep_site.url_table import TABLE
from tests.runs.fake_api import FakeApi
from tests.support.examples import examples
from tests.support.page_forms import Form, Forms

ODD = (
    "", " ", "\0", "-1", "0", "1.5", "1e400", "9" * 23, "9" * 5_000, "٣", "²", "NaN", "null", "[]",
    "{}", '{"a": 1}', "[" * 20_000, '{"a":' * 20_000, '"\\ud800"', '{"\\ud800": "\\udfff"}',
    '{"a": "\\u0000"}', "[" + "7" * 5_000 + "]", "x" * 60_000, ".", "..", "../..", "%s", "a_b", ",",
    "<b>'\"", "\r\nX-Odd: y", "😀\u2028", "file:///etc/passwd", "http://[", "http://a:99999/",
    "http://127.0.0.1:1/?#", "https://xn--/", "2026-13-45", "0001-01-01T00:00", "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00_1", "__class__", "pk", "order.created", "true", "1,2",
)  # fmt: skip
VALUES = st.one_of(st.sampled_from(ODD), st.text(st.characters(exclude_categories=["Cs"])))
COMMON = ("q", "o", "p", "e", "page", "after", "before", "next", "_popup", "_to_field", "again",
          "_changelist_filters", "from", "hours", "kind", "name", "status", "steps", "step", "target",
          "type", "variable", "workflow", "tries", "took", "since", "until", "id", "trigger",
          "download", "created_at__year", "created_at__month", "at__day", "app_label")  # fmt: skip
TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
         "multipart/form-data", "text/plain; charset=nonsense", "", "a/b")  # fmt: skip
HEADERS = ("Accept", "Accept-Language", "Content-Length", "Cookie", "HX-Boosted", "HX-Current-URL",
           "HX-Prompt", "HX-Request", "HX-Target", "HX-Trigger", "Idempotency-Key",
           "If-Modified-Since", "If-None-Match", "Last-Event-ID", "Origin", "Range", "Referer",
           "User-Agent", "X-CSRFToken", "X-Forwarded-For", "X-Forwarded-Proto")  # fmt: skip
ADDRESSES = sorted(
    pattern for pattern, row in TABLE.items() if not row.stream and "logout" not in pattern
)


class Sender:
    """Sends requests as a superuser, and undoes what they do."""

    def __init__(self, addresses: dict[str, str]) -> None:  # noqa: F811 - the fixture's value
        self._addresses = addresses
        self._client = Client()
        self._client.force_login(User.objects.create_superuser("admin"))
        self._cookies = self._client.cookies.output(attrs=[], header="", sep=";")
        self.page = cache(self._page)

    def _page(self, pattern: str) -> Forms:
        address = self._addresses[pattern]
        response = self.get(address)
        is_html = "html" in response.headers.get("Content-Type", "")
        return Forms(response.content.decode() if is_html else "", address=address)

    def address(self, pattern: str) -> str:
        return self._addresses[pattern]

    def get(self, address: str, parameters: dict[str, str] | None = None) -> Any:
        return self._sent(lambda client: client.get(address, parameters))

    def with_headers(self, method: str, address: str, headers: dict[str, str]) -> Any:
        sent = {name: value.encode().decode("latin-1") for name, value in headers.items()}
        return self._sent(lambda client: client.generic(method, address, headers=sent))

    def with_file(self, address: str, name: str, content: bytes) -> Any:
        return self._sent(lambda client: client.post(address, {name: BytesIO(content)}))

    def post(self, address: str, fields: dict[str, str]) -> Any:
        return self._sent(lambda client: client.post(address, fields))

    def post_body(self, address: str, body: str, content_type: str) -> Any:
        data = body.encode()
        return self._sent(lambda client: client.generic("POST", address, data, content_type))

    def _sent(self, send: Callable[[Client], Any]) -> Any:
        self._client.cookies = SimpleCookie(self._cookies)
        with transaction.atomic():
            response = send(self._client)
            transaction.set_rollback(True)
        assert response.status_code < 500 or response.status_code == 502  # no target can be reached
        return response


@pytest.fixture
def sender(
    addresses: dict[str, str],  # noqa: F811 - the fixture
    fake_api: FakeApi,
    no_workers: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Sender:
    monkeypatch.setattr(logging.getLogger("django.request"), "disabled", True)
    monkeypatch.setattr(logging.getLogger("web.admin_lists.bad_queries"), "disabled", True)
    return Sender(addresses)


many = settings(
    deadline=None,
    max_examples=examples(30, 3_000),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@many
@given(data=st.data(), pattern=st.sampled_from(ADDRESSES), value=VALUES)
def test_every_parameter_may_have_any_value(
    sender: Sender, data: st.DataObject, pattern: str, value: str
) -> None:
    names = [*sender.page(pattern).parameters, *COMMON]

    sender.get(sender.address(pattern), {data.draw(st.sampled_from(names)): value})


@many
@given(data=st.data(), pattern=st.sampled_from(ADDRESSES), value=VALUES)
def test_every_field_of_a_form_may_have_any_value(
    sender: Sender, data: st.DataObject, pattern: str, value: str
) -> None:
    forms = [form for form in sender.page(pattern).forms if form.method == "post" and form.names]
    forms = [form for form in forms if "logout" not in form.address]
    form = data.draw(st.sampled_from(forms or [Form(sender.address(pattern), "post", {"x": ""})]))
    name = data.draw(st.sampled_from(form.names))
    button = data.draw(st.sampled_from([None, *form.options]))

    posted = form.fields | ({button: form.options[button]} if button else {}) | {name: value}
    sender.post(form.address, posted)


@many
@given(pattern=st.sampled_from(ADDRESSES), body=VALUES, content_type=st.sampled_from(TYPES))
def test_every_address_may_get_any_body(
    sender: Sender, pattern: str, body: str, content_type: str
) -> None:
    sender.post_body(sender.address(pattern), body, content_type)


@many
@given(body=VALUES, event_type=VALUES, content_type=st.sampled_from(TYPES))
def test_every_call_of_the_api_may_get_any_body_and_address(
    sender: Sender, body: str, event_type: str, content_type: str
) -> None:
    address = f"/api/events/{quote(event_type[:8_000], safe='')}"
    sender.post_body(address, body, content_type)


@many
@given(
    pattern=st.sampled_from(ADDRESSES),
    method=st.sampled_from(["GET", "POST", "HEAD", "PUT", "OPTIONS"]),
    headers=st.dictionaries(st.sampled_from(HEADERS), VALUES, min_size=1, max_size=3),
)
def test_every_header_may_have_any_value(
    sender: Sender, pattern: str, method: str, headers: dict[str, str]
) -> None:
    sender.with_headers(method, sender.address(pattern), {"HX-Request": "true", **headers})


@many
@given(pattern=st.sampled_from(ADDRESSES), content=st.one_of(st.binary(), VALUES.map(str.encode)))
def test_every_address_may_get_any_file(sender: Sender, pattern: str, content: bytes) -> None:
    sender.with_file(sender.address(pattern), "file", content)
