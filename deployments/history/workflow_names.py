"""The names of Workflows on a target, and the workflows that they belong to.

The Workflow of a graph has the name of its Worker, which contains the workflow's id. A project
names its Workflows itself.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping

from deployments.models import Deployment, ProjectWorkflow
from targets.cloudflare import naming
from targets.cloudflare.errors import DeployError
from targets.cloudflare.worker_parts import parse_triggers
from workflows.ir.document.kinds import PROJECT, SCRIPT
from workflows.ir.reading.problems import listed, quoted


class NoWorkflow(DeployError):
    """A deployment does not have the Workflow that was asked for."""


def owner_of(target_id: int | None, name: str) -> str:
    """Return the id of the workflow that has this Workflow; the name itself if it is not ours."""
    return owners(target_id, [name])[name]


def owners(target_id: int | None, names: Collection[str]) -> dict[str, str]:
    """Return the same for several Workflows of a target, by name."""
    found = {name: naming.workflow_id(name) for name in names}
    named = [name for name in names if not name.startswith(naming.PREFIX)]
    if named:
        rows = ProjectWorkflow.objects.filter(target=target_id, name__in=named)
        found |= dict(rows.values_list("name", "workflow_public_id"))
    return found


def of_deployment(deployment: Deployment) -> dict[str, str]:
    """Return the classes of the Workflows that a deployment runs, by name; a script has none."""
    kind = deployment.ir.get("kind")
    if kind == PROJECT:
        return parse_triggers(json.loads(deployment.wrangler_json or "{}")).classes
    return {} if kind == SCRIPT else {deployment.worker_name: deployment.class_name}


def choose(deployment: Deployment, name: str = "") -> str:
    """Return the name of one of the deployment's Workflows; the first one if none is named.

    Raises NoWorkflow if it has no such Workflow.
    """
    names = list(of_deployment(deployment))
    if name and name not in names:
        has = f"it has {listed(names)}" if names else "it has none"
        raise NoWorkflow(f"{deployment.workflow_name} has no Workflow {quoted(name)}: {has}.")
    if not names:
        raise NoWorkflow(f"{deployment.workflow_name} has no Workflow, so it has no runs.")
    return name or names[0]


def of_projects(live: Iterable[tuple[int, str]]) -> dict[tuple[int, str], frozenset[str]]:
    """Return the names of the Workflows of projects; `live` has their targets and ids."""
    names: dict[tuple[int, str], frozenset[str]] = {pair: frozenset() for pair in live}
    if not names:
        return names
    ids = {workflow_id for _, workflow_id in names}
    rows = ProjectWorkflow.objects.filter(workflow_public_id__in=ids)
    for target, id_, name in rows.values_list("target", "workflow_public_id", "name"):
        if (target, id_) in names:
            names[target, id_] |= {name}
    return names


def of_project(workflow_id: str) -> list[str]:
    """Return the names of all Workflows that a project has or had on any target."""
    rows = ProjectWorkflow.objects.filter(workflow_public_id=workflow_id).order_by("name")
    return list(dict.fromkeys(rows.values_list("name", flat=True)))


def remember(deployment: Deployment, workflows: Mapping[str, str]) -> None:
    """Note that the project's Workflows, by name, belong to its workflow from now on."""
    for name, class_name in workflows.items():
        ProjectWorkflow.objects.update_or_create(
            target=deployment.target,
            name=name,
            defaults={
                "workflow_public_id": deployment.workflow_public_id,
                "class_name": class_name,
            },
        )
