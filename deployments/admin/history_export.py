"""Exports the history, without documents, code, values and secrets."""

from __future__ import annotations

from typing import Any, Final

from import_export import fields, resources

from deployments.models import Deployment

_FULL_WIDTH: Final = ("\uff1d", "\uff0b", "\uff0d", "\uff20")
# Spreadsheets calculate a cell that starts with one of these, even after a tab or a line break.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", *_FULL_WIDTH)


def as_text(cell: Any) -> str:
    """Return the cell as text to spreadsheets: an apostrophe precedes what might be a formula."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


class HistoryResource(resources.ModelResource):  # type: ignore[misc]
    """The columns of the export; `seconds` is how long a deployment ran."""

    seconds = fields.Field(column_name="seconds", readonly=True)

    class Meta:
        model = Deployment
        fields = export_order = (
            "id",
            "workflow_public_id",
            "workflow_name",
            "version_number",
            "target_name",
            "requested_by_name",
            "action",
            "about",
            "reason",
            "overwrite",
            "attempt",
            "status",
            "stage",
            "cause",
            "message",
            "cancelled_by",
            "uploaded",
            "created_at",
            "started_at",
            "finished_at",
            "seconds",
            "worker_name",
            "worker_url",
            "dashboard_url",
            "version_id",
            "live_before",
            "live_version",
            "script_size",
            "script_hash",
            "wrangler_version",
            "superseded_by",
        )

    @classmethod
    def get_display_name(cls) -> str:
        return "Deployments"

    def dehydrate_seconds(self, deployment: Deployment) -> str:
        duration = deployment.duration
        return "" if duration is None else f"{duration.total_seconds():.3f}"


COLUMNS = tuple(name for name in HistoryResource.Meta.fields if name != "seconds")
