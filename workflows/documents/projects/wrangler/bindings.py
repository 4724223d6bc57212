"""The bindings and the Workflows in a wrangler configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from workflows.documents.projects.wrangler.binding_keys import SECTIONS, BindingSection
from workflows.documents.projects.wrangler.bounds import Path
from workflows.documents.projects.wrangler.names import EnvNames, is_identifier
from workflows.documents.projects.wrangler.source import Source
from workflows.ir.document.cron import cron_errors
from workflows.ir.reading.bindings import BindingKind
from workflows.ir.reading.problems import quoted

_WORKFLOW_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_WORKFLOW_NAME_RULE: Final = (
    "must have 1-64 letters, digits, underscores or hyphens, and must not start with a hyphen"
)
_BUCKET_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_OWN_SETTINGS: Final = ("limits", "concurrency", "schedules", "default_retention", "jurisdiction")
_ITSELF: Final = "is the Worker itself, which has another name on each target: call its code directly, or use `ctx.exports`"
_MAX_STEPS: Final = 25_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectBinding:
    """A binding of the project's Worker; `resource` is an id or a name, "" if the file has none.

    `class_name` and `script` are set for Workflows of other Workers. `settings` are other keys of the
    entry that wrangler needs, such as the `entrypoint` of a service.
    """

    name: str
    kind: BindingKind
    resource: str = ""
    class_name: str = ""
    script: str = ""
    line: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectWorkflow:
    """A Workflow of the project's Worker: its name, the class that implements it, and its binding.

    `settings` are the other keys of the entry: `limits`, `concurrency`, `default_retention`,
    `jurisdiction`, and `schedules`, which is always a list.
    """

    name: str
    binding: str
    class_name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0
    class_line: int = field(default=0, compare=False)


def read_bindings(
    source: Source, config: Mapping[str, Any], names: EnvNames
) -> list[ProjectBinding]:
    """Return the bindings, except those to Workflows; problems are reported to the source."""
    found = [
        _binding(source, section, path, entry)
        for path, section, entry in _entries(config)
        if section.name in entry
    ]
    for path, section, entry in _entries(config):
        if section.name in entry:
            names.add_binding(entry[section.name], (*path, section.name))
        if section.kind is BindingKind.SERVICE and _is_own(entry.get("service"), config):
            source.problem((*path, "service"), _ITSELF)
    return found


def _is_own(worker: str | None, config: Mapping[str, Any]) -> bool:
    """Whether this is the name of the project's Worker in the file, which is not its name on targets."""
    return worker is not None and worker == config.get("name")


def _entries(config: Mapping[str, Any]) -> Iterator[tuple[Path, BindingSection, Mapping[str, Any]]]:
    """Yield each entry with its path and section."""
    for key, section in SECTIONS.items():
        entries = config.get(key, [])
        if isinstance(entries, Mapping):
            yield (key,), section, entries
        else:
            yield from (((key, index), section, entry) for index, entry in enumerate(entries))
    producers = config.get("queues", {}).get("producers", [])
    queues = BindingSection(kind=BindingKind.QUEUE, resource="queue")
    for index, entry in enumerate(producers):
        yield ("queues", "producers", index), queues, entry


def _binding(
    source: Source, section: BindingSection, path: Path, entry: Mapping[str, Any]
) -> ProjectBinding:
    resource = entry.get(section.resource, "")
    if section.resource in entry and not resource:
        source.problem((*path, section.resource), "must not be empty: remove it, or write a value")
    if section.kind is BindingKind.R2 and resource and not _BUCKET_NAME.fullmatch(resource):
        source.problem(
            (*path, section.resource),
            "must have 3-63 lowercase letters, digits and hyphens, and must start and end with a letter or "
            f"digit, not {quoted(resource)}",
        )
    if "destination_address" in entry and "allowed_destination_addresses" in entry:
        source.problem(
            path, "can have destination_address or allowed_destination_addresses, not both"
        )
    return ProjectBinding(
        name=entry[section.name],
        kind=section.kind,
        resource=resource,
        line=source.line_of((*path, section.name)),
        settings={key: entry[key] for key in section.extra if key in entry},
    )


def read_workflows(
    source: Source, config: Mapping[str, Any], names: EnvNames
) -> tuple[list[ProjectWorkflow], list[ProjectBinding]]:
    """Return the Workflows of this Worker, and the bindings to those of others."""
    own: list[ProjectWorkflow] = []
    others: list[ProjectBinding] = []
    taken: set[str] = set()
    for index, entry in enumerate(config.get("workflows", [])):
        path: Path = ("workflows", index)
        if not all(key in entry for key in ("name", "binding", "class_name")):
            continue  # reported as missing
        _check_entry(source, path, entry)
        names.add_binding(entry["binding"], (*path, "binding"))
        if entry["name"] in taken:
            source.problem(
                (*path, "name"), f"{quoted(entry['name'])} is declared twice: rename one"
            )
        taken.add(entry["name"])
        if "script_name" in entry and not _is_own(entry["script_name"], config):
            others.append(_other(source, path, entry))
        else:
            own.append(_own(source, path, entry))
    if not own:
        source.problem(
            ("workflows",),
            "must declare a Workflow of this Worker: its name, binding and class_name",
        )
    return own, others


def _check_entry(source: Source, path: Path, entry: Mapping[str, Any]) -> None:
    if not _WORKFLOW_NAME.fullmatch(entry["name"]):
        source.problem((*path, "name"), f"{_WORKFLOW_NAME_RULE}, not {quoted(entry['name'])}")
    if not is_identifier(entry["class_name"]):
        source.problem(
            (*path, "class_name"), f"must be the name of a class, not {quoted(entry['class_name'])}"
        )


def _other(source: Source, path: Path, entry: Mapping[str, Any]) -> ProjectBinding:
    for key in _OWN_SETTINGS:
        if key in entry:
            message = f"belongs to the Worker {quoted(entry['script_name'])}: set it there, and remove it here"
            source.problem((*path, key), message)
    return ProjectBinding(
        name=entry["binding"],
        kind=BindingKind.WORKFLOW,
        resource=entry["name"],
        class_name=entry["class_name"],
        script=entry["script_name"],
        line=source.line_of((*path, "binding")),
    )


def _own(source: Source, path: Path, entry: Mapping[str, Any]) -> ProjectWorkflow:
    settings = {key: entry[key] for key in _OWN_SETTINGS if key in entry}
    if "schedules" in settings:
        settings["schedules"] = _schedules(source, (*path, "schedules"), settings["schedules"])
    steps = settings.get("limits", {}).get("steps")
    _check_whole(source, (*path, "limits", "steps"), steps, most=_MAX_STEPS)
    limit = settings.get("concurrency", {}).get("limit")
    _check_whole(source, (*path, "concurrency", "limit"), limit)
    for key, value in settings.get("default_retention", {}).items():
        _check_retention(source, (*path, "default_retention", key), value)
    return ProjectWorkflow(
        name=entry["name"],
        binding=entry["binding"],
        class_name=entry["class_name"],
        settings=settings,
        line=source.line_of((*path, "name")),
        class_line=source.line_of((*path, "class_name")),
    )


def _schedules(source: Source, path: Path, value: str | list[str]) -> list[str]:
    schedules = [value] if isinstance(value, str) else value
    if not schedules:
        source.problem(path, "must not be empty: remove it")
    for index, schedule in enumerate(schedules):
        for error in cron_errors(" ".join(schedule.split())):
            item = path if isinstance(value, str) else (*path, index)
            source.problem(item, f"{quoted(schedule)}: {error}")
    return schedules


def _check_whole(source: Source, path: Path, value: Any, *, most: int | None = None) -> None:
    if value is None:
        return
    if not isinstance(value, int) or value < 1 or (most and value > most):
        rule = f"from 1 to {most:,}" if most else "of at least 1"
        source.problem(path, f"must be a whole number {rule}, not {quoted(value)}")


def _check_retention(source: Source, path: Path, value: Any) -> None:
    is_usable = bool(value) if isinstance(value, str) else isinstance(value, int) and value > 0
    if not is_usable:
        source.problem(
            path, f'must be milliseconds or a duration such as "3 days", not {quoted(value)}'
        )
