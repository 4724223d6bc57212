"""Bundles a Worker with its npm packages; a package can read nothing but the packages.

A package determines what the bundler reads: with relative or absolute imports, its `main`, or source
maps. So the bundler runs in a separate folder, without credentials, before anything is uploaded. The
files that it has read are checked, and its output, which quotes files, is never shown unchanged.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deployments.pipeline.adapters import npm, wrangler
from deployments.pipeline.adapters.remote_tools import Hooks, ProgramRun
from deployments.pipeline.config.wrangler_config import MAIN
from deployments.pipeline.ports import Bundle
from targets.cloudflare.errors import Cause, DeployError
from toolchain import process
from toolchain.node_tools import DATA_LIMIT, MODULES, NODE, WRANGLER

_PREFIX: Final = "awaitstep-build-"
_SETTINGS: Final = ("name", "main", "compatibility_date", "compatibility_flags")
_MODULES: Final = frozenset(
    {".wasm", ".bin", ".txt", ".html", ".sql"}
)  # uploaded together with the code
_LOCATED: Final = re.compile(r"(?P<file>.+?):(?P<line>[0-9]+):[0-9]+: ERROR: (?P<text>.*)")
_OUTSIDE: Final = (
    "The npm packages read {files}, which is not part of them. Nothing was uploaded. Remove the "
    "package that does this: it may be malicious."
)
_NO_REASON: Final = (
    "The bundler gave no reason that can be shown. It may have needed more than "
    f"{DATA_LIMIT // 1024**3} GB of memory."
)
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundler:
    """wrangler's bundler. `cache` holds Node's compiled code; `timeout` is in seconds."""

    hooks: Hooks
    cache: Path
    timeout: float

    def bundle(self, packages: Path, config: Mapping[str, Any], *, into: Path) -> None:
        """Bundle the main module in the folder with its `node_modules`; raises DeployError."""
        settings = {name: config[name] for name in _SETTINGS if name in config}
        (packages / "wrangler.json").write_text(json.dumps(settings), encoding="utf-8")
        output = packages.parent / "output"
        try:
            self._run(packages, output)
            _refuse_outside(packages, _inputs(output))
            _copy(output, into=into, known=_digests(packages))
        finally:
            shutil.rmtree(output, ignore_errors=True)

    def _run(self, packages: Path, output: Path) -> None:
        arguments: list[str | Path] = [NODE, WRANGLER, "deploy", "--dry-run"]
        arguments += ["--outdir", output, "--metafile", output / "metafile.json"]
        log = packages.parent / wrangler.OUTPUT
        env = _environment(packages.parent, cache=self.cache)
        try:
            ended = process.run(
                arguments,
                cwd=packages,
                env=env,
                timeout=self.timeout,
                data_limit=DATA_LIMIT,
                on_start=self.hooks.program_started,
            )
        except process.ProgramTimeout as slow:
            message = f"Bundling the npm packages was {slow} and was stopped. Use fewer packages."
            raise DeployError(message, cause=Cause.TIMEOUT) from None
        errors = _errors(log) if ended.exit_code else []
        outside = [file for file, _ in errors if file and not _is_inside(packages, file)]
        text = _failure([text for _, text in errors]) if ended.exit_code and not outside else ""
        self.hooks.program_ended(
            ProgramRun(
                program="bundling", exit_code=ended.exit_code, seconds=ended.seconds, text=text
            )
        )
        _refuse_outside(packages, outside)
        if ended.exit_code:
            raise DeployError(text, cause=Cause.PACKAGES)


def write_bundled(folder: Path, bundle: Bundle, *, bundler: Bundler, on_end: npm.OnEnd) -> None:
    """Install the packages, and write the bundled main module into the folder of the deploy."""
    with _build_folder() as build:
        packages = build / "packages"
        packages.mkdir()
        (packages / MAIN).write_text(bundle.script, encoding="utf-8")
        npm.install(
            packages, bundle.dependencies, on_start=bundler.hooks.program_started, on_end=on_end
        )
        bundler.bundle(packages, bundle.config, into=folder)


@contextmanager
def _build_folder() -> Iterator[Path]:
    """A folder among temporary files, because `..` from the data folder leads to its secrets."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(folder: Path, *, cache: Path) -> dict[str, str]:
    """Return an environment without the token and the network's settings."""
    env = wrangler.environment(folder, cache=cache)
    return {name: value for name, value in env.items() if name not in process.NETWORK_VARIABLES}


def _inputs(output: Path) -> list[str]:
    """Return every file that the bundler read, relative to its folder."""
    metafile = json.loads((output / "metafile.json").read_text(encoding="utf-8"))
    return list(metafile["inputs"])


def _refuse_outside(packages: Path, files: list[str]) -> None:
    outside = [file for file in files if not _is_inside(packages, file)]
    if outside:
        shown = ", ".join(json.dumps(file) for file in outside[:_SHOWN])
        raise DeployError(_OUTSIDE.format(files=shown), cause=Cause.PACKAGES)


def _is_inside(packages: Path, file: str) -> bool:
    """Whether the file is in the folder, or is one of wrangler's own replacements for Node's modules."""
    path = (packages / file).resolve()
    return path.is_relative_to(packages.resolve()) or path.is_relative_to(MODULES.resolve())


def _digests(packages: Path) -> set[bytes]:
    """Return the digests of the packages' modules that are not code."""
    files = (path for path in packages.rglob("*") if path.suffix in _MODULES)
    return {_digest(path) for path in files if path.is_file() and not path.is_symlink()}


def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _copy(output: Path, *, into: Path, known: set[bytes]) -> None:
    """Copy the code, and the modules next to it. The metafile does not list where those are from."""
    modules = [path for path in output.iterdir() if path.suffix in _MODULES]
    foreign = [path.name.partition("-")[2] for path in modules if _digest(path) not in known]
    if foreign:
        raise DeployError(_OUTSIDE.format(files=json.dumps(foreign[0])), cause=Cause.PACKAGES)
    for path in (output / MAIN, *modules):
        shutil.copyfile(path, into / path.name)


def _errors(log: Path) -> list[tuple[str, str]]:
    """Return wrangler's errors as file ("" if unknown) and message."""
    entries = wrangler.read_output(log)
    messages = [str(entry.get("message")) for entry in entries if entry["type"] == "command-failed"]
    located = [_LOCATED.fullmatch(line) for message in messages for line in message.splitlines()]
    return [
        (match["file"], f"{match['file']}, line {match['line']}: {match['text']}")
        for match in located
        if match
    ]


def _failure(errors: list[str]) -> str:
    """Return the reason to show; one without a location could quote any file, so it is not shown."""
    reasons = "\n".join(errors) or _NO_REASON
    return f"The npm packages cannot be bundled:\n{reasons}"
