"""Every problem of a draft that can be found without a target."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from django.core.cache import cache

from audit.encrypted_fields import UnreadableSecret
from workflows.checked_files import checked_files
from workflows.codegen.module.generate import GeneratedModule
from workflows.codegen.module.module_settings import module_settings
from workflows.codegen.module.worker_env import EnvUse
from workflows.compilation.type_problems import type_problems
from workflows.draft_code import missing_variables, module_with
from workflows.ir.reading.problems import InvalidIR, Problem
from workflows.models import Workflow
from workflows.project_problems import as_problems
from workflows.scratch_folders import scratch_folder
from workflows.services import effective_variables

_SECONDS_KEPT: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedCode:
    """The problems of a draft, and the uses of variables that are not set."""

    problems: list[Problem]
    missing: tuple[EnvUse, ...] = ()


def draft_problems(workflow: Workflow) -> list[Problem]:
    """Return the errors that prevent a deploy of the draft's code, and the warnings.

    The code is compiled, which may take seconds: do it outside a transaction.
    """
    return checked_code(workflow).problems


def checked_code(workflow: Workflow) -> CheckedCode:
    """Return the same problems together with the missing variables."""
    if workflow.is_project:
        found = (each for each in checked_files(workflow) if not each.is_note)
        return CheckedCode(problems=as_problems(found))
    try:
        settings = module_settings(workflow, effective_variables(workflow))
        module = module_with(workflow, settings)
    except UnreadableSecret as error:
        return CheckedCode(problems=[Problem(path="env", message=str(error))])
    except InvalidIR as invalid:
        return CheckedCode(problems=list(invalid.problems))
    missing = missing_variables(module, settings)
    return CheckedCode(problems=module_problems(module), missing=missing)


def module_problems(module: GeneratedModule) -> list[Problem]:
    """Return the problems in the code of a module, which is compiled."""
    return [*_type_problems(module), *module.problems]


def _type_problems(module: GeneratedModule) -> list[Problem]:
    """Compile the module; the result is kept, because each visit to the draft's page needs it."""
    content = "\0".join([module.source, *module.dependencies])
    key = f"located-problems-{sha256(content.encode()).hexdigest()}"
    known: list[Problem] | None = cache.get(key)
    if known is not None:
        return known
    with scratch_folder("draft") as folder:
        problems = type_problems(module, folder)
    if all(problem.path for problem in problems):  # the compiler has finished
        cache.set(key, problems, _SECONDS_KEPT)
    return problems
