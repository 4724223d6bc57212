"""What separates a Worker from everything else on the same machine."""

from __future__ import annotations

import psutil
import pytest

from tests.local_cloudflare.support.workers import HELLO, deploy_worker, group_pid
from tests.local_cloudflare.support.zones import create_route, create_zone, fetch_host
from tests.support.platform_fixture import Platform, start_platform

COOKIES = 'export default { fetch: (request) => new Response(request.headers.get("cookie")) }'


def test_a_worker_can_only_be_reached_through_the_router(platform: Platform) -> None:
    deploy_worker(platform, "unreachable", HELLO)

    workerd = psutil.Process(group_pid(platform, "worker-unreachable"))

    listening = [
        connection
        for connection in workerd.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == []
    sockets = [str(connection.laddr) for connection in workerd.net_connections("unix")]
    assert "groups/worker-unreachable/workerd.sock" in sockets


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ("awaitstep_session=1; theme=dark; awaitstep_csrf=2", "theme=dark"),
        ("theme=dark", "theme=dark"),
        ("awaitstep_session=1", ""),
    ],
)
def test_a_worker_does_not_receive_the_cookies_of_awaitstep(
    platform: Platform, sent: str, received: str
) -> None:
    deploy_worker(platform, "cookies", COOKIES)

    assert platform.fetch("cookies", headers={"cookie": sent}).text == received


def test_no_worker_is_served_on_a_host_of_awaitstep(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    hosts = {"LOCAL_CLOUDFLARE_RESERVED_HOSTS": "deploys.shop.example,.internal.shop.example"}
    platform = start_platform(tmp_path_factory.mktemp("reserved"), environment=hosts)
    try:
        deploy_worker(platform, "everywhere", HELLO)
        zone = create_zone(platform, "shop.example")
        create_route(platform, zone, "*shop.example/*", "everywhere")

        statuses = {
            host: fetch_host(platform, f"{host}.example").status_code
            for host in ("shop", "deploys.shop", "a.internal.shop", "internal.shop", "b.shop")
        }
    finally:
        platform.running.stop()

    assert statuses == {
        "shop": 200,
        "deploys.shop": 421,
        "a.internal.shop": 421,
        "internal.shop": 421,
        "b.shop": 200,
    }
