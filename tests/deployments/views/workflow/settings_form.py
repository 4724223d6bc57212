"""The page of the deploy settings, filled in as a browser would."""

from __future__ import annotations

from typing import Any

from django.test import Client

from workflows.models import Workflow


def address(workflow: Workflow, more: str = "") -> str:
    return f"/workflows/{workflow.pk}/settings/{more}"


def filled_in(client: Client, workflow: Workflow, **changes: Any) -> dict[str, Any]:
    """Return what a browser would post, with some fields changed; None unchecks a checkbox."""
    forms = client.get(address(workflow)).context["forms"]
    fields = [*forms.form, *(field for rows in _rows(forms) for field in rows)]
    values = {field.html_name: field.value() for field in fields}
    shown = {
        name: value for name, value in values.items() if value is not None and value is not False
    }
    return {k: v for k, v in {**shown, **changes}.items() if v is not None}


def _rows(forms: Any) -> list[Any]:
    formsets = (forms.routes, forms.consumers)
    return [form for each in formsets for form in (each.management_form, *each.forms)]


def save(client: Client, workflow: Workflow, **changes: Any) -> Any:
    """Save the page with these changes, and reload the workflow."""
    answer = client.post(address(workflow), filled_in(client, workflow, **changes))
    workflow.refresh_from_db()
    return answer


def row(prefix: str, index: int = 0, **values: object) -> dict[str, Any]:
    return {f"{prefix}-{index}-{name}": value for name, value in values.items()}
