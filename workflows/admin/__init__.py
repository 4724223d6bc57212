"""Admin pages of workflows, their versions, environment variables and node types."""

from __future__ import annotations

from workflows.admin import node_types, variables, versions
from workflows.admin.workflows import WorkflowAdmin

__all__ = ["WorkflowAdmin", "node_types", "variables", "versions"]
