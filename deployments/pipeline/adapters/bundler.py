"""Bundles a Worker with its files and npm packages; they can read nothing but each other.

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
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deployments.pipeline.adapters import npm, wrangler
from deployments.pipeline.adapters.remote_tools import Hooks, ProgramRun
from deployments.pipeline.config.wrangler_config import MAIN
from deployments.pipeline.ports import Bundle
from targets.cloudflare.errors import Cause, DeployError, Finding
from toolchain import process
from toolchain.node_tools import DATA_LIMIT, MODULES
from toolchain.spare_programs import Spares

_PREFIX: Final = "awaitstep-build-"
SETTINGS: Final = ("name", "main", "compatibility_date", "compatibility_flags")
_LOCATED: Final = re.compile(r"(?P<file>.+?):(?P<line>[0-9]+):[0-9]+: ERROR: (?P<text>.*)")
_OUTSIDE: Final = (
    "The code or its npm packages read {files}, which is not part of them. Nothing was uploaded. "
    "Remove the import or the package that does this: the package may be malicious."
)
_NO_REASON: Final = (
    "The bundler gave no reason that can be shown. It may have needed more than "
    f"{DATA_LIMIT // 1024**3} GB of memory."
)
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundled:
    """The bundled main module, the modules next to it by name, and what the main module exports."""

    script: bytes
    modules: Mapping[str, bytes]
    exports: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundler:
    """wrangler's bundler. `cache` holds Node's compiled code; `timeout` is in seconds."""

    hooks: Hooks
    cache: Path
    timeout: float
    spares: Spares

    def bundle(self, packages: Path, config: Mapping[str, Any]) -> Bundled:
        """Bundle the main module in the folder with its `node_modules`; raises DeployError."""
        (packages / "wrangler.json").write_text(json.dumps(dict(config)), encoding="utf-8")
        output = packages.parent / "output"
        try:
            self._run(packages, output)
            metafile = json.loads((output / "metafile.json").read_text(encoding="utf-8"))
            _refuse_outside(packages, list(metafile["inputs"]))
            return _read(output, metafile, packages, main=Path(config["main"]))
        finally:
            shutil.rmtree(output, ignore_errors=True)

    def _run(self, packages: Path, output: Path) -> None:
        options = ["--outdir", str(output), "--metafile", str(output / "metafile.json")]
        log = packages.parent / wrangler.OUTPUT
        env = _environment(packages.parent, cache=self.cache)
        try:
            ended = self.spares.run(
                ["deploy", "--dry-run", *options],
                cwd=packages,
                env=env,
                timeout=self.timeout,
                on_start=self.hooks.program_started,
                refill=True,  # for the upload
            )
        except process.ProgramTimeout as slow:
            message = f"Bundling the code was {slow} and was stopped. Use fewer npm packages."
            raise DeployError(message, cause=Cause.TIMEOUT) from None
        errors = _errors(log) if ended.exit_code else []
        outside = [each.path for each in errors if not _is_inside(packages, each.path)]
        failed = _failure(errors)
        text = str(failed) if ended.exit_code and not outside else ""
        self.hooks.program_ended(
            ProgramRun(
                program="bundling", exit_code=ended.exit_code, seconds=ended.seconds, text=text
            )
        )
        _refuse_outside(packages, outside)
        if ended.exit_code:
            raise failed


def write_bundled(folder: Path, bundle: Bundle, *, bundler: Bundler, on_end: npm.OnEnd) -> None:
    """Install the packages, and write the bundled main module into the folder of the deploy."""
    with build_folder() as build:
        packages = build / "packages"
        packages.mkdir()
        (packages / MAIN).write_text(bundle.script, encoding="utf-8")
        npm.install(
            packages, bundle.dependencies, on_start=bundler.hooks.program_started, on_end=on_end
        )
        settings = {name: bundle.config[name] for name in SETTINGS if name in bundle.config}
        bundled = bundler.bundle(packages, settings)
        write_modules(folder, bundled.script, bundled.modules)


def write_modules(folder: Path, script: bytes, modules: Mapping[str, bytes]) -> None:
    """Write the bundled main module, and the modules next to it."""
    for name, data in {**modules, MAIN: script}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


@contextmanager
def build_folder() -> Iterator[Path]:
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


def _refuse_outside(packages: Path, files: list[str]) -> None:
    outside = [file for file in files if not _is_inside(packages, file)]
    if outside:
        shown = ", ".join(json.dumps(file) for file in outside[:_SHOWN])
        raise DeployError(_OUTSIDE.format(files=shown), cause=Cause.PACKAGES)


def _is_inside(packages: Path, file: str) -> bool:
    """Whether the file is in the folder, or is one of wrangler's own replacements for Node's modules."""
    path = (packages / file).resolve()
    return path.is_relative_to(packages.resolve()) or path.is_relative_to(MODULES.resolve())


def _digests(packages: Path, suffixes: Set[str]) -> set[bytes]:
    """Return the digests of the files that are not code."""
    files = (path for path in packages.rglob("*") if path.suffix in suffixes)
    return {_digest(path) for path in files if path.is_file() and not path.is_symlink()}


def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def _read(output: Path, metafile: Mapping[str, Any], packages: Path, *, main: Path) -> Bundled:
    """Read the code, and the modules next to it. The metafile does not list where those are from."""
    entry = output / main.with_suffix(".js").name
    written = {entry.name, f"{entry.name}.map", "README.md", "metafile.json"}
    files = {path.relative_to(output).as_posix(): path for path in output.rglob("*")}
    modules = {name: path for name, path in files.items() if path.is_file() and name not in written}
    known = _digests(packages, {path.suffix for path in modules.values()})
    foreign = [
        name.partition("-")[2] or name
        for name, path in modules.items()
        if _digest(path) not in known
    ]
    if foreign:
        raise DeployError(_OUTSIDE.format(files=json.dumps(foreign[0])), cause=Cause.PACKAGES)
    exports = (each.get("exports", ()) for name, each in metafile["outputs"].items()
               if Path(name).name == entry.name)  # fmt: skip
    return Bundled(
        script=entry.read_bytes(),
        modules={name: path.read_bytes() for name, path in modules.items()},
        exports=frozenset(name for names in exports for name in names),
    )


def _errors(log: Path) -> list[Finding]:
    """Return wrangler's errors that say where they are."""
    entries = wrangler.read_output(log)
    messages = [str(entry.get("message")) for entry in entries if entry["type"] == "command-failed"]
    located = [_LOCATED.fullmatch(line) for message in messages for line in message.splitlines()]
    return [
        Finding(message=match["text"], path=match["file"], line=int(match["line"]))
        for match in located
        if match
    ]


def _failure(errors: list[Finding]) -> DeployError:
    """Return the reason to show; one without a location could quote any file, so it is not shown."""
    headline = "The code cannot be bundled:"
    if not errors:
        return DeployError(f"{headline}\n{_NO_REASON}", cause=Cause.PACKAGES)
    return DeployError.listing(headline, errors, cause=Cause.PACKAGES)
