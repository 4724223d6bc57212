from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "web"

    def ready(self) -> None:
        """Limit logins; the models that this needs are loaded by now."""
        from web.login import backend

        backend.connect()
