"""An HTTP server on loopback that answers with the request itself, or with a prepared response."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.support.http_server import JSON, Handler, serving

Responses = Mapping[str, tuple[list[tuple[str, str]], bytes]]
"""Headers and bodies by path."""


@contextmanager
def echoing(responses: Responses | None = None) -> Iterator[str]:
    """Serve until the end of the block; yield the address.

    `/status/404` answers with that status, and a path that contains `text` with plain text.
    """
    prepared = responses or {}

    class Echo(Handler):
        def do_GET(self) -> None:
            path = self.path.split("?")[0].strip("/")
            if path in prepared:
                headers, body = prepared[path]
                self.respond(200, body, headers)
                return
            status = int(path.split("/")[1]) if path.startswith("status/") else 200
            headers = [("content-type", "text/plain")] if "text" in self.path else [*JSON]
            self.respond(status, self._request(), headers)

        do_POST = do_PUT = do_DELETE = do_PATCH = do_GET

        def _request(self) -> bytes:
            values = {name: self.headers.get_all(name, []) for name in self.headers}
            request = {
                "method": self.command,
                "path": self.path,
                "headers": {name.lower(): ", ".join(value) for name, value in values.items()},
                "body": self.read_body(),
            }
            return json.dumps(request).encode()

    with serving(Echo) as address:
        yield address
