from __future__ import annotations

from django.apps import AppConfig, apps
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate


class DeploymentsConfig(AppConfig):
    name = "deployments"

    def ready(self) -> None:
        """Create the groups after each migration, once the tables of `auth` exist; add system checks."""
        from deployments.history.deployment_proofs import proven_by_deployments
        from deployments.installation.groups import create_groups
        from deployments.installation.production_checks import (
            check_encryption_keys,
            check_production,
        )
        from targets.checks import permission_proofs
        from workflows.views import code_page

        permission_proofs.register(proven_by_deployments)
        code_page.register(
            code="deployments:workflow_code", document="deployments:workflow_document"
        )
        register(check_encryption_keys, Tags.security)
        register(check_production, Tags.security, deploy=True)
        auth = apps.get_app_config("auth")
        post_migrate.connect(create_groups, sender=auth, dispatch_uid="roles")
