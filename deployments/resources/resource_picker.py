"""What the resources page was opened for: a kind, or a resource to choose for a variable."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import Http404, QueryDict
from django.urls import reverse

from deployments.models import Deployment
from deployments.resources.services import KINDS
from targets.models import Target
from web.converters import read_key
from workflows.ir.reading.bindings import BINDING_ID, VARIABLE_NAME, BindingKind
from workflows.models import Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChoice:
    """The kind to list; with a variable, what the resource is chosen for and where to return to."""

    kind: BindingKind
    variable: str = ""
    workflow: Workflow | None = None
    deployment: Deployment | None = None

    @property
    def binding(self) -> str:
        """The name of the binding in the Worker's env."""
        return self.variable.removesuffix(BINDING_ID)

    @property
    def query(self) -> str:
        """The same as a URL query."""
        query = {"kind": self.kind.value}
        if self.variable and self.workflow:
            query |= {"variable": self.variable, "workflow": self.workflow.pk}
        if self.deployment:
            query["deployment"] = str(self.deployment.pk)
        return urlencode(query)

    @property
    def back(self) -> str:
        """The page that opened the picker."""
        if self.deployment:
            return self.deployment.get_absolute_url()
        if self.workflow is None:
            return ""
        return reverse("deployments:workflow_variables", args=[self.workflow.pk])


def read_choice(query: QueryDict) -> ResourceChoice:
    """Parse a URL query; raises Http404 if it is invalid."""
    value = query.get("kind", KINDS[0].value)
    kind = next((kind for kind in KINDS if kind.value == value), None)
    if kind is None:
        raise Http404("There is no such kind of resource.")
    variable = query.get("variable", "")
    if not variable:
        return ResourceChoice(kind=kind)
    if not VARIABLE_NAME.fullmatch(variable) or not variable.endswith(BINDING_ID):
        raise Http404("The variable cannot name a resource.")
    workflow = Workflow.objects.only("name").filter(pk=query.get("workflow", "")).first()
    if workflow is None:
        raise Http404("There is no such workflow.")
    return ResourceChoice(
        kind=kind,
        variable=variable,
        workflow=workflow,
        deployment=_deployment(query.get("deployment", ""), workflow),
    )


def _deployment(pk: str, workflow: Workflow) -> Deployment | None:
    deployments = Deployment.objects.only("workflow_id", "target_id").filter(workflow=workflow)
    key = read_key(pk)
    return deployments.filter(pk=key).first() if key else None


def picker_url(target: Target | int, choice: ResourceChoice) -> str:
    """Return the URL of the resources page for the choice."""
    pk = target if isinstance(target, int) else target.pk
    return f"{reverse('deployments:target_resources', args=[pk])}?{choice.query}"
