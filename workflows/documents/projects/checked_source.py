"""What the compiler checks of a project: its text files, and the types of its env."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from workflows.compilation.project_folder import ProjectSource
from workflows.documents.projects.compiler_settings import compiler_settings
from workflows.documents.projects.config import ProjectConfig
from workflows.documents.projects.contents import ProjectFiles
from workflows.documents.projects.packages import read_packages


def checked_source(
    files: ProjectFiles, project: ProjectConfig, variables: Iterable[str]
) -> ProjectSource:
    """Return what is type-checked; `variables` are the names of the workflow's variables."""
    settings = compiler_settings(files)
    return ProjectSource(
        files={path: text for path, text in files.items() if isinstance(text, str)},
        main=project.main,
        classes=tuple(each.class_name for each in project.workflows),
        packages=tuple(read_packages(files).dependencies),
        aliases={**settings.aliases, **_aliases(project)},
        options=settings.options,
        env=dict(_env_types(project, variables)),
    )


def _aliases(project: ProjectConfig) -> dict[str, list[str]]:
    aliases: Mapping[str, str] = project.bundling.get("alias", {})
    return {
        name: [path.removeprefix("./")] for name, path in aliases.items() if path.startswith(".")
    }


def _env_types(project: ProjectConfig, variables: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name, value in project.variables.items():
        yield name, "string" if isinstance(value, str) else "any"
    for name in variables:
        yield name, "string"
    for binding in project.bindings:
        yield binding.name, binding.kind.typescript
    for workflow in project.workflows:
        yield workflow.binding, "Workflow<any>"
