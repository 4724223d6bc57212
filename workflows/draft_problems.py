"""Every problem of a draft that can be found without a target."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from django.core.cache import cache

from audit.encrypted_fields import UnreadableSecret
from workflows.codegen.module.generate import GeneratedModule
from workflows.codegen.module.module_settings import module_settings
from workflows.compilation.from_document import generate_from_document
from workflows.compilation.type_problems import type_problems
from workflows.ir.reading.problems import InvalidIR, Problem
from workflows.models import Workflow
from workflows.node_types.registered import types_for
from workflows.scratch_folders import scratch_folder
from workflows.services import effective_variables

_SECONDS_KEPT: Final = 3600


def draft_problems(workflow: Workflow) -> list[Problem]:
    """Return the errors that prevent a deploy of the draft's code, and the warnings.

    The code is compiled, which may take seconds: do it outside a transaction.
    """
    try:
        settings = module_settings(workflow, effective_variables(workflow))
        module = generate_from_document(workflow.ir, settings, types_for(workflow.ir))
    except UnreadableSecret as error:
        return [Problem(path="env", message=str(error))]
    except InvalidIR as invalid:
        return list(invalid.problems)
    return [*_type_problems(module), *module.problems]


def _type_problems(module: GeneratedModule) -> list[Problem]:
    """Compile the module; the answer is kept, because each visit of the draft's page needs it."""
    content = "\0".join([module.source, *module.dependencies])
    key = f"type-problems-{sha256(content.encode()).hexdigest()}"
    known: list[Problem] | None = cache.get(key)
    if known is not None:
        return known
    with scratch_folder("draft") as folder:
        problems = type_problems(module, folder)
    if all(problem.path for problem in problems):  # the compiler has finished
        cache.set(key, problems, _SECONDS_KEPT)
    return problems
