"""What pages show of a project besides its files: the pictures of its classes, and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from workflows.documents.projects.compiler_settings import compiler_settings
from workflows.documents.projects.config import ProjectBinding, ProjectWorkflow, read_config
from workflows.documents.projects.described import DescribedSetting, described_settings
from workflows.documents.projects.files import ProjectFiles
from workflows.documents.projects.problems import ProjectProblem
from workflows.picture.drawing import Picture
from workflows.picture.from_code.class_picture import picture_of_class
from workflows.picture.from_code.drawing import draw_class
from workflows.picture.from_code.model import CodeProblem

_MAX_NODES: Final = 1_500
"""How many nodes the pictures of a page have before the others are left out: drawing takes seconds."""
_LEAST: Final = 25  # a picture with fewer nodes counts as much
_UNREADABLE: Final = 500  # it may have taken seconds to find out


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPicture:
    """The picture of a class that implements a Workflow, and problems in the files that were read.

    `drawn` is None if there are too many pictures for one page.
    """

    workflow: str
    class_name: str
    drawn: Picture | None
    problems: tuple[CodeProblem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSettings:
    """What the configuration of a project says; `base` is the page of its files, up to a path."""

    file: str
    base: str
    settings: tuple[DescribedSetting, ...]
    workflows: tuple[ProjectWorkflow, ...]
    bindings: tuple[ProjectBinding, ...]
    problems: tuple[ProjectProblem, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)


def pictures_of_classes(
    files: ProjectFiles, *, base: str | None, only: str = ""
) -> list[ClassPicture]:
    """Return the picture of each Workflow of the project, or `only` that of one, as far as there is time.

    Its nodes link to `base` with file and line.
    """
    config, aliases = read_config(files), compiler_settings(files).aliases
    found, room = [], _MAX_NODES
    for number, each in enumerate(config.workflows, start=1):
        if only not in ("", each.name):
            continue
        picture = ClassPicture(workflow=each.name, class_name=each.class_name, drawn=None)
        if room > 0:
            code = picture_of_class(files, config.main, each.class_name, aliases=aliases)
            uid = "picture" if number == 1 else f"picture-{number}"
            drawn = draw_class(code, base=base, uid=uid)
            picture = replace(picture, drawn=drawn, problems=code.problems)
            room -= max(len(code.ir.nodes), _LEAST) if code.ir else _UNREADABLE
        found.append(picture)
    return found


def settings_of_project(
    files: ProjectFiles, *, base: str, packages: Mapping[str, str]
) -> ProjectSettings:
    """Return the settings for the pages that show them."""
    config = read_config(files)
    return ProjectSettings(
        file=config.file,
        base=base,
        settings=tuple(described_settings(files)),
        workflows=config.workflows,
        bindings=config.bindings,
        problems=(*config.problems, *config.notes),
        packages=packages,
    )
