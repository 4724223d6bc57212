"""The admin's forms: a document with all its problems, and secrets that are never shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from audit.encrypted_fields import UnreadableSecret
from web.forms.edit_conflicts import EditConflictForm
from web.forms.text_area import TextArea, unless_unchanged
from workflows.code_socket.address import socket_address
from workflows.codegen.analysis.code_reader import ENTRY_PATH
from workflows.ir.reading.bindings import BINDING_ID
from workflows.ir.reading.dependencies import check_dependencies
from workflows.ir.reading.names import name_problem
from workflows.ir.reading.problems import InvalidIR
from workflows.ir.reading.raw_values import check_values
from workflows.ir.validation.validate import MAX_TEXT, compact, read_json
from workflows.models import EnvironmentVariable, Workflow
from workflows.node_types.registered import types_for
from workflows.nodes.documents import parse_valid
from workflows.picker.field import HELP, WorkflowField

if TYPE_CHECKING:
    from django.http import QueryDict


def _first_document() -> dict[str, Any]:
    """Return the initial document of a new workflow, the smallest one that can be deployed."""
    now = timezone.now().isoformat(timespec="seconds")
    return {
        "metadata": {"name": "My workflow", "version": 1, "createdAt": now, "updatedAt": now},
        "trigger": {"type": "http", "method": "POST"},
        "entryNodeId": "hello",
        "nodes": [
            {
                "id": "hello",
                "type": "step",
                "name": "say hello",
                "version": "1.0.0",
                "provider": "cloudflare",
                "position": {"x": 0, "y": 0},
                "data": {"code": "return { hello: event.payload };"},
            }
        ],
        "edges": [],
    }


class CodeArea(TextArea):
    """A monospaced text area for code, without spell checking.

    With the path of a `field`, a script turns it into an editor of TypeScript.
    """

    def __init__(self, *, rows: int, field: str = "") -> None:
        attributes = {"class": "code", "rows": rows, "spellcheck": "false", "wrap": "off"}
        editor = {"data-code-field": True, "data-language": "typescript", "data-field": field}
        super().__init__(attributes | (editor if field else {}))


class JsonField(forms.CharField):
    """A JSON value as text; each problem is an error of this field.

    Django's field reads the text again to show it, and fails on values that are nested too deeply.
    """

    def __init__(self, *, rows: int, **kwargs: Any) -> None:
        super().__init__(strip=False, widget=CodeArea(rows=rows), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        indented = json.dumps(value, indent=2, ensure_ascii=False)
        return indented if len(indented.encode("utf-8", "replace")) <= MAX_TEXT else compact(value)

    def clean(self, value: str) -> Any:
        try:
            return self.read(super().clean(value))
        except InvalidIR as invalid:
            raise ValidationError([str(problem) for problem in invalid.problems]) from None

    def read(self, text: str) -> Any:
        """Return the value; raises InvalidIR."""
        raise NotImplementedError

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial) != data)


class DocumentField(JsonField):
    """A workflow's document."""

    def read(self, text: str) -> Any:
        document = read_json(text)
        parse_valid(document, types_for(document))
        return document


class PackagesField(JsonField):
    """npm packages and their versions."""

    def read(self, text: str) -> Any:
        packages = read_json(text) if text.strip() else {}
        problems = check_values(packages, max_depth=2) or list(check_dependencies(packages))
        if problems:
            raise InvalidIR(problems)
        return packages


class WorkflowForm(forms.ModelForm[Workflow]):
    """The draft. Saving over someone else's newer change needs a confirmation."""

    ir = DocumentField(
        rows=28,
        label="Document (IR)",
        initial=_first_document,
        help_text="The workflow as JSON. Saving reports all problems together, each with its node and "
        "path. docs/building-workflows.md describes the format.",
    )
    dependencies = PackagesField(
        rows=3,
        required=False,
        initial=dict,
        help_text='npm packages and their versions, for example {"zod": "4.1.0"}',
    )
    opened_at = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Workflow
        fields = ["name", "description", "ir", "entry_code", "dependencies"]
        widgets = {
            "description": TextArea({"rows": 2, "cols": 80}),
            "entry_code": CodeArea(rows=8, field=ENTRY_PATH),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "name" in self.fields:  # the view permission alone gives no fields
            self.fields["name"].required = False
            self.fields["name"].help_text = "If empty, the name in the document is used."
        if "entry_code" in self.fields:
            cast("forms.CharField", self.fields["entry_code"]).strip = False
        if self.instance.pk and not self.instance._state.adding:
            self.initial["opened_at"] = self.instance.updated_at.isoformat()
            self._complete_entry_code()

    def _complete_entry_code(self) -> None:
        """Give the entry code the language server of the saved draft."""
        if "entry_code" in self.fields:
            address = socket_address(self.instance.pk)
            self.fields["entry_code"].widget.attrs["data-language-socket"] = address

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if problem := name and name_problem(name):
            raise ValidationError(f"The name {problem}.")
        return name

    def clean_entry_code(self) -> str:
        return unless_unchanged(self.cleaned_data["entry_code"], self.instance.entry_code)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.is_outdated():
            self.data = _replaced(self.data, "opened_at", self._saved_at())
            raise ValidationError(
                "Someone else saved this workflow while you were editing it. Your changes are not saved "
                "yet. Open the workflow in another tab to see the new version, or save again to "
                "replace it."
            )
        return cleaned

    def is_outdated(self) -> bool:
        """Whether someone else saved the workflow after this form was opened."""
        opened_at, saved_at = self.cleaned_data.get("opened_at"), self._saved_at()
        return bool(opened_at and saved_at and opened_at != saved_at)

    def _saved_at(self) -> str:
        """Return when the workflow was last saved; "" if it is new."""
        current = Workflow.objects.filter(pk=self.instance.pk).values_list("updated_at", flat=True)
        moment = current.first()
        return moment.isoformat() if moment else ""


class ProjectForm(WorkflowForm):
    """The name and the description of a project, whose files are changed in the editor."""

    ir = None  # type: ignore[assignment]
    dependencies = None  # type: ignore[assignment]

    class Meta:
        model = Workflow
        fields = ["name", "description"]
        widgets = {"description": TextArea({"rows": 2, "cols": 80})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "name" in self.fields:
            self.fields["name"].required = True
            self.fields[
                "name"
            ].help_text = (
                "The Workflows in the configuration keep their names, and so does the Worker."
            )


def _replaced(data: Mapping[str, Any], name: str, value: str) -> Mapping[str, Any]:
    """Return the posted data with one value replaced, for the form to show."""
    changed = cast("QueryDict", data).copy()
    changed[name] = value
    return changed


class VariableForm(EditConflictForm[EnvironmentVariable]):
    """Secret values are write-only: a page never contains one, and an empty input keeps it.

    The input is not called `value`, because the admin would then fill in the model's field.
    """

    new_value = forms.CharField(
        label="Value",
        required=False,
        strip=False,
        widget=TextArea({"rows": 3, "cols": 80, "spellcheck": "false"}),
    )

    workflow = WorkflowField(required=False, help_text=f"Only this workflow gets the value. {HELP}")
    for_all = forms.BooleanField(
        label="For all workflows",
        required=False,
        help_text="Every workflow whose code uses the name gets the value, unless it has a variable of "
        "its own with that name.",
    )

    class Meta:
        model = EnvironmentVariable
        fields = ["name", "workflow", "is_secret"]
        help_texts = {
            "name": "Capital letters, digits and underscores, such as API_KEY. Code reads it as "
            "env.API_KEY. A name that ends in _BINDING_ID is special: DB_BINDING_ID holds the id or name "
            "of the resource behind the binding DB, and is not sent to the Worker.",
            "is_secret": "For API keys, passwords and tokens. Nobody can see the value after you save it; "
            "you can only replace it.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:  # its workflow cannot be changed
            del self.fields["workflow"]
        self.was_secret = bool(self.instance.pk and self.instance.is_secret)
        if self.was_secret:
            self.fields[
                "new_value"
            ].help_text = "A secret is stored. Enter a new value to replace it."
        elif self.instance.pk:
            self._show_stored()

    def _show_stored(self) -> None:
        try:
            self.initial["new_value"] = self.instance.value
        except UnreadableSecret as error:
            self.fields["new_value"].help_text = str(error)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self._check_scope(cleaned)
        self._check_value(cleaned)
        if cleaned.get("is_secret") and str(cleaned.get("name", "")).endswith(BINDING_ID):
            self.add_error(
                "is_secret",
                f"{cleaned['name']} holds the id of a resource, so it cannot be a secret.",
            )
        return cleaned

    def full_clean(self) -> None:
        """Clear a secret on every error, including those of the model, so that no page contains it."""
        super().full_clean()
        if self.errors and self.data.get("is_secret"):
            self._clear_secret()

    def _check_scope(self, cleaned: dict[str, Any]) -> None:
        """Require a choice: a forgotten workflow must not give a value to all of them."""
        if self.instance.pk or "workflow" not in self.fields or "workflow" in self.errors:
            return
        if cleaned.get("workflow") and cleaned.get("for_all"):
            self.add_error("for_all", "Choose either one workflow or all workflows.")
        elif not cleaned.get("workflow") and not cleaned.get("for_all"):
            self.add_error(
                "workflow",
                'Choose the workflow, or tick "For all workflows" for a global variable.',
            )

    def _check_value(self, cleaned: dict[str, Any]) -> None:
        if cleaned.get("new_value"):
            return
        if self.was_secret and not cleaned.get("is_secret"):
            self.add_error(
                "new_value", "A stored secret cannot be shown. Enter a value that may be visible."
            )
        elif cleaned.get("is_secret") and not self.was_secret:
            self.add_error("new_value", "Enter the secret.")

    def _clear_secret(self) -> None:
        if self.data.get("new_value"):
            self.data = _replaced(self.data, "new_value", "")
            self.add_error("new_value", "Nothing was saved. Enter the secret again.")

    def save(self, commit: bool = True) -> EnvironmentVariable:  # noqa: FBT001, FBT002 - Django's
        """Save the variable; an empty input keeps a stored secret, but empties a plain value."""
        value = self.cleaned_data["new_value"]
        if self.was_secret and value:
            self.instance.value = value
        elif not self.was_secret:
            self.instance.value = unless_unchanged(value, self.initial.get("new_value", ""))
        return super().save(commit)


class OwnVariableForm(VariableForm):
    """A variable of one workflow, on the workflow's own page; the instance has the workflow."""

    class Meta(VariableForm.Meta):
        fields = ["name", "is_secret"]
        help_texts = {
            "name": "Code reads API_KEY as env.API_KEY.",
            "is_secret": "Nobody can see a secret after you save it.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("workflow", "for_all"):
            self.fields.pop(name, None)

    def clean_name(self) -> str:
        """Refuse the name of another variable: the constraint of the model is only checked with the workflow."""
        name = str(self.cleaned_data["name"])
        others = EnvironmentVariable.objects.filter(workflow=self.instance.workflow, name=name)
        if others.exclude(pk=self.instance.pk).exists():
            raise ValidationError(f"{name} is already set. Edit it in the table.")
        return name
