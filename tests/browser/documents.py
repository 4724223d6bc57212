"""Workflows that the browser tests deploy."""

from __future__ import annotations

from typing import Any

from tests.deployments.fakes import document
from tests.support.installation import Installation


def make_workflow(installation: Installation, name: str, code: str = "return 1;") -> str:
    """Import a workflow with one step and return its id."""
    ir: dict[str, Any] = document(code)
    ir["metadata"]["name"] = name
    return installation.import_document(ir)
