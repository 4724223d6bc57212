"""Links to the pages where a person can fix an unsuccessful deployment."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.db.models import F, Q
from django.urls import reverse

from deployments.models import Deployment
from deployments.permissions import DEPLOY, ROLL_BACK, VIEW
from deployments.pipeline.stages import Action
from deployments.presentation import labels
from deployments.resources.services import KINDS
from targets.cloudflare.errors import Cause
from targets.permissions import CHECK, VIEW_TARGET
from workflows.ir.reading.bindings import BINDING_ID, VARIABLE_NAME
from workflows.models import EnvironmentVariable

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

EDIT = "workflows.change_workflow"
_CHANGE_VARIABLE = "workflows.change_environmentvariable"
_ADD_VARIABLE = "workflows.add_environmentvariable"


@dataclass(frozen=True, slots=True)
class Link:
    """A link, with the permissions that its page requires."""

    label: str
    url: str
    permissions: tuple[str, ...] = ()


def links(deployment: Deployment, user: User | AnonymousUser) -> list[Link]:
    """Return the links for the advice that this user may open, most useful first."""
    make = _BY_TOPIC.get(labels.advice(deployment).topic)
    candidates = make(deployment) if make else []
    return [link for link in candidates if user.has_perms(link.permissions)]


def editor_url(deployment: Deployment, node_id: str = "") -> str:
    """Return the workflow's admin page, at the node; "" if the workflow has been deleted."""
    if not deployment.workflow_id:
        return ""
    url = reverse("admin:workflows_workflow_change", args=[deployment.workflow_id])
    return f"{url}?{urlencode({'node': node_id})}" if node_id else url


def with_link(finding: dict[str, Any], url: str) -> dict[str, Any]:
    """Add the link to a finding's node, if a node is affected."""
    if not finding.get("node_id"):
        return finding
    return {**finding, "url": url}


def dialog_url(workflow_id: str, target_id: int | None = None, *, overwrite: bool = False) -> str:
    """Return the deploy dialog, which shows the checks and the plan."""
    query: dict[str, int] = {"target": target_id} if target_id else {}
    query |= {"overwrite": 1} if overwrite else {}
    url = reverse("deployments:deploy", args=[workflow_id])
    return f"{url}?{urlencode(query)}" if query else url


def curl(deployment: Deployment) -> str:
    """Return the shell command that starts a run over HTTP; "" if there is none or it is unknown."""
    without_own_code = Deployment.objects.filter(pk=deployment.pk, entry_code="")
    trigger = without_own_code.values_list("ir__trigger", flat=True).first()
    if not isinstance(trigger, dict) or trigger.get("type") != "http":
        return ""
    url = shlex.quote(deployment.worker_url + str(trigger.get("path") or "/"))
    method = str(trigger.get("method") or "POST").upper()
    return (
        f"curl -s {url}" if method == "GET" else f"curl -s -X {shlex.quote(method)} {url} -d '{{}}'"
    )


def repeat_link(deployment: Deployment) -> Link | None:
    """Return the page where the same rollback, retry, takedown or deletion can be repeated."""
    source, workflow, target = deployment.about_id, deployment.workflow_id, deployment.target_id
    if not workflow or not target:
        return None
    match deployment.work:
        case Action.ROLLBACK if source:
            url = reverse("deployments:rollback", args=[source])
            return Link(f"Roll back to #{source} again", url, (ROLL_BACK,))
        case Action.RETRY if source:
            url = reverse("deployments:deployment", args=[source])
            return Link(f"Retry failed parts of #{source}", url, (DEPLOY,))
        case Action.TAKEDOWN:
            url = _target_url("deployments:take_down", workflow, target)
            return Link("Take it down again", url, (ROLL_BACK,))
        case Action.DELETE_SECRETS:
            url = _target_url("deployments:secrets", workflow, target)
            return Link("See which secrets are left", url, (DEPLOY,))
    return None


def _target_url(name: str, workflow_id: str, target_id: int) -> str:
    return f"{reverse(name, args=[workflow_id])}?{urlencode({'target': target_id})}"


def _repeat(deployment: Deployment) -> list[Link]:
    link = repeat_link(deployment)
    return [link] if link else []


def _live(deployment: Deployment) -> list[Link]:
    """Someone else changed the Worker: show it first, and offer to overwrite it."""
    workflow, target = deployment.workflow_id, deployment.target_id
    if not workflow or not target:
        return []
    live = Link("See what is live", _target_url("deployments:live", workflow, target), (VIEW,))
    if deployment.cause != Cause.CHANGED:
        return [live]
    dialog = dialog_url(workflow, target, overwrite=True)
    return [live, Link("Deploy and overwrite", dialog, (DEPLOY,))]


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
    """Return a link per variable in the problems, and one to the workflow for other problems."""
    kinds = {problem.get("path", ""): problem.get("kind", "") for problem in deployment.problems}
    names = [path for path in kinds if VARIABLE_NAME.fullmatch(path)]
    keys = dict(_variable_keys(deployment, names))
    rest = _workflow(deployment) if len(names) < len(kinds) else []
    variables = (
        _resource(deployment, name, kinds[name]) or _variable(deployment, name, keys.get(name))
        for name in names
    )
    return [*variables, *rest]


def _resource(deployment: Deployment, variable: str, kind: str) -> Link | None:
    """Return the resource picker for the variable, if resources of this kind can be picked."""
    label = next((item.label for item in KINDS if item.value == kind), "")
    if not (label and deployment.target_id and deployment.workflow_id):
        return None
    named = {"kind": kind, "variable": variable, "workflow": deployment.workflow_id}
    url = reverse("deployments:target_resources", args=[deployment.target_id])
    query = urlencode({**named, "deployment": deployment.pk})
    text = f"Choose the {label} for env.{variable.removesuffix(BINDING_ID)}"
    return Link(text, f"{url}?{query}", (CHECK, _CHANGE_VARIABLE))


def _variable_keys(deployment: Deployment, names: Iterable[str]) -> Iterable[tuple[str, int]]:
    """Return names and keys of existing variables; the workflow's own follow the global ones."""
    existing = EnvironmentVariable.objects.filter(name__in=names)
    existing = existing.filter(Q(workflow=None) | Q(workflow=deployment.workflow_id))
    return existing.order_by(F("workflow").asc(nulls_first=True)).values_list("name", "pk")


def _variable(deployment: Deployment, name: str, pk: int | None) -> Link:
    if pk:
        change = reverse("admin:workflows_environmentvariable_change", args=[pk])
        return Link(f"Change {name}", change, (_CHANGE_VARIABLE,))
    add = reverse("admin:workflows_environmentvariable_add")
    workflow = {"workflow": deployment.workflow_id} if deployment.workflow_id else {}
    query = urlencode({"name": name, **workflow})
    return Link(f"Set {name}", f"{add}?{query}", (_ADD_VARIABLE,))


def _output(deployment: Deployment) -> list[Link]:
    url = reverse("deployments:deployment_output", args=[deployment.pk])
    return [Link("Read the output", f"{url}#tab")]


_BY_TOPIC = {
    "target": _target,
    "workflow": _workflow,
    "settings": _settings,
    "variables": _variables,
    "output": _output,
    "live": _live,
    "repeat": _repeat,
}
