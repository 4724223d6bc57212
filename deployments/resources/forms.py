"""The form that creates a resource on a target."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from deployments.resources.services import NAME_RULES, name_problem
from workflows.ir.reading.bindings import BindingKind


class ResourceForm(forms.Form):
    """The name of a new resource, validated by Cloudflare's rules."""

    name = forms.CharField(widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}))

    def __init__(self, *args: Any, kind: BindingKind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        self.fields["name"].label = f"Name of the new {kind.label}"
        self.fields["name"].help_text = f"{NAME_RULES[kind].rule}.".capitalize()

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if refusal := name_problem(self.kind, name):
            raise ValidationError(refusal)
        return name
