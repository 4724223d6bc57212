"""A registry on loopback with packages that tests make up."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

VERSION = "1.0.0"


class Registry:
    """The packages by name, each in one version."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requested: list[str] = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.requested.append(self.path)
                body = registry.files.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_args: object) -> None:
                """Write nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def add(self, name: str, **manifest: Any) -> str:
        """Publish a package; return the address of its tarball."""
        content = {"name": name, "version": VERSION, "main": "index.js", **manifest}
        address = f"/{name}/-/{name}-{VERSION}.tgz"
        self.files[address] = _tarball(
            {"package.json": json.dumps(content), "index.js": "export default 1;"}
        )
        dist = {"tarball": self.url + address}
        versions = {VERSION: {**content, "dist": dist}}
        packument = {"name": name, "dist-tags": {"latest": VERSION}, "versions": versions}
        self.files[f"/{name}"] = json.dumps(packument).encode()
        return self.url + address

    def use_in(self, folder: Path) -> None:
        """Have npm use this registry in the folder."""
        (folder / ".npmrc").write_text(f"registry={self.url}\n")


@contextmanager
def npm_registry() -> Iterator[Registry]:
    """Serve an empty registry."""
    registry = Registry()
    thread = Thread(target=registry.server.serve_forever)
    thread.start()
    try:
        yield registry
    finally:
        registry.server.shutdown()
        thread.join()
        registry.server.server_close()


def _tarball(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()
