"""The wrangler configuration of a project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from workflows.documents.projects.contents import ProjectFiles
from workflows.documents.projects.problems import ProjectProblem
from workflows.documents.projects.wrangler.bindings import (
    ProjectBinding,
    ProjectWorkflow,
    read_bindings,
    read_workflows,
)
from workflows.documents.projects.wrangler.bundling import read_bundling, read_main
from workflows.documents.projects.wrangler.keys import KEYS
from workflows.documents.projects.wrangler.names import EnvNames
from workflows.documents.projects.wrangler.settings import deploy_settings, worker_options
from workflows.documents.projects.wrangler.shape import checked
from workflows.documents.projects.wrangler.source import CONFIG_FILES, Source, read_source
from workflows.ir.deploy.deploy_settings import DeploySettings
from workflows.ir.reading.problems import quoted

__all__ = ["CONFIG_FILES", "ProjectBinding", "ProjectConfig", "ProjectWorkflow", "read_config"]

_WORKER_NAME: Final = re.compile(r"[a-z0-9_][a-z0-9_-]*|")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectConfig:
    """What the wrangler configuration of a project says; values with problems are left out.

    `name` is that of the Worker in the file, which deploys ignore. `settings` has the values that
    wrangler would use for what the file does not set. `worker_options` and `bundling` are in the shape
    of wrangler.json: the former are merged into the sections of `settings`, the latter are for the
    bundler. `secrets` are the names that `secrets.required` lists in `secrets_line`. `problems` are errors, `notes` say
    what is managed here or ignored.
    """

    file: str = ""
    name: str = ""
    main: str = ""
    settings: DeploySettings = field(default_factory=DeploySettings)
    worker_options: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    secrets_line: int = 0
    bindings: tuple[ProjectBinding, ...] = ()
    workflows: tuple[ProjectWorkflow, ...] = ()
    bundling: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[ProjectProblem, ...] = ()
    notes: tuple[ProjectProblem, ...] = ()


def read_config(files: ProjectFiles) -> ProjectConfig:
    """Return the configuration of a project; everything that is wrong with it is in `problems`."""
    source = read_source(files)
    if not source.data and source.problems:
        return ProjectConfig(
            file=source.file, problems=tuple(source.problems), notes=tuple(source.notes)
        )
    return _read(source, checked(source, KEYS), files)


def _read(source: Source, config: Mapping[str, Any], files: ProjectFiles) -> ProjectConfig:
    names = EnvNames(source)
    variables, secrets = config.get("vars", {}), config.get("secrets", {}).get("required", [])
    for name in variables:
        names.add_variable(name, ("vars", name))
    for index, name in enumerate(secrets):
        names.add_variable(name, ("secrets", "required", index))
    bindings = read_bindings(source, config, names)
    workflows, others = read_workflows(source, config, names)
    name = config.get("name", "")
    if not _WORKER_NAME.fullmatch(name):
        source.problem(
            ("name",),
            f"must have lowercase letters, digits, hyphens and underscores, not {quoted(name)}",
        )
    parts: dict[str, Any] = {
        "main": read_main(source, config, files),
        "settings": deploy_settings(source, config),
        "bundling": read_bundling(source, config, files),
    }
    return ProjectConfig(
        file=source.file,
        name=name,
        worker_options=worker_options(config),
        variables=variables,
        secrets=tuple(secrets),
        secrets_line=source.line_of(("secrets", "required")) if secrets else 0,
        bindings=(*bindings, *others),
        workflows=tuple(workflows),
        problems=tuple(source.problems),
        notes=tuple(source.notes),
        **parts,
    )
