"""Forms that notice when someone else has saved the same object since they were opened."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any, ClassVar, Final, TypeVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, QueryDict
from django.utils.crypto import salted_hmac

from audit.listed_filters import ListedFilters
from toolchain.invisible_characters import invisible_problem

_OPENED: Final = "opened"
_Edited = TypeVar("_Edited", bound=Model)


class EditConflictForm(forms.ModelForm[_Edited]):
    """A model form that has to be saved twice to replace someone else's newer change.

    Browsers send no line break from an input of one line, but others can. Such a name would change what
    lists, messages and e-mails show around it.
    """

    opened = forms.CharField(required=False, widget=forms.HiddenInput)
    not_compared: ClassVar[frozenset[str]] = frozenset()
    """Columns that change without anyone editing the object."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field.widget, forms.TextInput):
                field.validators.append(_on_one_line)
        if not self.instance._state.adding:
            self.initial[_OPENED] = self._fingerprint()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        opened = "" if self.instance._state.adding else cleaned.get(_OPENED)
        if opened and opened != (stored := self._fingerprint()):
            posted = cast("QueryDict", self.data).copy()
            posted[self.add_prefix(_OPENED)] = stored
            self.data = posted
            raise ValidationError(_message(self.instance))
        return cleaned

    def _fingerprint(self) -> str:
        return fingerprint(self.instance, without=self.not_compared)

    @property
    def changed_data(self) -> list[str]:
        """The names of the changed fields, without the hidden one."""
        return [name for name in super().changed_data if name != _OPENED]


def _on_one_line(value: object) -> None:
    if problem := invisible_problem(value) if isinstance(value, str) else "":
        raise ValidationError(f"It {problem}.")


class EditConflictAdmin(ListedFilters):
    """Adds the hidden field to the form of someone who may change the object."""

    form = EditConflictForm

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.with_conflict_check(super().get_fieldsets(request, obj), request, obj)

    def with_conflict_check(self, fieldsets: Any, request: HttpRequest, obj: Any) -> Any:
        """Return the fieldsets of a form with the hidden field, if the user may save it."""
        if obj is None or not self.has_change_permission(request, obj):
            return fieldsets
        (title, options), *others = fieldsets
        return [(title, {**options, "fields": [*options["fields"], _OPENED]}), *others]


def fingerprint(instance: Model, *, without: Collection[str] = ()) -> str:
    """Return a string that changes whenever a stored value that users can edit changes.

    `without` names columns that do not count.
    """
    return salted_hmac("stored", json.dumps(list(_stored(instance, without)))).hexdigest()


def _stored(instance: Model, without: Collection[str]) -> Iterator[Any]:
    """Yield the columns as text, so that none has to be decrypted, and the related ids."""
    rows = type(instance)._default_manager.filter(pk=instance.pk)
    editable = (field for field in instance._meta.concrete_fields if field.editable)
    columns = [field for field in editable if field.name not in without]
    as_text = [Cast(field.attname, TextField()) for field in columns]
    yield list(rows.values_list(*as_text).first() or ())
    for relation in instance._meta.many_to_many:
        yield sorted(getattr(instance, relation.name).values_list("pk", flat=True))


def _message(instance: Model) -> str:
    return (
        f"Someone else saved this {instance._meta.verbose_name} while you were editing it. Your "
        "changes are not saved yet. Open it in another tab to see the new version, or save again to "
        "replace it."
    )
