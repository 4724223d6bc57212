"""The default roles: Django groups, which administrators may change."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

_VIEWS: Final = (
    "deployments.view_deployment",
    "deployments.view_driftcheck",
    "targets.view_target",
    "runs.view_run",
    "workflows.view_environmentvariable",
    "workflows.view_nodetype",
    "workflows.view_workflow",
    "workflows.view_workflowversion",
)
_EDITS: Final = (
    "targets.check_target",
    "workflows.add_declaredbinding",
    "workflows.add_environmentvariable",
    "workflows.add_workflow",
    "workflows.change_declaredbinding",
    "workflows.change_environmentvariable",
    "workflows.change_workflow",
    "workflows.delete_declaredbinding",
    "workflows.delete_environmentvariable",
)
_DEPLOYS: Final = (
    "deployments.add_deployment",
    "deployments.cancel_deployment",
    "targets.check_target",
    "deployments.rollback_deployment",
    "runs.control_run",
    "runs.trigger_run",
)
ROLES: Final = {
    "Viewer": _VIEWS,
    "Editor": (*_VIEWS, *_EDITS),
    "Deployer": (*_VIEWS, *_DEPLOYS),
}
ADMINISTRATOR: Final = "Administrator"
_OURS: Final = ("audit", "auth", "deployments", "runs", "targets", "workflows")


def create_groups(**_signal: Any) -> None:
    """Create the missing groups; existing groups are left unchanged."""
    for name, permissions in ROLES.items():
        _create(name, permissions)
    group, is_new = Group.objects.get_or_create(name=ADMINISTRATOR)
    if is_new:
        group.permissions.set(Permission.objects.filter(content_type__app_label__in=_OURS))


def _create(name: str, permissions: tuple[str, ...]) -> None:
    group, is_new = Group.objects.get_or_create(name=name)
    if is_new:
        named = Q()
        for permission in permissions:
            app, _, codename = permission.partition(".")
            named |= Q(content_type__app_label=app, codename=codename)
        group.permissions.set(Permission.objects.filter(named))
