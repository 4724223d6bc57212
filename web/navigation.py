"""The navigation on every page: its items, who sees them, and which one is current."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import AnonymousUser, User
from django.urls import reverse


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A link for users with the permission; it is current on pages under one of the `paths`."""

    label: str
    icon: str
    view: str
    permission: str = ""
    paths: tuple[str, ...]

    @property
    def url(self) -> str:
        return reverse(self.view)


ADMINISTRATION: Final = Item(
    label="Administration", icon="administration", view="admin:index", paths=("/admin/", "/api/")
)
ITEMS: Final = (
    Item(
        label="Dashboard",
        icon="dashboard",
        view="deployments:dashboard",
        permission="deployments.view_deployment",
        paths=(),
    ),
    Item(
        label="Workflows",
        icon="workflow",
        view="admin:workflows_workflow_changelist",
        permission="workflows.view_workflow",
        paths=(
            "/workflows/",
            "/runs/logs/",
            "/admin/workflows/workflow/",
            "/admin/workflows/workflowversion/",
        ),
    ),
    Item(
        label="Runs",
        icon="run",
        view="runs:list",
        permission="runs.view_run",
        paths=("/runs/",),
    ),
    Item(
        label="Deployments",
        icon="deployment",
        view="admin:deployments_deployment_changelist",
        permission="deployments.view_deployment",
        paths=("/deployments/", "/admin/deployments/deployment/"),
    ),
    Item(
        label="Alerts",
        icon="alert",
        view="alerts:list",
        permission="alerts.view_alert",
        paths=("/alerts/", "/admin/alerts/"),
    ),
    Item(
        label="Targets",
        icon="target",
        view="admin:targets_target_changelist",
        permission="targets.view_target",
        paths=("/targets/", "/admin/targets/target/"),
    ),
    Item(
        label="Variables",
        icon="variable",
        view="admin:workflows_environmentvariable_changelist",
        permission="workflows.view_environmentvariable",
        paths=("/admin/workflows/environmentvariable/",),
    ),
    Item(
        label="Audit",
        icon="audit",
        view="admin:audit_entry_changelist",
        permission="audit.view_entry",
        paths=("/admin/audit/entry/",),
    ),
    Item(
        label="Docs",
        icon="documentation",
        view="documentation:index",
        permission="workflows.view_workflow",
        paths=("/docs/",),
    ),
    ADMINISTRATION,
)


def items_for(user: User | AnonymousUser) -> list[Item]:
    """Return the items for pages that the user may open; none for users who are not staff."""
    if not (user.is_active and user.is_staff):
        return []
    return [item for item in ITEMS if not item.permission or user.has_perm(item.permission)]


def current_item(path: str) -> Item:
    """Return the item that the page with this path belongs to: the longest match counts."""
    matches = [
        (len(start), item) for item in ITEMS for start in item.paths if path.startswith(start)
    ]
    return max(matches, key=lambda match: match[0])[1] if matches else ITEMS[0]
