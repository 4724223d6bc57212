"""Where a person goes to mend a deployment that did not succeed."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import F, Q
from django.urls import reverse

from deployments.models import Deployment
from deployments.presentation import labels
from deployments.resources.services import KINDS
from targets.permissions import CHECK, VIEW_TARGET
from workflows.ir.reading.bindings import BINDING_ID, VARIABLE_NAME
from workflows.models import EnvironmentVariable

EDIT = "workflows.change_workflow"
_CHANGE_VARIABLE = "workflows.change_environmentvariable"
_ADD_VARIABLE = "workflows.add_environmentvariable"


@dataclass(frozen=True, slots=True)
class Link:
    """A place, and the permissions that it takes to do there what the words say."""

    words: str
    url: str
    needs: tuple[str, ...] = ()


def links(deployment: Deployment) -> list[Link]:
    """Return the places that the advice is about: the next step first."""
    make = _PLACES.get(labels.advice(deployment).place)
    return make(deployment) if make else []


def editor_url(deployment: Deployment, node_id: str = "") -> str:
    """The workflow's page in the admin, at the node; "" where the workflow is gone."""
    if not deployment.workflow_id:
        return ""
    url = reverse("admin:workflows_workflow_change", args=[deployment.workflow_id])
    return f"{url}#{urlencode({'node': node_id})}" if node_id else url


def curl(deployment: Deployment) -> str:
    """The line that starts a run over HTTP; "" where nothing public does, or its form is unknown."""
    asked = Deployment.objects.filter(pk=deployment.pk, entry_code="")
    trigger = asked.values_list("ir__trigger", flat=True).first()
    if not isinstance(trigger, dict) or trigger.get("type") != "http":
        return ""
    url = shlex.quote(deployment.worker_url + str(trigger.get("path") or "/"))
    method = str(trigger.get("method") or "POST").upper()
    return (
        f"curl -s {url}" if method == "GET" else f"curl -s -X {shlex.quote(method)} {url} -d '{{}}'"
    )


def _workflow(deployment: Deployment) -> list[Link]:
    nodes = [problem["node_id"] for problem in deployment.problems if problem.get("node_id")]
    url = editor_url(deployment, nodes[0] if nodes else "")
    return [Link(f"Edit {deployment.workflow_name}", url, (EDIT,))] if url else []


def _settings(deployment: Deployment) -> list[Link]:
    if not deployment.workflow_id:
        return []
    url = reverse("deployments:deploy_settings", args=[deployment.workflow_id])
    return [Link(f"Change the settings of {deployment.workflow_name}", url, (EDIT,))]


def _target(deployment: Deployment) -> list[Link]:
    if not deployment.target_id:
        return []
    url = reverse("admin:targets_target_change", args=[deployment.target_id])
    return [Link(f"Open the target {deployment.target_name}", url, (VIEW_TARGET,))]


def _variables(deployment: Deployment) -> list[Link]:
    """A link for each variable that is named, and one to the workflow for all the rest."""
    kinds = {problem.get("path", ""): problem.get("kind", "") for problem in deployment.problems}
    names = [path for path in kinds if VARIABLE_NAME.fullmatch(path)]
    there = dict(_known(deployment, names))
    rest = _workflow(deployment) if len(names) < len(kinds) else []
    found = (
        _resource(deployment, name, kinds[name]) or _variable(deployment, name, there.get(name))
        for name in names
    )
    return [*found, *rest]


def _resource(deployment: Deployment, variable: str, kind: str) -> Link | None:
    """Lead to the target's resources of the kind, where one is put behind the variable."""
    label = next((known.label for known in KINDS if known.value == kind), "")
    if not (label and deployment.target_id and deployment.workflow_id):
        return None
    named = {"kind": kind, "variable": variable, "workflow": deployment.workflow_id}
    url = reverse("deployments:target_resources", args=[deployment.target_id])
    query = urlencode({**named, "deployment": deployment.pk})
    words = f"Choose the {label} behind env.{variable.removesuffix(BINDING_ID)}"
    return Link(words, f"{url}?{query}", (CHECK, _CHANGE_VARIABLE))


def _known(deployment: Deployment, names: Iterable[str]) -> Iterable[tuple[str, int]]:
    """Names and keys of those that exist, the workflow's own last: it wins over the global one."""
    known = EnvironmentVariable.objects.filter(name__in=names)
    known = known.filter(Q(workflow=None) | Q(workflow=deployment.workflow_id))
    return known.order_by(F("workflow").asc(nulls_first=True)).values_list("name", "pk")


def _variable(deployment: Deployment, name: str, pk: int | None) -> Link:
    if pk:
        change = reverse("admin:workflows_environmentvariable_change", args=[pk])
        return Link(f"Change {name}", change, (_CHANGE_VARIABLE,))
    add = reverse("admin:workflows_environmentvariable_add")
    mine = {"workflow": deployment.workflow_id} if deployment.workflow_id else {}
    query = urlencode({"name": name, **mine})
    return Link(f"Set {name}", f"{add}?{query}", (_ADD_VARIABLE,))


def _output(deployment: Deployment) -> list[Link]:
    url = reverse("deployments:deployment_output", args=[deployment.pk])
    return [Link("Read the output", f"{url}#tab")]


_PLACES = {
    "target": _target,
    "workflow": _workflow,
    "settings": _settings,
    "variables": _variables,
    "output": _output,
}
