"""Install the npm packages of a workflow into the directory of its deploy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from targets.cloudflare.errors import Cause, DeployError
from toolchain import process
from toolchain.node_tools import DATA_LIMIT, NODE, NPM_CLI

OnEnd = Callable[[process.ProgramResult], None]
_SECONDS = 90.0
_FLAGS = ["--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"]
_ONLY_REGISTRY = [f"--allow-{source}=none" for source in ("git", "remote", "file", "directory")]
_NOT_ALLOWED: Final = re.compile(r"npm error code EALLOW(?:GIT|REMOTE|FILE|DIRECTORY)\b")
_LOG: Final = re.compile(r"npm error A complete log of this run can be found in: .*\n?")
_OTHER_SOURCE: Final = (
    "One of the npm packages depends on a Git repository, an address or a file, but only packages of "
    "the registry can be installed. Nothing was uploaded. Remove the package that does this."
)


def install(
    folder: Path,
    dependencies: Mapping[str, str],
    *,
    on_start: Callable[[int], None],
    on_end: OnEnd,
    overrides: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Write package.json and run npm install; raises DeployError with npm's output.

    `overrides` replace the versions of packages that other packages need.

    A package may depend on a Git repository, an address, or a file or folder of this server. Only
    packages of the registry are installed: Git would read this server's own repositories, and an
    address could be one that only this server reaches. What npm says about a file is not shown,
    because it quotes the file.
    """
    manifest: dict[str, Any] = {"private": True, "dependencies": dict(dependencies)}
    if overrides:
        manifest["overrides"] = dict(overrides)
    (folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    _run(["install", "--no-package-lock"], folder, on_start=on_start, on_end=on_end)


def install_locked(folder: Path, *, on_start: Callable[[int], None], on_end: OnEnd) -> None:
    """Run npm ci with the package.json and the lock file in the folder; raises like `install`."""
    _run(["ci"], folder, on_start=on_start, on_end=on_end)


def _run(
    command: list[str], folder: Path, *, on_start: Callable[[int], None], on_end: OnEnd
) -> None:
    home = folder.parent / "home"  # the files in `folder` must not be npm's cache or settings
    home.mkdir(exist_ok=True)
    env = process.environment(home=home, npm_config_update_notifier="false", CI="1")
    arguments: list[str | Path] = [NODE, NPM_CLI, *command, *_FLAGS, *_ONLY_REGISTRY]
    try:
        ended = process.run(
            arguments,
            cwd=folder,
            env=env,
            timeout=_SECONDS,
            data_limit=DATA_LIMIT,
            on_start=on_start,
        )
    except process.ProgramTimeout as slow:
        message = f"npm install was {slow} and was stopped. Try again, or use fewer packages."
        raise DeployError(message, cause=Cause.TIMEOUT) from None
    _refuse_local(folder, ended)
    ended = replace(
        ended,
        stdout=_without_folders(ended.stdout, folder),
        stderr=_without_folders(ended.stderr, folder),
    )
    on_end(ended)
    if _NOT_ALLOWED.search(ended.stderr):
        raise DeployError(_OTHER_SOURCE, cause=Cause.PACKAGES)
    if ended.exit_code:
        message = f"npm could not install the dependencies:\n{ended.stderr.strip()}"
        raise DeployError(message, cause=Cause.PACKAGES)


def _without_folders(text: str, folder: Path) -> str:
    """Return npm's output without temporary folders, and without the log that is removed with them."""
    for path in {folder.parent, folder.parent.resolve()}:
        text = text.replace(f"{path}/", "")
    return _LOG.sub("", text)


def _refuse_local(folder: Path, ended: process.ProgramResult) -> None:
    """Raise DeployError if a package came from this server, or if npm could not read one as JSON."""
    lock = folder / "node_modules" / ".package-lock.json"
    installed = json.loads(lock.read_text("utf-8"))["packages"] if lock.exists() else {}
    local = [name for name, package in installed.items() if _is_local(package)]
    if local or "EJSONPARSE" in ended.stderr:
        name = local[0].rpartition("node_modules/")[2] if local else "one of them"
        message = (
            f"The npm packages depend on files of this server ({name}). Nothing was uploaded. Remove "
            "the package that does this: it may be malicious."
        )
        raise DeployError(message, cause=Cause.PACKAGES)


def _is_local(package: Mapping[str, Any]) -> bool:
    return bool(package.get("link")) or str(package.get("resolved", "")).startswith("file:")
