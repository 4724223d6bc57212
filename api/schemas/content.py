"""What a draft and a version have in common: the document and what is deployed with it."""

from __future__ import annotations

from typing import Any

from api.conventions.schema import ApiSchema
from workflows.models import Workflow, WorkflowVersion


class Content(ApiSchema):
    """A document, its entry code, packages, bindings, settings and saved tests."""

    ir: Any
    trigger_code: str
    dependencies: dict[str, str]
    bindings: dict[str, str]
    deploy_config: dict[str, Any]
    tests: list[Any]


def content_of(row: Workflow | WorkflowVersion) -> dict[str, Any]:
    """Return the content of a draft or a version."""
    return {
        "ir": row.ir,
        "trigger_code": row.entry_code,
        "dependencies": row.dependencies,
        "bindings": row.bindings,
        "deploy_config": row.deploy_settings,
        "tests": row.tests,
    }
