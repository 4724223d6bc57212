from __future__ import annotations

from django.apps import AppConfig
from django.contrib import admin


class WebConfig(AppConfig):
    name = "web"

    def ready(self) -> None:
        """Limit logins, and replace the admin's sidebar; the models that this needs are loaded by now."""
        from web.login import backend

        backend.connect()
        admin.site.enable_nav_sidebar = False  # the navigation is in the header
