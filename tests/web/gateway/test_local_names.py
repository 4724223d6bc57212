from __future__ import annotations

import pytest

from tests.web.gateway.requests import http_scope, respond, teapot
from web.gateway.local_names import RedirectLocalNames


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "localhost.", "worker.localhost", "a.b.localhost"]
)
def test_names_that_workers_share_are_redirected_to_the_loopback_address(host: str) -> None:
    scope = http_scope("/runs/", query="status=waiting", host=f"{host}:8000")

    status, headers = respond(RedirectLocalNames(teapot), scope)

    assert (status, headers["location"]) == (307, "http://127.0.0.1:8000/runs/?status=waiting")


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "deploys.example.com", "localhost.example.com", "notlocalhost", ""]
)
def test_other_hosts_reach_the_application(host: str) -> None:
    assert respond(RedirectLocalNames(teapot), http_scope(host=host))[0] == 418
