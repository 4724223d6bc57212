"""What Cloudflare's guide to Workflows shows, and an installation to follow it on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.http_server import Handler, serving
from tests.support.installation import Installation
from tests.support.platform_fixture import start_platform

NAME: Final = "workflows-starter"
PAYLOAD: Final = '{"hello":"world"}'
STEPS: Final = (
    "my first step-1",
    "some other step-1",
    "wait on something-1",
    "make a call to write that could maybe, just might, fail-1",
)
ADDRESSES: Final = {"result": {"ipv4_cidrs": ["173.245.48.0/20"]}, "success": True}


class Addresses(Handler):
    """Cloudflare's list of its IP addresses."""

    def do_GET(self) -> None:
        is_known = self.path == "/client/v4/ips"
        self.respond(200 if is_known else 404, json.dumps(ADDRESSES).encode())


@contextmanager
def connected_installation(folder: Path) -> Iterator[Installation]:
    """An installation whose Workers reach a server on loopback as api.cloudflare.com.

    The guide's code calls that host, and tests have no Internet.
    """
    whole = Installation(folder)
    whole.migrate()
    with serving(Addresses) as address:
        origins = json.dumps({"https://api.cloudflare.com": address})
        environment = {"LOCAL_CLOUDFLARE_TEST_ORIGINS": origins}
        port = whole.local_cloudflare_port
        platform = start_platform(whole.data_dir, port=port, environment=environment)
        try:
            whole.start_server()
            yield whole
        finally:
            whole.stop()
            platform.running.stop()
