"""The default roles: Django groups, to which administrators may add permissions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

_VIEWS: Final = (
    "alerts.view_alert",
    "alerts.view_alertrule",
    "api.add_apikey",
    "api.view_apikey",
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
    "alerts.acknowledge_alert",
    "alerts.add_alertrule",
    "alerts.change_alertrule",
    "alerts.delete_alertrule",
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
    "alerts.acknowledge_alert",
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
_OURS: Final = ("alerts", "api", "audit", "auth", "deployments", "runs", "targets", "workflows")


def create_groups(**_signal: Any) -> None:
    """Create the missing groups, and add the missing permissions of the existing ones.

    It may run before Django has created the permissions of every app, so it has them created first.
    """
    for app in apps.get_app_configs():
        create_permissions(app, verbosity=0)
    for name, permissions in ROLES.items():
        _add(name, _named(permissions))
    _add(ADMINISTRATOR, Q(content_type__app_label__in=_OURS))


def _named(permissions: Iterable[str]) -> Q:
    named = Q()
    for permission in permissions:
        app, _, codename = permission.partition(".")
        named |= Q(content_type__app_label=app, codename=codename)
    return named


def _add(name: str, permissions: Q) -> None:
    group, _ = Group.objects.get_or_create(name=name)
    group.permissions.add(*Permission.objects.filter(permissions))
