"""Generated modules in a few words, for tests."""

from __future__ import annotations

from typing import Any

import pytest

from workflows.codegen.module import GeneratedModule, ModuleSettings, generate
from workflows.ir.problems import InvalidIR
from workflows.ir.validate import parse_valid


def generated(document: object, **settings: Any) -> GeneratedModule:
    """Return the module of a document; `settings` are those of the module."""
    wanted = {"class_name": "Flow", "workflow_binding": "WORKFLOW"} | settings
    return generate(parse_valid(document), ModuleSettings(**wanted))


def refusal(document: object, **settings: Any) -> str:
    """Return why there can be no module, one problem a line."""
    with pytest.raises(InvalidIR) as refused:
        generated(document, **settings)
    return str(refused.value)
