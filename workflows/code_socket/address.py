"""The URL at which a page's code fields find the language server of their workflow."""

from __future__ import annotations

from django.urls import get_script_prefix


def socket_address(workflow_id: str) -> str:
    """Return the path of the WebSocket, for the attribute `data-language-socket` of a page."""
    return f"{get_script_prefix()}workflows/{workflow_id}/language/"
