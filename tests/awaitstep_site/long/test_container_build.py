"""The commands of the Dockerfile, run in a folder instead of an image."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.checks.dockerfile import Instruction, stages, variables
from tests.support.installation import PROJECT, Installation, wait_for_port
from tests.support.plain_http import request
from tests.support.repository import repository_files

STAGES = {stage.name: stage for stage in stages()}


def test_the_commands_of_the_dockerfile_build_a_working_environment(tmp_path: Path) -> None:
    for name in ("wheel", "environment"):
        for found in STAGES[name].instructions:
            follow(found, tmp_path)
    installation = Installation(tmp_path / "data", more_env=settings_of_image(tmp_path))

    with served(tmp_path / "opt" / "awaitstep" / "bin", installation):
        ready = request("GET", f"http://127.0.0.1:{installation.port}/readyz")

    assert ready.status_code == 200, ready.text


def follow(found: Instruction, root: Path) -> None:
    """Do in a folder what Docker does in an image."""
    source = root / "src"
    source.mkdir(exist_ok=True)
    if found.name == "RUN":
        command = re.sub(r"(?<![\w.])/(src|build|opt|tmp)\b", rf"{root}/\1", found.value)
        command = command.replace("python -m venv", f"{sys.executable} -m venv")
        subprocess.run(["/bin/sh", "-ec", command], cwd=source, check=True)
    elif found.name == "COPY" and "--from" not in found.value:  # the stages share the folder
        names = repository_files() if found.words[0] == "." else found.words[:-1]
        for name in names:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PROJECT / name, source / name)


def settings_of_image(root: Path) -> dict[str, str]:
    kept = {k: v for k, v in variables(STAGES[""]).items() if k.startswith("AWAITSTEP_")}
    ours = {"AWAITSTEP_DATA_DIR": str(root / "data"), "AWAITSTEP_ALLOWED_HOSTS": "a.test"}
    return {**kept, **ours, "PATH": "/usr/bin:/bin"}


@contextmanager
def served(programs: Path, installation: Installation) -> Iterator[None]:
    """Create the database, and run the web server."""
    log, env = installation.log, installation.env
    folder = log.parent
    subprocess.run([programs / "awaitstep", "migrate"], cwd=folder, env=env, check=True)
    command = [str(programs / "awaitstep"), "serve"]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, cwd=folder, env=env, stdout=output, stderr=output) as server,
    ):
        try:
            wait_for_port(installation.port, server, log)
            yield
        finally:
            server.terminate()
