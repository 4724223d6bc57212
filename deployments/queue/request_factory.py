"""Builds the pipeline's requests from a deployment's snapshot and the record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from audit.encrypted_fields import UnreadableSecret
from deployments.history import records
from deployments.models import Deployment
from deployments.pipeline.config import bindings
from deployments.pipeline.ports import DeployRequest
from deployments.pipeline.worker_changes import ChangeRequest
from targets.cloudflare.errors import Cause, DeployError
from workflows.documents.projects.config import ProjectConfig, read_config
from workflows.ir.deploy.deploy_settings import read_settings
from workflows.models import Workflow
from workflows.nodes.library.registry import secret_variables
from workflows.services import Variable, effective_variables

WORKFLOW_DELETED = "The workflow has been deleted. Nothing was uploaded."


def deploy_request(deployment: Deployment) -> DeployRequest:
    """Return the request for the deployment's snapshot with the workflow's current variables.

    Raises DeployError if the workflow has been deleted or a variable's value cannot be read.
    """
    require_workflow(deployment)
    project = read_config(deployment.files) if deployment.files else None
    return DeployRequest(
        ir=deployment.ir,
        entry_code=deployment.entry_code,
        dependencies=deployment.dependencies,
        class_name=deployment.class_name,
        worker_name=deployment.worker_name,
        variables=variables_for(deployment.workflow),
        bindings=bindings_of(project) if project else deployment.bindings,
        node_types=deployment.node_types,
        settings=project.settings if project else read_settings(deployment.deploy_settings),
        previous_triggers=records.previous_triggers(deployment),
        known_version=records.known_version(deployment.workflow_public_id, deployment.target_id),
        known_tags=records.version_tags(deployment.workflow_public_id),
        overwrite=deployment.overwrite,
        files=deployment.files,
        project=project,
    )


def bindings_of(project: ProjectConfig) -> dict[str, str]:
    """Return the kinds of the bindings in a project's configuration, by name."""
    return {binding.name: binding.kind.value for binding in project.bindings}


def variables_for(workflow: Workflow | None) -> dict[str, Variable]:
    """Return the current variables; raises DeployError naming those that cannot be read."""
    try:
        return effective_variables(workflow)
    except UnreadableSecret as unreadable:
        raise DeployError(str(unreadable), cause=Cause.ENVIRONMENT) from None


def secret_values(
    variables: Mapping[str, bindings.Variable], node_types: Iterable[Mapping[str, Any]]
) -> tuple[str, ...]:
    """Return the values to redact, including variables that only a node type declares secret."""
    names = secret_variables(node_types)
    secret = (item for item in variables.values() if item.is_secret or item.name in names)
    return tuple(item.value for item in secret)


def change_request(deployment: Deployment) -> ChangeRequest:
    """Return the request for a rollback, retry, takedown or deletion of secrets."""
    source = deployment.about
    return ChangeRequest(
        worker_name=deployment.worker_name,
        record=records.record_of(source) if source else None,
        failed=records.failed_parts(source) if source else (),
        secrets=tuple(deployment.secret_names),
        used_secrets=_used_secrets(deployment),
        previous_triggers=records.previous_triggers(deployment),
    )


def _used_secrets(deployment: Deployment) -> frozenset[str]:
    """Return the names of the secrets set by the live deployment."""
    live = records.live(deployment.workflow_public_id, deployment.target_id)
    return frozenset(live.secret_names) if live else frozenset()


def require_workflow(deployment: Deployment) -> None:
    """Raise DeployError if the workflow was deleted: nothing could manage its Worker afterwards."""
    if not Workflow.objects.filter(pk=deployment.workflow_id).exists():
        raise DeployError(WORKFLOW_DELETED)
