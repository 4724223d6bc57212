"""Shortcuts for generated modules in tests."""

from __future__ import annotations

from typing import Any

import pytest

from workflows.codegen.module.generate import GeneratedModule
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.compilation.from_document import generate_from_document
from workflows.ir.document.registry import Registry
from workflows.ir.reading.problems import InvalidIR
from workflows.nodes.built_in import NODE_TYPES


def generated(document: object, types: Registry = NODE_TYPES, **settings: Any) -> GeneratedModule:
    """Return the module of a document; `settings` are those of the module."""
    values = {"class_name": "Flow", "workflow_binding": "WORKFLOW"} | settings
    return generate_from_document(document, ModuleSettings(**values), types)


def refusal(document: object, **settings: Any) -> str:
    """Return the problems in a document that cannot be generated, one per line."""
    with pytest.raises(InvalidIR) as refused:
        generated(document, **settings)
    return str(refused.value)
