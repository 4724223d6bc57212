"""The labels of fields, as people see them, for a path in the settings of a node or trigger."""

from __future__ import annotations

from collections.abc import Iterable

from workflows.ir.settings.setting_field import FieldKind, SettingField


def labels_at(fields: Iterable[SettingField], path: str) -> tuple[str, ...]:
    """Return the labels that lead to a path, such as "Arm 1" and "Condition".

    The path starts with `data`, `config` or `trigger`. The label of an undeclared part is its key.
    """
    root, _, rest = path.partition(".")
    if not rest:
        return (root,) if root and root != "trigger" else ()
    for field in fields:
        key = field.config_path if root == "config" else field.name
        if key and (rest == key or rest.startswith(f"{key}.")):
            return tuple(_inside(field, rest.removeprefix(key).removeprefix(".")))
    return (rest,)


def _inside(field: SettingField, rest: str) -> Iterable[str]:
    index, _, name = rest.partition(".")
    if field.kind is not FieldKind.LIST or not index.isdecimal():
        yield from (part for part in (field.label, rest) if part)
        return
    yield f"{field.label.removesuffix('s')} {int(index) + 1}"
    if name:
        yield next((item.label for item in field.items if item.name == name), name)
