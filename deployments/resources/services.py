"""The resources of a target that a Worker can be bound to: looked at, made, and put behind a name."""

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
from targets.checks.proofs import RESOURCE_CREATED
from targets.cloudflare import resources
from targets.cloudflare.errors import Cause, DeployError
from targets.cloudflare.resource_ids import IDENTIFIERS
from targets.cloudflare.resources import Resource
from targets.cloudflare.time_limits import time_limited
from targets.lookup import account_of
from targets.models import Target
from targets.services import subject_of
from workflows.ir.reading.bindings import BINDING_ID, BindingKind, resolve
from workflows.models import EnvironmentVariable, Workflow
from workflows.services import set_variable

KINDS: Final = (BindingKind.KV, BindingKind.D1, BindingKind.R2, BindingKind.QUEUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRule:
    """Which names Cloudflare takes for a kind of resource."""

    pattern: re.Pattern[str]
    rule: str


NAME_RULES: Final = {
    BindingKind.KV: NameRule(
        pattern=re.compile(r"(?=.*\S).{1,512}"), rule="at most 512 characters, on one line"
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
    """A variable that names a resource; without a workflow it is one of all workflows."""

    variable: str
    workflow: Workflow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundWorker:
    """A name in the env of a Worker that is live, by the record."""

    binding: str
    live: Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceUsage:
    """A resource, the variables that name it, and what is live with it."""

    resource: Resource
    uses: tuple[VariableUse, ...]
    bound: tuple[BoundWorker, ...] = ()


def name_problem(kind: BindingKind, name: str) -> str:
    """Say why Cloudflare would not take the name; "" where it would."""
    if NAME_RULES[kind].pattern.fullmatch(name):
        return ""
    return f"This is no name of a {kind.label}: it has {NAME_RULES[kind].rule}."


def list_resources(target: Target, kind: BindingKind) -> list[ResourceUsage]:
    """Return the target's resources of a kind, by name; raises DeployError."""
    with time_limited(account_of(target)) as account:
        found = resources.list_all(account, kind)
    uses: dict[str, list[VariableUse]] = {}
    for value, use in _uses(kind):
        uses.setdefault(value, []).append(use)
    bound: dict[str, list[BoundWorker]] = {}
    for resource, one_bound in _bound(target, kind):
        bound.setdefault(resource, []).append(one_bound)
    return [
        ResourceUsage(
            resource=one, uses=tuple(uses.get(one.id, ())), bound=tuple(bound.get(one.id, ()))
        )
        for one in found
    ]


def _bound(target: Target, kind: BindingKind) -> Iterator[tuple[str, BoundWorker]]:
    """Yield each resource of the account that a live Worker is bound to, whichever target put it there."""
    account = {"account_id": target.account_id, "api_base_url": target.api_base_url}
    there = Target.objects.filter(**account).values("pk")
    mine = records.not_taken_down().filter(target__in=there).order_by()
    newest = mine.values("workflow_public_id", "target").annotate(newest=Max("pk")).values("newest")
    shown = ("workflow_id", "workflow_public_id", "workflow_name", "target_id", "resources")
    for live in Deployment.objects.filter(pk__in=newest).only(*shown).order_by("workflow_name"):
        for one in live.resources:
            if one["kind"] == kind:
                yield one["resource"], BoundWorker(binding=one["name"], live=live)


def _uses(kind: BindingKind) -> Iterator[tuple[str, VariableUse]]:
    """Yield what each variable of the kind names, and whose it is."""
    large = ("ir", "entry_code", "dependencies", "deploy_settings")
    found = EnvironmentVariable.objects.filter(name__endswith=BINDING_ID, is_secret=False)
    found = found.select_related("workflow").prefetch_related("workflow__declared_bindings")
    found = found.defer("value", *(f"workflow__{field}" for field in large))
    for variable in found.order_by("workflow__name", "name"):
        if kind_of(variable.name, variable.workflow) in (kind, None):
            with suppress(UnreadableSecret):
                use = VariableUse(variable=variable.name, workflow=variable.workflow)
                yield variable.value.strip(), use


def kind_of(variable: str, workflow: Workflow | None) -> BindingKind | None:
    """Return the kind of resource that a variable names, by its workflow and its words."""
    declared = workflow.bindings if workflow else {}
    kinds = {name: BindingKind(kind) for name, kind in declared.items()}
    found = resolve(variable.removesuffix(BINDING_ID), declared=kinds, variables=())
    return found if isinstance(found, BindingKind) else None


def create(target: Target, kind: BindingKind, name: str, *, by: Actor) -> Resource:
    """Make a resource at the target; raises DeployError with the target's reason."""
    if refusal := name_problem(kind, name):
        raise DeployError(refusal)
    try:
        with time_limited(account_of(target)) as account:
            made = resources.create(account, kind, name)
    except DeployError as refused:
        if refused.cause is not Cause.UNREACHABLE:
            raise
        sentence = f"{refused} It may be there all the same: look at the list before you try again."
        raise DeployError(sentence, cause=refused.cause) from None
    detail = {"kind": kind.value, "name": name, "resource": made.id}
    trail.record(RESOURCE_CREATED, subject_of(target), by=by, **detail)
    return made


def use(
    target: Target, resource: Resource, *, variable: str, workflow: Workflow, by: Actor
) -> None:
    """Have the workflow's variable name the resource.

    Raises DeployError where the target does not have it, ValidationError for an impossible name.
    """
    kind, id_ = resource.kind, resource.id
    if not variable.endswith(BINDING_ID):
        raise DeployError(f"{variable} names no resource: such a variable ends in {BINDING_ID}.")
    with time_limited(account_of(target)) as account:
        is_there = IDENTIFIERS[kind].accepts(id_) and resources.exists(account, kind, id_)
    if not is_there:
        sentence = f"There is no {kind.label} {id_} on this target any more: choose another one."
        raise DeployError(sentence, cause=Cause.ENVIRONMENT)
    with transaction.atomic():
        set_variable(variable, id_, workflow=workflow)
        subject = Subject("workflow", workflow.pk, workflow.name)
        detail = {"variable": variable, "kind": kind.value, "resource": id_}
        trail.record("variable set", subject, by=by, **detail, target=target.name)
