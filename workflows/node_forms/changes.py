"""What a posted form changes in a node or trigger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from workflows.ir.settings.setting_field import FieldKind, SettingField
from workflows.node_forms.field_kinds import ABSENT, REMOVE, Inputs, InvalidInput, is_blank_part
from workflows.node_forms.inputs import decisive, same, shown, value_from_form
from workflows.node_forms.places import Place, places_of, value_at

Posted = Mapping[str, Sequence[str]]
"""All values of a posted form, by the names of its inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A new value at a path such as `data.url`; ABSENT removes the setting."""

    path: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FormChanges:
    """The changes of a form, and the errors in its inputs: a sentence for each path."""

    changes: tuple[Change, ...]
    errors: Mapping[str, str]


def form_changes(
    holder: Mapping[str, Any], fields: Iterable[SettingField], posted: Posted
) -> FormChanges:
    """Return what the posted inputs change in a node, or in `{"trigger": ...}`.

    `holder` is the node for which the form was rendered. Fields without posted inputs do not change,
    nor do fields whose inputs are still as rendered.
    """
    changes: list[Change] = []
    errors: dict[str, str] = {}
    for place in places_of(holder, fields):
        inputs = inputs_at(place.path, posted)
        if not inputs:
            continue
        try:
            changes += _changes(place, value_at(holder, place.path), inputs)
        except InvalidInput as error:
            errors[place.path] = str(error)
    return FormChanges(changes=tuple(changes), errors=errors)


def inputs_at(path: str, posted: Posted) -> Inputs:
    """Return the posted inputs of the field at a path."""
    own = {"": posted[path]} if path in posted else {}
    prefix = f"{path}."
    inner = {
        key.removeprefix(prefix): texts for key, texts in posted.items() if key.startswith(prefix)
    }
    return {**own, **inner}


def _changes(place: Place, value: Any, inputs: Inputs) -> Iterator[Change]:
    field = place.field
    if field.kind is FieldKind.SECRET:
        if inputs.get(REMOVE) and value is not ABSENT:
            yield Change(path=place.path, value=ABSENT)
        return
    initial = shown(field, value).inputs
    if decisive(initial) == decisive(inputs):
        return
    new = value_from_form(field, inputs)
    if _is_unchanged(field, initial, new) or same(new, value):
        return
    if field.kind is FieldKind.LIST and (parts := list(_item_changes(place, value, new))):
        yield from parts
    else:
        yield Change(path=place.path, value=new)


def _is_unchanged(field: SettingField, initial: Inputs, new: Any) -> bool:
    """Whether the inputs still mean the same, such as a list with an additional empty row."""
    try:
        return same(value_from_form(field, initial), new)
    except InvalidInput:
        return False


def _item_changes(place: Place, value: Any, new: Any) -> Iterator[Change]:
    """Yield a change for each member that differs in a list's objects, if the list keeps its length."""
    if not isinstance(value, list) or not isinstance(new, list) or len(value) != len(new):
        return
    if not all(isinstance(item, dict) for item in new):  # written as JSON
        return
    for index, (before, after) in enumerate(zip(value, new, strict=True)):
        old = before if isinstance(before, dict) else {}
        for name, member in after.items():
            is_blank = [is_blank_part(place.field, name, each) for each in (member, old.get(name))]
            if not all(is_blank) and member != old.get(name):
                yield Change(path=f"{place.path}.{index}.{name}", value=member)


def with_changes(holder: Mapping[str, Any], changes: Iterable[Change]) -> dict[str, Any]:
    """Return a copy of a node with changes; an object of `config` that becomes empty is removed."""
    result = deepcopy(dict(holder))
    for change in changes:
        _set(result, change.path.split("."), change.value)
    return result


def _set(container: Any, path: list[str], value: Any) -> None:
    key, *rest = path
    if isinstance(container, list):
        if rest:
            _set(container[int(key)], rest, value)
        return
    if rest:
        inner = container.setdefault(key, {})
        if not isinstance(inner, dict | list):
            inner = container[key] = {}
        _set(inner, rest, value)
        if inner == {} and key != "data":
            del container[key]
    elif value is ABSENT:
        container.pop(key, None)
    else:
        container[key] = value
