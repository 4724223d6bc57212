"""The field of a form that chooses a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError

from workflows.models import Workflow
from workflows.picker.matching import label_of, resolve

if TYPE_CHECKING:
    _Choice = forms.ModelChoiceField[Workflow]
else:
    _Choice = forms.ModelChoiceField

HELP: Final = "Type a part of the name, or the id."


class WorkflowInput(forms.TextInput):
    """A text input with suggestions."""

    template_name = "workflows/picker/_input.html"


class WorkflowField(_Choice):
    """Takes a name, a part of it, or an id, as long as only one workflow matches."""

    widget = WorkflowInput

    def __init__(self, **options: Any) -> None:
        super().__init__(Workflow.objects.only("pk", "name"), **options)

    def prepare_value(self, value: Any) -> Any:
        """Return the label of a workflow; other text is shown as it was typed."""
        if not isinstance(value, Workflow):
            value = Workflow.objects.only("pk", "name").filter(pk=value).first() or value
        return label_of(value) if isinstance(value, Workflow) else value

    def to_python(self, value: Any) -> Workflow | None:
        text = str(value or "").strip()
        if not text:
            return None
        found = resolve(text)
        if len(found) != 1:
            raise ValidationError(_problem(text, found))
        return found[0]


def _problem(text: str, found: list[Workflow]) -> str:
    if not found:
        return f"No workflow has “{text}” in its name or as its id."
    names = ", ".join(map(label_of, found[:5]))
    more = " and others" if len(found) > 5 else ""
    return f"Several workflows match “{text}”: {names}{more}. Enter one of them."
