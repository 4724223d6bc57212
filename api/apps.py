from __future__ import annotations

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "api"
    verbose_name = "API"

    def ready(self) -> None:
        """Let owners of keys send as much as in a session; models are loaded by now."""
        from api.keys.services import owner_of_header
        from web.gateway.senders import read_authorization_with

        read_authorization_with(owner_of_header)
