"""Projects on an installation: imported and deployed with the commands."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tests.support.installation import Installation
from tests.support.patience import PATIENCE
from workflows.documents.projects.contents import content_of
from workflows.documents.projects.files import ProjectFiles
from workflows.documents.projects.samples import samples

_ENDED = ("complete", "errored", "terminated")


def sample_files(name: str) -> ProjectFiles:
    """Return the files of a sample project."""
    (found,) = [sample for sample in samples() if sample.name == name]
    return found.files


def write_files(files: ProjectFiles, folder: Path) -> Path:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content_of(content))
    return folder


def import_files(installation: Installation, files: ProjectFiles, folder: Path) -> str:
    """Import the files from the folder, and return the workflow's id."""
    source = str(write_files(files, folder))
    return installation.manage("import_project", source).stdout.strip()


def deploy(installation: Installation, workflow: str) -> None:
    installation.manage("deploy_workflow", workflow)


def ended(
    installation: Installation,
    workflow: str,
    run: str = "latest",
    *,
    name: str = "",
) -> dict[str, Any]:
    """Wait until the run of the workflow, or of its Workflow with this `name`, has ended."""
    named = ["--workflow-name", name] if name else []
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found: dict[str, Any] = installation.json("describe_run", workflow, run, "--json", *named)
        if found["status"] in _ENDED:
            return found
    raise AssertionError(f"the run does not end: {found}")
