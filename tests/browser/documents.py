"""Workflows that the browser tests deploy."""

from __future__ import annotations

from typing import Any

from tests.deployments.fakes import document
from tests.support.installation import Installation


def make_workflow(installation: Installation, name: str, code: str = "return 1;") -> str:
    """Import a workflow of one step and return its id."""
    made: dict[str, Any] = document(code)
    made["metadata"]["name"] = name
    return installation.import_document(made)
