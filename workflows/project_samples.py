"""The sample projects that people can start from: folders in `workflows/samples/projects`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from workflows.documents.projects.files import ProjectFiles, read_folder

FOLDER: Final = Path(__file__).parent / "samples" / "projects"
_ABOUT: Final = "sample.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSample:
    """A sample project; `name` is that of its folder."""

    name: str
    title: str
    description: str
    files: ProjectFiles


@cache
def project_samples() -> tuple[ProjectSample, ...]:
    """Return the samples in the order of their titles."""
    found = [_read(path.parent) for path in FOLDER.glob(f"*/{_ABOUT}")]
    return tuple(sorted(found, key=lambda each: each.title))


def _read(folder: Path) -> ProjectSample:
    about = json.loads((folder / _ABOUT).read_text("utf-8"))
    files = dict(read_folder(folder).files)
    files.pop(_ABOUT)
    return ProjectSample(
        name=folder.name, title=about["title"], description=about["description"], files=files
    )
