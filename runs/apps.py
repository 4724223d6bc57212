from __future__ import annotations

from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "runs"

    def ready(self) -> None:
        from runs.overview.dashboard_summary import dashboard_context
        from web.page_context import contribute

        contribute("dashboard", dashboard_context)
