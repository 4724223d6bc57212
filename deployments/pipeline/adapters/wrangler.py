"""`wrangler deploy`: without prompts and telemetry, and with machine-readable output."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause, DeployError
from toolchain import process
from toolchain.node_tools import MODULES, WRANGLER
from toolchain.spare_programs import Spares

SECRETS = "secrets.json"
_PERMISSION = (
    '\nThe token lacks a permission: a deploy needs "Workers Scripts Write", and with routes also '
    '"Workers Routes Write" and "Zone Read". Edit the token in the Cloudflare dashboard, then deploy '
    "again."
)
# By the API's error codes; wrangler also passes on Node's ("ENOSPC"). The token is known to be
# active, so a refusal means a missing permission.
_CAUSES = {
    "9109": (Cause.PERMISSION, _PERMISSION),
    "10000": (Cause.PERMISSION, _PERMISSION),
    "10001": (Cause.PERMISSION, _PERMISSION),
    "10020": (
        Cause.TAKEN,
        "\nRemove the route from the other Worker first, or use another pattern.",
    ),
    "10021": (Cause.CODE, ""),  # the Worker does not start
    "10027": (Cause.LIMIT, "\nThe Worker is too large: use fewer or smaller npm packages."),
}
_REASON = re.compile(r" failed\.\s*\n\n(?P<reason>.*?)\s*\[code: 10021\]", re.DOTALL)
OUTPUT = "wrangler-output.ndjson"


class Busy(Exception):
    """The target rejects all calls for a few seconds; nothing was deployed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"busy for {seconds:g} seconds")
        self.seconds = seconds


@cache
def version() -> str:
    """Return the pinned wrangler's version."""
    manifest = json.loads((MODULES / "wrangler" / "package.json").read_text(encoding="utf-8"))
    return str(manifest["version"])


def spares(limit: int, *, cache: Path) -> Spares:
    """Return up to `limit` spare processes of wrangler, which know no secret, not even a proxy's."""
    env = {
        name: value
        for name, value in environment(cache, cache=cache).items()
        if not (name in process.PROXY_VARIABLES and "@" in value)
    }
    return Spares(limit, WRANGLER, env=env)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrangler:
    """wrangler for one account. `cache` holds Node's compiled code; `timeout` is in seconds.

    `hide` masks the secrets in its output.
    """

    account: Account
    cache: Path
    timeout: float
    spares: Spares
    hide: Callable[[str], str] = str

    def deploy(
        self,
        folder: Path,
        *,
        tag: str,
        is_strict: bool,
        on_start: Callable[[int], None],
        on_end: Callable[[process.ProgramResult], None],
    ) -> str:
        """Deploy the folder's wrangler.json and return the id of the new version.

        In strict mode wrangler refuses to undo changes that others made on the target. Raises
        DeployError with wrangler's own reason, Busy, ProgramTimeout and ProgramStopped.
        """
        (folder / OUTPUT).unlink(missing_ok=True)  # of an earlier attempt
        ran = self.spares.run(
            _arguments(folder, tag=tag, is_strict=is_strict),
            cwd=folder,
            env=self._environment(folder),
            timeout=self.timeout,
            on_start=on_start,
        )
        ended = replace(ran, stdout=self.hide(ran.stdout), stderr=self.hide(ran.stderr))
        on_end(ended)
        output = {entry["type"]: entry for entry in read_output(folder / OUTPUT)}
        version_id = str(output.get("deploy", {}).get("version_id") or "")
        if ended.exit_code == 0 and version_id:
            return version_id
        failed = output.get("command-failed", {})
        raise _error({**failed, "message": self.hide(str(failed.get("message") or ""))}, ended)

    def _environment(self, folder: Path) -> dict[str, str]:
        (folder / "home").mkdir(exist_ok=True)
        return environment(folder, cache=self.cache) | {
            "CLOUDFLARE_ACCOUNT_ID": self.account.account_id,
            "CLOUDFLARE_API_TOKEN": self.account.api_token,
            "CLOUDFLARE_API_BASE_URL": self.account.api_base_url,
        }


def _arguments(folder: Path, *, tag: str, is_strict: bool) -> list[str]:
    strict = ["--strict"] if is_strict else []
    tagged = ["--tag", tag] if tag else []
    secrets = ["--secrets-file", SECRETS] if (folder / SECRETS).exists() else []
    return ["deploy", *strict, *tagged, *secrets]


def environment(folder: Path, *, cache: Path) -> dict[str, str]:
    """Return an environment without an account, whose home folder and output file are in `folder`."""
    return process.environment(
        home=folder / "home",
        CI="1",
        NO_COLOR="1",
        NODE_COMPILE_CACHE=str(cache),
        WRANGLER_OUTPUT_FILE_PATH=str(folder / OUTPUT),
        WRANGLER_HIDE_BANNER="true",
        WRANGLER_SEND_METRICS="false",
        WRANGLER_SEND_ERROR_REPORTS="false",
        WRANGLER_WRITE_LOGS="false",
    )


def read_output(path: Path) -> list[Mapping[str, Any]]:
    """Return the entries of wrangler's output file, each with its `type`."""
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    return [json.loads(line) for line in lines if line.strip()]


def _error(failed: Mapping[str, Any], ended: process.ProgramResult) -> Exception:
    """Return the error with wrangler's message or, if `--strict` refused, the end of its output."""
    if failed.get("retry_after_ms") is not None:
        return Busy(float(failed["retry_after_ms"]) / 1000)
    if not failed.get("message"):
        printed = "\n".join((ended.stdout + "\n" + ended.stderr).strip().splitlines()[-15:])
        return DeployError(
            f"wrangler exited with code {ended.exit_code} and uploaded no version:\n{printed}"
        )
    cause, fix = _CAUSES.get(str(failed.get("code")), (Cause.TARGET, ""))
    message = process.strip_ansi(str(failed["message"]))
    code = f" [code {failed['code']}]" if failed.get("code") else ""
    reason = _reason(ended) if cause is Cause.CODE else ""
    return DeployError(f"wrangler could not deploy: {message}{code}{reason}{fix}", cause=cause)


def _reason(ended: process.ProgramResult) -> str:
    """Return why the Worker does not start, which wrangler only prints; "" if it does not."""
    printed = process.strip_ansi(f"{ended.stdout}\n{ended.stderr}")
    found = _REASON.search(printed)
    return "\n" + "\n".join(map(str.strip, found["reason"].splitlines())) if found else ""
