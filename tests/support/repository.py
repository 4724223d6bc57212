"""The files of the repository: those that are committed, and those that are not ignored."""

from __future__ import annotations

import shutil
import subprocess
from typing import Final

from tests.support.installation import PROJECT

_GIT: Final = shutil.which("git") or "git"


def repository_files() -> list[str]:
    command = [_GIT, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.split("\0") if name and (PROJECT / name).is_file()]
