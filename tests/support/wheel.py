"""The product as a wheel: built from this checkout, and installed into a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.installation import PROJECT
from toolchain import node_tools

PACKAGE = "awaitstep"


def build_wheel(folder: Path) -> Path:
    """Build the wheel without the network; return its file."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class InstalledWheel:
    """A folder with the wheel's files, which uses the packages of this Python environment."""

    site: Path
    tools: Path

    @property
    def program(self) -> list[str]:
        return [sys.executable, str(self.site / "bin" / "awaitstep")]

    @property
    def more_env(self) -> dict[str, str]:
        return {"PYTHONPATH": str(self.site), "AWAITSTEP_TOOLCHAIN_DIR": str(self.tools)}

    def use_packages_of_checkout(self) -> None:
        """Install the tools, except that the npm packages are those of the checkout."""
        code = (
            "from toolchain import node_tools, tools_folder;"
            "tools_folder.copy_sources(node_tools.TOOLCHAIN);"
            "tools_folder.mark_as_installed(node_tools.TOOLCHAIN)"
        )
        env = os.environ | self.more_env
        subprocess.run([sys.executable, "-c", code], cwd=self.site / PACKAGE, env=env, check=True)
        (self.tools / "node_modules").symlink_to(node_tools.MODULES)


def install_wheel(wheel: Path, folder: Path) -> InstalledWheel:
    """Install the wheel alone, as `pip install` does."""
    site = folder / "site"
    options = ["--quiet", "--no-deps", "--no-compile", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(site), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    return InstalledWheel(site, folder / "tools")
