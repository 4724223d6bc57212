"""Requests with bodies that their Worker does not read."""

from __future__ import annotations

import pytest

from tests.local_cloudflare.support.workers import deploy_worker
from tests.support.platform_fixture import Platform

REFUSING = 'export default { fetch: () => new Response("no", { status: 405 }) }'


@pytest.mark.parametrize("size", [2, 100_000])
def test_a_response_is_not_lost_if_the_worker_does_not_read_the_body(
    platform: Platform, size: int
) -> None:
    deploy_worker(platform, "refusing", REFUSING)

    answers = {
        (answer.status_code, answer.text)
        for _ in range(60)
        if (answer := platform.fetch("refusing", method="PUT", content=b"x" * size))
    }

    assert answers == {(405, "no")}
