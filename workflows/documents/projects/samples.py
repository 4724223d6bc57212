"""The sample projects: folders with files to start from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from workflows.documents.projects.files import ProjectFiles, read_folder

_ABOUT: Final = "sample.json"
_FIRST: Final = "starter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A sample project; `name` is that of its folder, `description` one or two sentences."""

    name: str
    title: str
    description: str
    files: ProjectFiles


@cache
def samples() -> tuple[Sample, ...]:
    """Return the sample projects: the starter first, the others by title."""
    folders = Path(str(files("workflows").joinpath("samples/projects"))).iterdir()
    found = [_sample(folder) for folder in folders if (folder / _ABOUT).is_file()]
    return tuple(sorted(found, key=lambda sample: (sample.name != _FIRST, sample.title)))


def _sample(folder: Path) -> Sample:
    about = json.loads((folder / _ABOUT).read_text("utf-8"))
    contents = read_folder(folder).files
    del contents[_ABOUT]
    return Sample(
        name=folder.name, title=about["title"], description=about["description"], files=contents
    )
