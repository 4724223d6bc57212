from __future__ import annotations

from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "runs"

    def ready(self) -> None:
        from deployments.services import required_tests
        from runs.overview.dashboard_summary import dashboard_context
        from runs.saved_tests.required import run_tests
        from runs.test_runs.panel import editor_panel, node_states
        from runs.test_runs.setup import rename_pinned
        from web.page_context import contribute
        from workflows.drafts import on_new_ids

        required_tests.register(run_tests)
        on_new_ids(rename_pinned)
        contribute("dashboard", dashboard_context)
        contribute("editor", editor_panel)
        contribute("editor_picture", node_states)
