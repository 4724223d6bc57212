"""The URLs of the pages with a workflow's code and document, which a higher-level app provides."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse

_url_names: dict[str, str] = {}


def register(*, code: str, document: str) -> None:
    """Register the names of the URLs, whose argument is the workflow's id.

    The code page marks the node in its parameter `node`.
    """
    _url_names.update(code=code, document=document)


def code_address(workflow_id: str, node_id: str) -> str:
    """Return the URL of a node's code; "" if there is no such page."""
    if not _url_names:
        return ""
    address = reverse(_url_names["code"], args=[workflow_id])
    return f"{address}?{urlencode({'node': node_id})}#code-marked"


def document_address(workflow_id: str) -> str:
    """Return the URL of the page on which the document is edited as text."""
    return reverse(_url_names["document"], args=[workflow_id]) if _url_names else "?form"
