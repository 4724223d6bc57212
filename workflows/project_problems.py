"""What is wrong with the files of a project, and what there is to know about them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from workflows.documents.projects.config import ProjectConfig, read_config
from workflows.documents.projects.files import check_files
from workflows.documents.projects.packages import read_packages
from workflows.documents.projects.problems import ProjectProblem
from workflows.ir.reading.problems import Problem, Severity


def project_problems(files: Any) -> tuple[ProjectConfig, list[Problem]]:
    """Return the configuration, and the errors and notes about the files, it and the packages."""
    config, problems = located_problems(files)
    return config, as_problems(problems)


def located_problems(files: Any) -> tuple[ProjectConfig, list[ProjectProblem]]:
    """Return the same with the file and the line of each problem."""
    if problems := check_files(files):
        return ProjectConfig(), problems
    config, packages = read_config(files), read_packages(files)
    notes = (
        replace(each, is_warning=True, is_note=True) for each in (*config.notes, *packages.notes)
    )
    return config, [*config.problems, *packages.problems, *notes]


def as_problems(found: Iterable[ProjectProblem]) -> list[Problem]:
    """Return problems of a project as problems of a workflow: the path names the file and the line."""
    return [
        Problem(
            path=f"{each.file}, line {each.line}" if each.line else each.file or "project",
            message=f"{each.key}: {each.message}" if each.key else each.message,
            severity=Severity.WARNING if each.is_warning else Severity.ERROR,
            line=each.line,
            column=each.column,
        )
        for each in found
    ]
