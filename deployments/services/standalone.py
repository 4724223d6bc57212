"""Files that deploy a workflow without AwaitStep, and turning a graph into a project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from django.db import transaction

from audit.trail import Actor
from deployments.pipeline.ports import DeployRequest
from deployments.pipeline.standalone import (
    MAIN,
    PACKAGE,
    README,
    Called,
    Standalone,
    files_of_graph,
    package_json,
    readme,
)
from deployments.queue.request_factory import variables_for
from targets.cloudflare.naming import worker_name
from targets.policy import Refused
from toolchain.node_tools import pinned_versions
from workflows import audit_entries
from workflows.codegen.module.program import GENERATED
from workflows.documents.archive.writing import zipped
from workflows.documents.projects.config import read_config
from workflows.documents.projects.files import ProjectFiles, file_bytes
from workflows.ir.deploy.deploy_settings import read_settings
from workflows.ir.document.kinds import project_document
from workflows.models import ARCHIVED, Workflow, WorkflowVersion
from workflows.node_types.registered import snapshot
from workflows.services import check_draft, save_checked

_TOOLS: Final = ("@cloudflare/workers-types", "typescript", "wrangler")
_IS_PROJECT: Final = "is already a project."
_CHANGED: Final = (
    "The draft was changed in the meantime. Look at it, then turn it into a project again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A zip file and its name."""

    file_name: str
    data: bytes


def download(version: WorkflowVersion, *, has_values: bool, by: Actor) -> Download:
    """Return a zip with which `npm install && npx wrangler deploy` deploys the version elsewhere.

    It has no secret, and the current plain variables and ids of resources only if `has_values`. Raises
    DeployError with every problem in a document that cannot be compiled.
    """
    workflow = version.workflow
    request, about = _request(version), _about(workflow, has_values=has_values)
    files = dict(version.files) or files_of_graph(request, about)
    files.setdefault(PACKAGE, package_json(about, {}))
    files.setdefault(README, readme(request, about, is_project=bool(version.files)))
    entries = [(path, file_bytes(files, path)) for path in sorted(files)]
    audit_entries.record_version("version downloaded", version, by=by, files=len(files))
    name = f"{workflow.pk}-v{version.number}.zip"
    return Download(file_name=name, data=zipped(entries))


def ejected_files(workflow: Workflow) -> ProjectFiles:
    """Return the files that the draft of a graph becomes.

    Raises DeployError with every problem in the document, and Refused for a project.
    """
    if workflow.is_project:
        raise Refused(f"{workflow.name} {_IS_PROJECT}")
    draft = WorkflowVersion(workflow=workflow, **workflow.content)
    files = files_of_graph(_request(draft), _about(workflow, has_values=False))
    head, _, code = str(files[MAIN]).partition("\n")
    return {**files, MAIN: code.lstrip("\n")} if head.endswith(GENERATED) else files


def eject(workflow: Workflow, *, by: Actor) -> WorkflowVersion:
    """Turn a graph into a project with its generated code; this cannot be undone.

    Versions, deployments, runs and variables stay. Raises DeployError with every problem in the document,
    and Refused for a project, an archived workflow, or a draft that is changed at the same time.
    """
    if workflow.is_archived:
        raise Refused(ARCHIVED)
    revision, files = workflow.draft_revision, ejected_files(workflow)
    if by.user is not None:
        _keep_draft(workflow, by=by)
    workflow.ir, workflow.files = project_document(workflow.name), files
    workflow.entry_code, workflow.deploy_settings, workflow.tests = "", {}, []
    draft = check_draft(workflow)
    with transaction.atomic():
        workflow.lock()
        current = Workflow.objects.filter(pk=workflow.pk, archived_at=None)
        if not current.filter(draft_revision=revision).exists():
            raise Refused(_CHANGED)
        workflow.declared_bindings.all().delete()
        version = save_checked(draft, by=by.user, note="Ejected: the files are the generated code.")
        workflow.draft_changes.all().delete()
        audit_entries.record_version("workflow ejected", version, by=by)
    return version


def _keep_draft(workflow: Workflow, *, by: Actor) -> None:
    """Save the graph as a version first, so that it can still be read."""
    with transaction.atomic():
        save_checked(check_draft(workflow), by=by.user, note="The last version of the graph.")


def _request(version: WorkflowVersion) -> DeployRequest:
    workflow = version.workflow
    project = read_config(version.files) if version.files else None
    return DeployRequest(
        ir=version.ir,
        entry_code=version.entry_code,
        dependencies=version.dependencies,
        class_name=workflow.class_name,
        worker_name=worker_name(workflow.pk),
        variables=variables_for(workflow),
        bindings=version.bindings,
        node_types=snapshot(version.ir),
        settings=project.settings if project else read_settings(version.deploy_settings),
        files=version.files,
        project=project,
    )


def _about(workflow: Workflow, *, has_values: bool) -> Standalone:
    return Standalone(
        name=workflow.name, tools=_tool_versions(), has_values=has_values, called=_called
    )


@cache
def _tool_versions() -> Mapping[str, str]:
    versions = pinned_versions()
    return {name: versions[name] for name in _TOOLS}


def _called(name: str) -> Called:
    """Return the Worker of one of our workflows by its id, or of any other Worker by its name."""
    workflow = Workflow.objects.filter(pk=name).only("class_name", "ir", "files").first()
    if workflow is None:
        return Called(worker=name, workflow="", class_name="")
    worker = worker_name(workflow.pk)
    if workflow.is_project:
        first = next(iter(read_config(workflow.files).workflows), None)
        return Called(
            worker=worker,
            workflow=first.name if first else "",
            class_name=first.class_name if first else "",
        )
    return Called(worker=worker, workflow=worker, class_name=workflow.class_name)
