"""Every problem of a project's files that can be found without a target, with its file and line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from hashlib import sha256
from typing import Final

from django.core.cache import cache

from audit.encrypted_fields import UnreadableSecret
from workflows.compilation.project_check import ProjectVerdict, check_project
from workflows.compilation.project_folder import ProjectSource
from workflows.compilation.typescript import Diagnostic
from workflows.documents.projects.checked_source import checked_source
from workflows.documents.projects.config import ProjectConfig
from workflows.documents.projects.problems import ProjectProblem
from workflows.models import Workflow
from workflows.project_problems import located_problems
from workflows.scratch_folders import scratch_folder
from workflows.services import effective_variables

_SECONDS_KEPT: Final = 3600


def checked_files(workflow: Workflow) -> list[ProjectProblem]:
    """Return the problems of the files, the configuration, the packages and the types.

    The code is compiled, which may take seconds: do it outside a transaction.
    """
    config, problems = located_problems(workflow.files)
    try:
        names = set(effective_variables(workflow))
    except UnreadableSecret as error:
        return [ProjectProblem(message=str(error)), *problems]
    if config.main:
        verdict = _verdict(checked_source(workflow.files, config, sorted(names)))
        problems += [
            *map(_located, verdict.errors),
            *(_located(each, is_warning=True) for each in verdict.warnings),
            *_missing_classes(config, verdict.not_exported),
        ]
    return [*problems, *_missing_secrets(config, names)]


def _verdict(source: ProjectSource) -> ProjectVerdict:
    """Compile the files; the result is kept, because each visit to the draft's page needs it."""
    content = json.dumps(asdict(source), sort_keys=True)
    key = f"project-problems-{sha256(content.encode()).hexdigest()}"
    known: ProjectVerdict | None = cache.get(key)
    if known is not None:
        return known
    with scratch_folder("draft") as folder:
        verdict = check_project(source, folder)
    if all(each.code for each in verdict.errors):  # the compiler has finished
        cache.set(key, verdict, _SECONDS_KEPT)
    return verdict


def _missing_classes(config: ProjectConfig, names: Iterable[str]) -> Iterator[ProjectProblem]:
    missing = set(names)
    for index, each in enumerate(config.workflows):
        if each.class_name in missing:
            yield ProjectProblem(
                message=f"{config.main} does not export a class {each.class_name}",
                file=config.file,
                line=each.class_line,
                key=f"workflows[{index}].class_name",
            )


def _located(each: Diagnostic, *, is_warning: bool = False) -> ProjectProblem:
    message = f"{each.message} ({each.code})" if each.code else each.message
    return ProjectProblem(
        message=message,
        file=each.file,
        line=each.line,
        column=each.column,
        is_warning=is_warning,
    )


def _missing_secrets(config: ProjectConfig, names: Iterable[str]) -> Iterator[ProjectProblem]:
    for name in config.secrets:
        if name not in names:
            yield ProjectProblem(
                message=f"requires the secret {name}: set the secret variable {name}",
                file=config.file,
                line=config.secrets_line,
                key="secrets.required",
                variable=name,
            )
