"""The pages with the code and the document of a workflow, which an app above this one has."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse

_url_names: dict[str, str] = {}


def register(*, code: str, document: str) -> None:
    """Name the pages, whose argument is the workflow's id; the code's parameter `node` marks a node."""
    _url_names.update(code=code, document=document)


def code_address(workflow_id: str, node_id: str) -> str:
    """Return the address of the code of a node; "" if there is no such page."""
    if not _url_names:
        return ""
    address = reverse(_url_names["code"], args=[workflow_id])
    return f"{address}?{urlencode({'node': node_id})}#code-marked"


def document_address(workflow_id: str) -> str:
    """Return the address at which the document is edited as text."""
    return reverse(_url_names["document"], args=[workflow_id]) if _url_names else "?form"
