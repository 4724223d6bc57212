"""A Worker's folder as a person has it, with the real wrangler in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.local_cloudflare.support.workers import live_version
from tests.support.platform_fixture import Platform
from toolchain import process
from toolchain.node_tools import NODE, WRANGLER


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder with a Worker, and wrangler in it."""

    platform: Platform
    folder: Path
    name: str
    token: str | None = None

    def write(self, code: str, **config: object) -> None:
        base: dict[str, object] = {
            "name": self.name,
            "main": "worker.js",
            "compatibility_date": "2026-11-01",
        }
        base |= {"no_bundle": True, "workers_dev": True}
        (self.folder / "worker.js").write_text(code)
        (self.folder / "wrangler.json").write_text(json.dumps(base | config))

    def wrangler(self, *arguments: str) -> process.ProgramResult:
        env = process.environment(
            home=self.folder,
            CI="1",
            CLOUDFLARE_API_BASE_URL=self.platform.api_base_url,
            CLOUDFLARE_API_TOKEN=self.token or self.platform.token,
            CLOUDFLARE_ACCOUNT_ID=self.platform.account_id,
            WRANGLER_OUTPUT_FILE_PATH=str(self.folder / "output.ndjson"),
            WRANGLER_SEND_METRICS="false",
        )
        return process.run([NODE, WRANGLER, *arguments], cwd=self.folder, env=env, timeout=60)

    def deploy(self, **secrets: str) -> dict[str, Any]:
        (self.folder / "secrets.json").write_text(json.dumps(secrets))
        done = self.wrangler("deploy", "--secrets-file", "secrets.json", "--strict")
        assert done.exit_code == 0, done.stdout + done.stderr
        lines = (self.folder / "output.ndjson").read_text().splitlines()
        return dict(json.loads(lines[-1]))

    def live(self) -> str:
        return live_version(self.platform, self.name)
