"""Exports the drafts of workflows as an archive, without the values of variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.db import transaction

from audit.trail import Actor
from workflows import audit_entries
from workflows.codegen.analysis.code_reader import NameUse
from workflows.codegen.module.generate import read
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.codegen.module.templates import Templates
from workflows.documents.archive.content import (
    MAX_WORKFLOWS,
    Archive,
    TypeContent,
    WorkflowContent,
)
from workflows.documents.archive.layout import folder_for, in_folders
from workflows.documents.archive.writing import files_of, zipped
from workflows.documents.archive.zip_files import MAX_ARCHIVE, MAX_CONTENT, MAX_FILES
from workflows.ir.document.model import Node
from workflows.ir.reading.bindings import (
    BINDING_ID,
    OWN_WORKFLOW,
    VARIABLE,
    BindingKind,
    resolve,
)
from workflows.ir.reading.fields import Code
from workflows.ir.reading.problems import listed, quoted
from workflows.ir.validation.validate import compact
from workflows.models import Workflow
from workflows.node_types.registered import contents_of, pins, types_for
from workflows.nodes.documents import parse

_SECRET: Final = "secret"  # noqa: S105 - a kind of variable
_TOO_MANY: Final = f"An export can contain at most {MAX_WORKFLOWS} workflows. Choose fewer."
_TOO_LARGE: Final = (
    f"These workflows are larger than {MAX_CONTENT // 1024 // 1024} MB in total, or larger than "
    f"{MAX_ARCHIVE // 1024 // 1024} MB as a zip file. Export fewer of them together."
)


class NotExported(Exception):
    """The workflows cannot be exported together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A zip file and a name for it."""

    file_name: str
    data: bytes


def export(workflows: Iterable[Workflow], *, by: Actor) -> Export:
    """Return the drafts as one zip file that can be imported, and record it in the audit trail.

    Raises NotExported.
    """
    rows = sorted(workflows, key=lambda workflow: (workflow.created_at, workflow.pk))
    if projects := [quoted(workflow.name) for workflow in rows if workflow.is_project]:
        raise NotExported(_projects(projects))
    if len(rows) > MAX_WORKFLOWS:
        raise NotExported(_TOO_MANY)
    data = _zip_of(rows)
    with transaction.atomic():
        for workflow in rows:
            audit_entries.record_workflow("workflow exported", workflow, by=by)
    name = folder_for(rows[0].name) if len(rows) == 1 else "workflows"
    return Export(file_name=f"{name}.awaitstep.zip", data=data)


def _projects(names: Sequence[str]) -> str:
    what = "is a project, which" if len(names) == 1 else "are projects, which"
    return (
        f"{listed(names)} {what} cannot be exported here: download a version of it on the page of the "
        "version. import_project imports that zip again."
    )


def _zip_of(rows: Sequence[Workflow]) -> bytes:
    """Return the zip file; workflows that are too large are refused before their code is read."""
    if sum(map(_size, rows)) > MAX_CONTENT:
        raise NotExported(_TOO_LARGE)
    files = list(files_of(archive_of(rows)))
    if len(files) > MAX_FILES or sum(len(data) for _, data in files) > MAX_CONTENT:
        raise NotExported(_TOO_LARGE)
    data = zipped(files)
    if len(data) > MAX_ARCHIVE:
        raise NotExported(_TOO_LARGE)
    return data


def _size(workflow: Workflow) -> int:
    """Return the size of what can be large, without the whitespace that an export adds."""
    return len(workflow.entry_code) + sum(
        len(compact(part)) for part in (workflow.ir, workflow.tests)
    )


def archive_of(workflows: Iterable[Workflow]) -> Archive:
    """Return the content of the workflows, and the node types that they use."""
    rows = list(workflows)
    contents = {workflow.pk: content_of(workflow) for workflow in rows}
    used = {pin for workflow in rows for pin in pins(workflow.ir)}
    return Archive(
        workflows=in_folders(contents),
        types=tuple(
            TypeContent(id=id_, version=version, **content)
            for (id_, version), content in contents_of(used).items()
        ),
    )


def content_of(workflow: Workflow) -> WorkflowContent:
    """Return the draft of a workflow."""
    return WorkflowContent(
        name=workflow.name,
        description=workflow.description,
        document=workflow.ir,
        entry_code=workflow.entry_code,
        dependencies=dict(sorted(workflow.dependencies.items())),
        bindings=dict(sorted(workflow.bindings.items())),
        deploy_settings=workflow.deploy_settings,
        tests=workflow.tests,
        variables=_variables(workflow),
    )


def _variables(workflow: Workflow) -> dict[str, str]:
    """Return the names of `env` that the code uses, with their kinds.

    The kind does not depend on the variables that are set here, so that it is the same everywhere.
    """
    kinds: dict[str, str] = {}
    bindings = workflow.bindings
    for use in _uses(workflow):
        if use.name not in bindings and use.name != OWN_WORKFLOW:
            kinds[use.name] = _kind(use, known=kinds.get(use.name))
    return {name: kinds[name] for name in sorted(kinds) if not name.endswith(BINDING_ID)}


def _kind(use: NameUse, *, known: str | None) -> str:
    """Return the kind that a use requires; otherwise the known one, or what the name says."""
    if use.is_secret:
        return _SECRET
    kind = use.kind or (None if known else resolve(use.name, declared={}, variables=()))
    return kind.value if isinstance(kind, BindingKind) else known or VARIABLE


def _uses(workflow: Workflow) -> Mapping[NameUse, None]:
    """Return the uses of `env` in the code and in templates; the draft need not be valid."""
    nodes = [_with_env(node) for node in parse(workflow.ir, types_for(workflow.ir)).nodes]
    settings = ModuleSettings(
        class_name=workflow.class_name,
        workflow_binding=OWN_WORKFLOW,
        entry_code=workflow.entry_code,
        dependencies=workflow.dependencies,
    )
    reader, _ = read(nodes, settings)
    templates = Templates(nodes, variables=frozenset(), dependencies=workflow.dependencies)
    return {**reader.uses, **templates.uses}


def _with_env(node: Node) -> Node:
    """Return the node without the code that cannot use `env`, because parsing it takes long."""
    fields = node.fields
    used = tuple(each for each in fields if not isinstance(each, Code) or "env" in each.source)
    return node if len(used) == len(fields) else replace(node, fields=used)
