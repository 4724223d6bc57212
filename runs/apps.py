from __future__ import annotations

from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "runs"

    def ready(self) -> None:
        from deployments.services import required_tests
        from runs.overview.dashboard_summary import dashboard_context
        from runs.saved_tests.required import run_tests
        from runs.test_runs.panel import editor_panel, node_states
        from web.page_context import contribute

        required_tests.register(run_tests)
        contribute("dashboard", dashboard_context)
        contribute("editor", editor_panel)
        contribute("editor_picture", node_states)
