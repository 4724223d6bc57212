from __future__ import annotations

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "monitoring"

    def ready(self) -> None:
        from monitoring.traces.page_links import link_of_deployment, link_of_run
        from web.page_context import contribute

        contribute("deployment", link_of_deployment)
        contribute("run", link_of_run)
