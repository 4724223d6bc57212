"""Where the value of a field is: in a node's `data`, in its `config`, or in the trigger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workflows.ir.settings.setting_field import SettingField
from workflows.node_forms.field_kinds import ABSENT

TRIGGER: Final = "trigger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A field, and the path of the value that applies."""

    field: SettingField
    path: str


def places_of(holder: Mapping[str, Any], fields: Iterable[SettingField]) -> Iterator[Place]:
    """Yield the places of the fields of a node, or of `{"trigger": ...}`."""
    for field in fields:
        yield Place(field=field, path=_path_of(holder, field))


def _path_of(holder: Mapping[str, Any], field: SettingField) -> str:
    if TRIGGER in holder:
        return f"{TRIGGER}.{field.name}"
    in_config = f"config.{field.config_path}"
    has_config = bool(field.config_path) and value_at(holder, in_config) not in (ABSENT, None)
    return in_config if has_config else f"data.{field.name}"


def value_at(holder: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path; ABSENT if there is none."""
    value: Any = holder
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return ABSENT
        value = value[key]
    return value
