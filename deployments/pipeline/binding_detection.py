"""DETECTING_BINDINGS: what the Worker's env will hold, or all that it lacks in one message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import groupby
from typing import Final

from deployments.pipeline.called_workers import resolve_callee
from deployments.pipeline.config.bindings import Binding, EnvPlan, RequiredBinding, plan_env
from deployments.pipeline.config.wrangler_config import consumers_of
from deployments.pipeline.ports import DeployRequest, Resources, Site
from targets.cloudflare import naming
from targets.cloudflare.errors import Cause, DeployError, Finding
from targets.cloudflare.resource_ids import IDENTIFIERS, SINGLE
from workflows.codegen.module.generate import GeneratedModule
from workflows.ir.reading.bindings import BINDING_ID, OWN_WORKFLOW, VARIABLE_NAME, BindingKind
from workflows.ir.reading.problems import listed, quoted

_HEADLINE: Final = "What the Worker needs is not complete:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Env:
    """What the Worker's env will hold; `origins` tell whose variable each is."""

    bindings: tuple[Binding, ...]
    variables: Mapping[str, str]
    secrets: Mapping[str, str]
    origins: Mapping[str, str]


def detect(module: GeneratedModule, request: DeployRequest, *, site: Site, tools: Resources) -> Env:
    """Resolve every binding; raises DeployError with all that is missing or in the way.

    Resources are made last, and only where nothing else is missing.
    """
    secrets = frozenset(use.name for use in module.env_uses if use.is_secret)
    found = plan_env(_used(module, request), request.variables, module.children, secrets=secrets)
    resolver = _Resolver(request=request, site=site, tools=tools)
    consumed = [one.queue for one in consumers_of(module.trigger, request.settings)]
    resolved = [resolver.resolve(wanted) for wanted in found.wanted]
    findings = [
        *_in_the_way(found, request, site),
        *_unset(found, module, request),
        *_doubled(found.wanted),
        *_queues(consumed, request, site=site, tools=tools),
        *(one for one in resolved if isinstance(one, Finding)),
        *_twice((*_own_workflow(request), *(one for one in resolved if isinstance(one, Binding)))),
    ]
    if findings:
        is_taken = all(finding.cause is Cause.TAKEN for finding in findings)
        cause = Cause.TAKEN if is_taken else Cause.ENVIRONMENT
        raise DeployError.listing(_HEADLINE, findings, cause=cause)
    for queue in consumed if BindingKind.QUEUE in site.creatable else ():
        tools.provide(BindingKind.QUEUE, queue)
    made = [resolver.made(one) for one in resolved if isinstance(one, Binding)]
    return Env(
        bindings=(*_own_workflow(request), *made),
        variables=found.variables,
        secrets=found.secrets,
        origins=found.origins,
    )


def _used(module: GeneratedModule, request: DeployRequest) -> dict[str, BindingKind | None]:
    """Return the kind of each name; a declared binding is bound although no code names it."""
    declared = {name: BindingKind(kind) for name, kind in request.bindings.items()}
    read = {
        use.name: use.kind if isinstance(use.kind, BindingKind) else None
        for use in module.env_uses
        if use.name != OWN_WORKFLOW
    }
    return {**declared, **read}


def _own_workflow(request: DeployRequest) -> Iterator[Binding]:
    if not request.is_script:
        yield Binding(
            name=OWN_WORKFLOW,
            kind=BindingKind.WORKFLOW,
            resource=request.worker_name,
            class_name=request.class_name,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resolver:
    """Finds the resource of each binding, or says what is to be done."""

    request: DeployRequest
    site: Site
    tools: Resources

    def resolve(self, wanted: RequiredBinding) -> Binding | Finding:
        """Return the binding; it has no resource yet where the target is to make one."""
        if wanted.kind in self.site.unsupported:
            return self._finding(
                wanted,
                f"env.{wanted.name} is a {wanted.kind.label} binding, which the embedded platform "
                "does not have: deploy to a Cloudflare account.",
            )
        if wanted.kind not in IDENTIFIERS:
            return Binding(name=wanted.name, kind=wanted.kind, resource="")
        if not wanted.resource:
            return self._unnamed(wanted)
        if not IDENTIFIERS[wanted.kind].accepts(wanted.resource):
            return self._finding(wanted, _refused(wanted))
        if wanted.kind in (BindingKind.SERVICE, BindingKind.WORKFLOW):
            found = resolve_callee(wanted, self.request, self.tools)
            return found if isinstance(found, Binding) else self._finding(wanted, found)
        if not self.tools.exists(wanted.kind, wanted.resource):
            what = f"{wanted.kind.label} {quoted(wanted.resource)}"
            return self._finding(
                wanted, f"There is no {what} on this target: correct {wanted.variable}."
            )
        return Binding(name=wanted.name, kind=wanted.kind, resource=wanted.resource)

    def made(self, binding: Binding) -> Binding:
        """Have the target make what nobody named."""
        if binding.resource or binding.kind not in IDENTIFIERS:
            return binding
        name = naming.resource_name(self.request.worker_name, binding.name)
        return replace(binding, resource=self.tools.provide(binding.kind, name))

    def _unnamed(self, wanted: RequiredBinding) -> Binding | Finding:
        if wanted.kind in self.site.creatable:
            return Binding(name=wanted.name, kind=wanted.kind, resource="")
        if wanted.kind is BindingKind.ANALYTICS:  # a dataset begins with its first data point
            dataset = naming.dataset_name(self.request.worker_name, wanted.name)
            return Binding(name=wanted.name, kind=wanted.kind, resource=dataset)
        return self._finding(wanted, self._to_set(wanted))

    def _to_set(self, wanted: RequiredBinding) -> str:
        words = IDENTIFIERS[wanted.kind].words
        sentence = f"Set the variable {wanted.variable} to {words} behind env.{wanted.name}"
        if wanted.name in self.request.bindings:
            return f"{sentence}."
        return f"{sentence}; or {wanted.name} itself, if it is a plain value."

    def _finding(self, wanted: RequiredBinding, message: str) -> Finding:
        name = self.request.node_name(wanted.node_id)
        return Finding(
            message=message,
            node_id=wanted.node_id,
            node_name=name,
            path=wanted.variable,
            kind=wanted.kind.value if wanted.variable else "",
        )


def _refused(wanted: RequiredBinding) -> str:
    identifier = IDENTIFIERS[wanted.kind]
    if wanted.variable:
        return f"{wanted.variable} has to be {identifier.words}: {identifier.rule}."
    return f"{quoted(wanted.resource)} has to be {identifier.words}: {identifier.rule}."


def _how_to_set(name: str) -> str:
    if not VARIABLE_NAME.fullmatch(name):
        return f"names of variables are in capital letters: write env.{name.upper()}"
    if name != OWN_WORKFLOW and get_close_matches(name, [OWN_WORKFLOW], cutoff=0.8):
        return f"write env.{OWN_WORKFLOW} for the Worker's own Workflow, or set the variable {name}"
    return f"set the variable {name}, or declare on the workflow which binding it is"


def _unset(found: EnvPlan, module: GeneratedModule, request: DeployRequest) -> Iterator[Finding]:
    for name in found.unset:
        use = next(use for use in module.env_uses if use.name == name)
        message = f"The code uses env.{name}: {_how_to_set(name)}."
        if use.is_secret:
            message = f"The node needs a secret: set the secret variable {name}."
        if name.endswith(BINDING_ID):
            bound = name.removesuffix(BINDING_ID)
            message = f"{name} is never sent to the Worker: the code can use env.{bound} alone."
        node_name = request.node_name(use.node_id)
        yield Finding(message=message, node_id=use.node_id, node_name=node_name, path=name)


def _queues(
    queues: Iterable[str], request: DeployRequest, *, site: Site, tools: Resources
) -> Iterator[Finding]:
    """wrangler finds both out after it has uploaded: a queue has to be there, and has one consumer."""
    for queue in queues:
        name, path = quoted(queue), "trigger.queue"
        consumers = tools.consumers(queue)
        if consumers is None and BindingKind.QUEUE not in site.creatable:
            message = (
                f"There is no queue {name} on this target: create it there, or correct the name."
            )
            yield Finding(message=message, path=path, cause=Cause.ENVIRONMENT)
        others = (consumers or frozenset()) - {request.worker_name}
        if others:
            message = (
                f"The messages of the queue {name} go to {listed(sorted(others))}, and a queue has "
                "one consumer: remove that one on the target, or take another queue."
            )
            yield Finding(message=message, path=path, cause=Cause.TAKEN)


def _doubled(wanted: Iterable[RequiredBinding]) -> Iterator[Finding]:
    """A Worker has at most one binding of a kind that belongs to the account."""
    single = sorted((one for one in wanted if one.kind in SINGLE), key=lambda one: one.kind)
    for kind, group in groupby(single, key=lambda one: one.kind):
        names = [one.name for one in group]
        if len(names) > 1:
            listed = " and ".join(f"env.{name}" for name in names)
            message = f"A Worker can have one {kind.label} binding, and the code uses {listed}."
            yield Finding(message=f"{message} Use one name for it everywhere.")


def _twice(bindings: Iterable[Binding]) -> Iterator[Finding]:
    """wrangler refuses two bindings of one Workflow."""
    names: dict[str, list[str]] = {}
    for binding in bindings:
        if binding.kind is BindingKind.WORKFLOW:
            names.setdefault(binding.resource, []).append(f"env.{binding.name}")
    for workflow, bound in names.items():
        if len(bound) > 1:
            message = f"{' and '.join(bound)} are the same Workflow, {workflow}, which a Worker can"
            yield Finding(message=f"{message} bind once: name it in the same way everywhere.")


def _in_the_way(found: EnvPlan, request: DeployRequest, site: Site) -> Iterator[Finding]:
    """Yield the names that stand for two things; wrangler hides no secret of the Worker."""
    if OWN_WORKFLOW in found.origins:
        message = f"{OWN_WORKFLOW} is the Worker's own Workflow: rename the variable."
        yield Finding(message=message, path=OWN_WORKFLOW)
    for name in sorted(request.bindings.keys() & request.variables.keys()):
        if request.variables[name].origin == "workflow":
            message = (
                f"{name} is a variable of the workflow and is declared as a binding of it: remove "
                "one of the two."
            )
            yield Finding(message=message, path=name)
    for name in sorted(site.secret_names & {*found.variables, *found.names}):
        what, instead = "plain variable", "Mark the variable as secret, give it another name"
        if name in found.names:
            what, instead = "binding", "Give the binding another name"
        message = (
            f"The Worker has a secret named {name}, and a {what} of that name cannot replace it. "
            f"{instead}, or delete the Worker's secret on the target."
        )
        yield Finding(message=message, path=name)
