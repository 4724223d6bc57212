"""Install the npm packages of a workflow into the directory of its deploy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from targets.cloudflare.errors import Cause, DeployError
from toolchain import process
from toolchain.node_tools import NODE, NPM_CLI

_SECONDS = 90.0
_FLAGS = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--omit=dev"]


def install(
    folder: Path,
    dependencies: Mapping[str, str],
    *,
    on_start: Callable[[int], None],
    on_end: Callable[[process.ProgramResult], None],
) -> None:
    """Write package.json and run npm install; raises DeployError with npm's output."""
    manifest = {"private": True, "dependencies": dict(dependencies)}
    (folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    home = folder / "home"
    home.mkdir(exist_ok=True)
    env = process.environment(home=home, npm_config_update_notifier="false", CI="1")
    arguments: list[str | Path] = [NODE, NPM_CLI, "install", *_FLAGS]
    try:
        ended = process.run(arguments, cwd=folder, env=env, timeout=_SECONDS, on_start=on_start)
    except process.ProgramTimeout as slow:
        message = f"npm install was {slow} and was stopped. Try again, or use fewer packages."
        raise DeployError(message, cause=Cause.TIMEOUT) from None
    on_end(ended)
    if ended.exit_code:
        message = f"npm could not install the dependencies:\n{ended.stderr.strip()}"
        raise DeployError(message, cause=Cause.PACKAGES)
