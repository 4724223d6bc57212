from __future__ import annotations

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"

    def ready(self) -> None:
        """Record logins and changes to users, whose models are loaded by now."""
        from audit import accounts

        accounts.connect()
