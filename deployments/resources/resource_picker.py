"""What the resources' page is opened for: one kind, or a resource that a variable is to name."""

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
    """The kind that is shown; with a variable, what it is chosen for, and where to go afterwards."""

    kind: BindingKind
    variable: str = ""
    workflow: Workflow | None = None
    deployment: Deployment | None = None

    @property
    def binding(self) -> str:
        """The name of the Worker's env that the variable is about."""
        return self.variable.removesuffix(BINDING_ID)

    @property
    def query(self) -> str:
        """What says the same in an address."""
        told = {"kind": self.kind.value}
        if self.variable and self.workflow:
            told |= {"variable": self.variable, "workflow": self.workflow.pk}
        if self.deployment:
            told["deployment"] = str(self.deployment.pk)
        return urlencode(told)

    @property
    def back(self) -> str:
        """Where a person came from."""
        if self.deployment:
            return self.deployment.get_absolute_url()
        return self.workflow.get_absolute_url() if self.workflow else ""


def read_choice(query: QueryDict) -> ResourceChoice:
    """Read an address; raises Http404 for what names nothing."""
    wanted = query.get("kind", KINDS[0].value)
    kind = next((kind for kind in KINDS if kind.value == wanted), None)
    if kind is None:
        raise Http404("There is no such kind of resource.")
    variable = query.get("variable", "")
    if not variable:
        return ResourceChoice(kind=kind)
    if not VARIABLE_NAME.fullmatch(variable) or not variable.endswith(BINDING_ID):
        raise Http404("The variable names no resource.")
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
    mine = Deployment.objects.only("workflow_id", "target_id").filter(workflow=workflow)
    key = read_key(pk)
    return mine.filter(pk=key).first() if key else None


def picker_url(target: Target | int, choosing: ResourceChoice) -> str:
    """Return the address of the page that shows it."""
    pk = target if isinstance(target, int) else target.pk
    return f"{reverse('deployments:target_resources', args=[pk])}?{choosing.query}"
