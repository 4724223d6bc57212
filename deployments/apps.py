from __future__ import annotations

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class DeploymentsConfig(AppConfig):
    name = "deployments"

    def ready(self) -> None:
        """Roles are made when all permissions are: Django makes those of `auth` after ours."""
        from deployments.roles import make_roles

        auth = apps.get_app_config("auth")
        post_migrate.connect(make_roles, sender=auth, dispatch_uid="roles")
