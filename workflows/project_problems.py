"""What is wrong with the files of a project, and what there is to know about them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workflows.documents.projects.config import ProjectConfig, read_config
from workflows.documents.projects.files import check_files
from workflows.documents.projects.packages import read_packages
from workflows.documents.projects.problems import ProjectProblem
from workflows.ir.reading.problems import Problem, Severity


def project_problems(files: Any) -> tuple[ProjectConfig, list[Problem]]:
    """Return the configuration, and the errors and notes about the files, it and the packages."""
    if problems := check_files(files):
        return ProjectConfig(), as_problems(problems)
    config, packages = read_config(files), read_packages(files)
    errors = as_problems([*config.problems, *packages.problems])
    return config, [*errors, *as_problems([*config.notes, *packages.notes], is_warning=True)]


def as_problems(found: Iterable[ProjectProblem], *, is_warning: bool = False) -> list[Problem]:
    """Return problems of a project as problems of a workflow: the path names the file and the line."""
    return [
        Problem(
            path=f"{each.file}, line {each.line}" if each.line else each.file or "project",
            message=f"{each.key}: {each.message}" if each.key else each.message,
            severity=Severity.WARNING if is_warning or each.is_warning else Severity.ERROR,
            line=each.line,
        )
        for each in found
    ]
