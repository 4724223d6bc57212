"""Folders of Workers, in which the real wrangler runs."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.local_cloudflare.support.workers import live_version
from tests.support.platform_fixture import Platform
from toolchain import process
from toolchain.node_tools import NODE, WRANGLER


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A folder with a Worker and its wrangler.json."""

    platform: Platform
    folder: Path
    name: str
    token: str | None = None
    api_base_url: str | None = None

    def write(self, code: str, **config: object) -> None:
        base: dict[str, object] = {
            "name": self.name,
            "main": "worker.js",
            "compatibility_date": "2026-11-01",
        }
        base |= {"no_bundle": True, "workers_dev": True}
        (self.folder / "worker.js").write_text(code)
        (self.folder / "wrangler.json").write_text(json.dumps(base | config))

    def run(self, *arguments: str, typed: str = "") -> str:
        """Run wrangler, which must succeed, and return what it printed; `typed` is its input."""
        result = subprocess.run(
            [str(NODE), str(WRANGLER), *arguments],
            cwd=self.folder,
            env=self.environment(CI="1"),
            input=typed,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def wrangler(self, *arguments: str) -> process.ProgramResult:
        output = str(self.folder / "output.ndjson")
        env = self.environment(CI="1", WRANGLER_OUTPUT_FILE_PATH=output)
        return process.run([NODE, WRANGLER, *arguments], cwd=self.folder, env=env, timeout=120)

    def environment(self, **variables: str) -> dict[str, str]:
        """Return wrangler's environment: the platform and these variables."""
        return process.environment(
            home=self.folder,
            CLOUDFLARE_API_BASE_URL=self.api_base_url or self.platform.api_base_url,
            CLOUDFLARE_API_TOKEN=self.token or self.platform.token,
            CLOUDFLARE_ACCOUNT_ID=self.platform.account_id,
            WRANGLER_SEND_METRICS="false",
            **variables,
        )

    def deploy(self, **secrets: str) -> dict[str, Any]:
        """Deploy with these secrets; return the last line of wrangler's output file."""
        (self.folder / "secrets.json").write_text(json.dumps(secrets))
        result = self.wrangler("deploy", "--secrets-file", "secrets.json", "--strict")
        assert result.exit_code == 0, result.stdout + result.stderr
        lines = (self.folder / "output.ndjson").read_text().splitlines()
        return dict(json.loads(lines[-1]))

    def live_version(self) -> str:
        return live_version(self.platform, self.name)
