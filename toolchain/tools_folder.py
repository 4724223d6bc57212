"""The folder of the npm packages, which also has our TypeScript, because Node.js looks for packages beside it.

In a checkout, it is this package. A wheel is installed where the product should not write: there, it is a
copy of the files that Node.js needs, made by `awaitstep install_toolchain`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from toolchain.checkout import IS_CHECKOUT

VARIABLE: Final = "AWAITSTEP_TOOLCHAIN_DIR"
SOURCES: Final = Path(__file__).resolve().parent
_COPIED: Final = (
    "local_cloudflare",
    "spare_program.cjs",
    "package.json",
    "package-lock.json",
    ".npmrc",
)
_MARK: Final = "installed"
"""The file that is written last, with the digest of what was copied."""


def tools_folder() -> Path:
    """Return the folder, which may not exist yet. By default, it is in the Python environment."""
    if IS_CHECKOUT:
        return SOURCES
    default = Path(sys.prefix) / "share" / "awaitstep" / "toolchain"
    return Path(os.environ.get(VARIABLE) or default).absolute()


def copy_sources(folder: Path) -> None:
    """Copy what Node.js needs, replacing what an earlier version copied."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).unlink(missing_ok=True)
    for name in _COPIED:
        if (SOURCES / name).is_dir():
            shutil.rmtree(folder / name, ignore_errors=True)
            shutil.copytree(SOURCES / name, folder / name)
        else:
            shutil.copyfile(SOURCES / name, folder / name)


def mark_as_installed(folder: Path) -> None:
    (folder / _MARK).write_text(_digest(), encoding="utf-8")


def is_of_this_version(folder: Path) -> bool:
    """Whether the files are those of this version, and their packages have been installed."""
    if folder == SOURCES:
        return True
    try:
        return (folder / _MARK).read_text(encoding="utf-8") == _digest()
    except OSError:
        return False


@cache
def _digest() -> str:
    digest = hashlib.sha256()
    for path in _files():
        digest.update(f"{path.relative_to(SOURCES).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files() -> Iterator[Path]:
    for name in _COPIED:
        path = SOURCES / name
        yield from sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
