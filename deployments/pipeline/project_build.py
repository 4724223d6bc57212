"""Build the code of a project: refuse what cannot be deployed, type-check it and bundle it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from deployments.pipeline.errors import CodeError
from deployments.pipeline.ports import CompiledProject, DeployRequest, Tools
from targets.cloudflare.errors import Cause, DeployError, Finding
from workflows.documents.projects.config import ProjectConfig
from workflows.documents.projects.packages import read_packages
from workflows.documents.projects.problems import ProjectProblem

_HEADLINE: Final = "The project has problems that must be fixed before it can be deployed:"
_NOT_A_PROJECT: Final = "The workflow is not a project."


def readable(request: DeployRequest) -> tuple[ProjectConfig, list[Finding]]:
    """Return the configuration and its warnings; raises DeployError with every problem in it."""
    project = request.project
    if project is None:
        raise DeployError(_NOT_A_PROJECT, cause=Cause.CODE)
    problems = [*project.problems, *read_packages(request.files).problems]
    errors = [each for each in problems if not each.is_warning]
    if errors:
        raise DeployError.listing(_HEADLINE, as_findings(errors), cause=Cause.CODE)
    return project, as_findings(each for each in problems if each.is_warning)


def compile_project(request: DeployRequest, tools: Tools) -> CompiledProject:
    """Type-check and bundle the files; raises DeployError with every mistake, its file and line."""
    try:
        return tools.compile_project(request)
    except CodeError as error:
        headline = "The code has type errors:"
        raise DeployError.listing(headline, error.findings, cause=Cause.CODE) from None


def as_findings(problems: Iterable[ProjectProblem]) -> list[Finding]:
    """Return problems of a project as findings of the deployment."""
    return [
        Finding(
            message=f"{each.key}: {each.message}" if each.key else each.message,
            path=each.file,
            line=each.line,
            cause=Cause.CODE,
            is_warning=each.is_warning,
        )
        for each in problems
    ]
