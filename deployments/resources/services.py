"""Resources of a target that Workers can bind: list them, create one, use one for a variable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import Max

from audit import trail
from audit.encrypted_fields import UnreadableSecret
from audit.trail import Actor, Subject
from deployments.history import records
from deployments.models import Deployment
from targets.checks.permission_proofs import RESOURCE_CREATED
from targets.cloudflare import resources
from targets.cloudflare.errors import Cause, DeployError
from targets.cloudflare.resource_ids import IDENTIFIERS
from targets.cloudflare.resources import Resource
from targets.cloudflare.time_limits import time_limited
from targets.lookup import account_of
from targets.models import Target
from targets.services import subject_of
from toolchain.invisible_characters import invisible_problem
from workflows.ir.reading.bindings import BINDING_ID, BindingKind, resolve
from workflows.models import EnvironmentVariable, Workflow
from workflows.services import set_variable

KINDS: Final = (BindingKind.KV, BindingKind.D1, BindingKind.R2, BindingKind.QUEUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRule:
    """The names that Cloudflare accepts for a kind of resource."""

    pattern: re.Pattern[str]
    rule: str


NAME_RULES: Final = {
    BindingKind.KV: NameRule(
        pattern=re.compile(r"(?=.*\S).{1,512}"), rule="at most 512 visible characters, on one line"
    ),
    BindingKind.D1: NameRule(
        pattern=re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*"),
        rule="letters, digits, - and _, with a letter or a digit first",
    ),
    **{
        kind: NameRule(pattern=IDENTIFIERS[kind].pattern, rule=IDENTIFIERS[kind].rule)
        for kind in (BindingKind.R2, BindingKind.QUEUE)
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableUse:
    """A variable that names a resource; without a workflow it is a global variable."""

    variable: str
    workflow: Workflow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundWorker:
    """A binding of a live Worker, as recorded."""

    binding: str
    live: Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceUsage:
    """A resource, the variables that name it, and the live Workers bound to it."""

    resource: Resource
    uses: tuple[VariableUse, ...]
    bound: tuple[BoundWorker, ...] = ()


def name_problem(kind: BindingKind, name: str) -> str:
    """Return why a resource cannot have this name; "" if it can."""
    if NAME_RULES[kind].pattern.fullmatch(name) and not invisible_problem(name):
        return ""
    return f"Not a valid {kind.label} name: use {NAME_RULES[kind].rule}."


def list_resources(target: Target, kind: BindingKind) -> list[ResourceUsage]:
    """Return the target's resources of this kind, sorted by name.

    Raises DeployError if the target cannot be read.
    """
    with time_limited(account_of(target)) as account:
        listed = resources.list_all(account, kind)
    uses: dict[str, list[VariableUse]] = {}
    for value, use in _uses(kind):
        uses.setdefault(value, []).append(use)
    bound: dict[str, list[BoundWorker]] = {}
    for id_, worker in _bound(target, kind):
        bound.setdefault(id_, []).append(worker)
    return [
        ResourceUsage(
            resource=resource,
            uses=tuple(uses.get(resource.id, ())),
            bound=tuple(bound.get(resource.id, ())),
        )
        for resource in listed
    ]


def _bound(target: Target, kind: BindingKind) -> Iterator[tuple[str, BoundWorker]]:
    """Yield each resource of the account that a live Worker is bound to, through any target."""
    account = {"account_id": target.account_id, "api_base_url": target.api_base_url}
    targets = Target.objects.filter(**account).values("pk")
    live = records.not_taken_down().filter(target__in=targets).order_by()
    newest = live.values("workflow_public_id", "target").annotate(newest=Max("pk")).values("newest")
    shown = ("workflow_id", "workflow_public_id", "workflow_name", "target_id", "resources")
    deployments = Deployment.objects.filter(pk__in=newest).only(*shown)
    for deployment in deployments.order_by("workflow_name"):
        for row in deployment.resources:
            if row["kind"] == kind:
                yield row["resource"], BoundWorker(binding=row["name"], live=deployment)


def _uses(kind: BindingKind) -> Iterator[tuple[str, VariableUse]]:
    """Yield the value and the owner of each variable of the kind."""
    large = ("ir", "files", "entry_code", "dependencies", "deploy_settings")
    variables = EnvironmentVariable.objects.filter(name__endswith=BINDING_ID, is_secret=False)
    variables = variables.select_related("workflow").prefetch_related("workflow__declared_bindings")
    variables = variables.defer("value", *(f"workflow__{field}" for field in large))
    for variable in variables.order_by("workflow__name", "name"):
        if kind_of(variable.name, variable.workflow) in (kind, None):
            with suppress(UnreadableSecret):
                use = VariableUse(variable=variable.name, workflow=variable.workflow)
                yield variable.value.strip(), use


def kind_of(variable: str, workflow: Workflow | None) -> BindingKind | None:
    """Return the kind of resource that a variable names, from declared bindings or its name."""
    declared = workflow.bindings if workflow else {}
    kinds = {name: BindingKind(kind) for name, kind in declared.items()}
    kind = resolve(variable.removesuffix(BINDING_ID), declared=kinds, variables=())
    return kind if isinstance(kind, BindingKind) else None


def create(target: Target, kind: BindingKind, name: str, *, by: Actor) -> Resource:
    """Create a resource on the target; raises DeployError with the target's reason."""
    if refusal := name_problem(kind, name):
        raise DeployError(refusal)
    try:
        with time_limited(account_of(target)) as account:
            resource = resources.create(account, kind, name)
    except DeployError as refused:
        if refused.cause is not Cause.UNREACHABLE:
            raise
        sentence = (
            f"{refused} It may have been created anyway: check the list before you try again."
        )
        raise DeployError(sentence, cause=refused.cause) from None
    detail = {"kind": kind.value, "name": name, "resource": resource.id}
    trail.record(RESOURCE_CREATED, subject_of(target), by=by, **detail)
    return resource


def use(
    target: Target, resource: Resource, *, variable: str, workflow: Workflow, by: Actor
) -> None:
    """Set the workflow's variable to the resource's id.

    Raises DeployError if the target does not have it, ValidationError for an invalid name.
    """
    kind, id_ = resource.kind, resource.id
    if not variable.endswith(BINDING_ID):
        raise DeployError(f"{variable} cannot name a resource: its name must end in {BINDING_ID}.")
    with time_limited(account_of(target)) as account:
        exists = IDENTIFIERS[kind].accepts(id_) and resources.exists(account, kind, id_)
    if not exists:
        sentence = f"The {kind.label} {id_} no longer exists on this target: choose another one."
        raise DeployError(sentence, cause=Cause.ENVIRONMENT)
    with transaction.atomic():
        set_variable(variable, id_, workflow=workflow)
        subject = Subject("workflow", workflow.pk, workflow.name)
        detail = {"variable": variable, "kind": kind.value, "resource": id_}
        trail.record("variable set", subject, by=by, **detail, target=target.name)
