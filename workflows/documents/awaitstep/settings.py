"""Settings that AwaitStep's documents write in another form."""

from __future__ import annotations

from typing import Any, Final

from workflows.documents.awaitstep.rewrites import Log
from workflows.ir.document.registry import Registry
from workflows.ir.reading.references import references_in
from workflows.ir.settings.setting_field import FieldKind, SettingField

_BARE: Final = "env."


def rewrite_settings(item: dict[str, Any], types: Registry, log: Log) -> None:
    """Change the settings in the JSON of a node."""
    id_, data = item.get("id"), item.get("data")
    if not isinstance(id_, str) or not isinstance(data, dict):
        return
    match item.get("type"):
        case "branch":
            _else_last(id_, data, log)
        case "sub_workflow":
            _other_worker(id_, data, log)
        case str() as name:
            _custom(id_, data, _fields(types, name, item.get("version")), log)


def take_inline(item: dict[str, Any], log: Log) -> bool:
    """Remove the mark of an inline step, and return whether it was one."""
    id_, data = item.get("id"), item.get("data")
    if item.get("type") != "step" or not isinstance(data, dict) or not isinstance(id_, str):
        return False
    if data.get("inline") is not True:
        return False
    del data["inline"]
    log.changed(id_, "data.inline", "inline", "a durable step")
    return True


def _else_last(id_: str, data: dict[str, Any], log: Log) -> None:
    """Move the arm without a condition to the end, where it is the else arm."""
    arms = data.get("branches")
    if not isinstance(arms, list) or not all(isinstance(arm, dict) for arm in arms):
        return
    empty = [at for at, arm in enumerate(arms) if not _has_condition(arm)]
    if len(empty) == 1 and empty[0] != len(arms) - 1:
        arm = arms.pop(empty[0])
        arms.append(arm)
        log.changed(
            id_, "data.branches", f"{arm.get('label')} without a condition", "the last arm: else"
        )


def _has_condition(arm: dict[str, Any]) -> bool:
    condition = arm.get("condition")
    return condition is not None and condition != "" and bool(str(condition).strip())


def _other_worker(id_: str, data: dict[str, Any], log: Log) -> None:
    """Name the Worker and the class of a workflow that is not one of ours."""
    worker, class_ = data.get("workflowId"), data.get("workflowName")
    if not isinstance(class_, str) or not class_ or data.get("className"):
        return
    if data.get("scriptName") or not isinstance(worker, str) or not worker:
        return
    del data["workflowId"], data["workflowName"]
    data.update(scriptName=worker, className=class_)
    log.changed(id_, "data.workflowId", worker, f"scriptName: {worker}")
    log.changed(id_, "data.workflowName", class_, f"className: {class_}")


def _fields(types: Registry, name: str, version: object) -> tuple[SettingField, ...]:
    type_ = types.versions(name).get(version) if isinstance(version, str) else None
    return type_.fields if type_ and type_.custom else ()


def _custom(id_: str, data: dict[str, Any], fields: tuple[SettingField, ...], log: Log) -> None:
    """Turn `env.X` into references, and leave out secrets that a variable holds."""
    for field in fields:
        value = data.get(field.name)
        if not isinstance(value, str):
            continue
        name = _variable(value.strip())
        if name and field.kind is FieldKind.SECRET:
            del data[field.name]
            log.changed(id_, f"data.{field.name}", value, f"the secret {field.variable}")
            if name != field.variable:
                log.warn(
                    id_,
                    f"data.{field.name}",
                    f"read the secret {name} in AwaitStep, but the node type reads {field.variable}: set "
                    "that secret to the same value",
                )
        elif name and value.startswith(_BARE) and _is_text(field):
            data[field.name] = f"{{{{ env.{name} }}}}"
            log.changed(id_, f"data.{field.name}", value, data[field.name])


def _is_text(field: SettingField) -> bool:
    return field.takes_references and field.kind is not FieldKind.CODE


def _variable(value: str) -> str:
    """Return the variable that the whole text names, as `env.X` or as a reference; "" for other text."""
    references = references_in(value)
    if len(references) == 1 and references[0].end - references[0].start == len(value):
        root, path = references[0].root, references[0].path
        return str(path[0]) if root == "env" and len(path) == 1 else ""
    if value.startswith("${") and value.endswith("}"):
        value = value[2:-1].strip()
    name = value.removeprefix(_BARE)
    is_name = name != value and name.isascii() and name.isidentifier()
    return name if is_name and name == name.upper() else ""
