"""The stage DETECTING_BINDINGS: resolve the Worker's env, or report everything that is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from deployments.pipeline.called_workers import resolve_callee
from deployments.pipeline.config.bindings import Binding, EnvPlan, RequiredBinding
from deployments.pipeline.env_needs import EnvNeeds
from deployments.pipeline.ports import DeployRequest, Resources, Site
from targets.cloudflare import naming
from targets.cloudflare.errors import Cause, DeployError, Finding
from targets.cloudflare.resource_ids import IDENTIFIERS, SINGLE
from workflows.ir.reading.bindings import BindingKind
from workflows.ir.reading.problems import listed, quoted

_NAMED: Final = frozenset({BindingKind.QUEUE, BindingKind.R2})  # the name is the id
_HEADLINE: Final = "Some variables or bindings of the Worker are missing or wrong:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Env:
    """The content of the Worker's env; `origins` are "workflow" or "global" by variable."""

    bindings: tuple[Binding, ...]
    variables: Mapping[str, Any]
    secrets: Mapping[str, str]
    origins: Mapping[str, str]

    @property
    def facts(self) -> dict[str, Any]:
        """What is recorded about it; values of secrets are not."""
        return {
            "variables": dict(self.variables),
            "secret_names": sorted(self.secrets),
            "variable_origins": dict(self.origins),
            "resources": [
                {"name": binding.name, "kind": binding.kind.value, "resource": binding.resource}
                for binding in self.bindings
            ],
        }


def detect(needs: EnvNeeds, request: DeployRequest, *, site: Site, tools: Resources) -> Env:
    """Resolve every binding; raises DeployError with everything that is missing or in conflict.

    Resources are created last, and only if there are no findings.
    """
    resolver = _Resolver(request=request, site=site, tools=tools)
    resolved = [resolver.resolve(required) for required in needs.plan.required]
    bindings = [result for result in resolved if isinstance(result, Binding)]
    findings = [
        *_name_conflicts(needs.plan, request, site),
        *(finding for finding in needs.findings if not finding.is_warning),
        *_repeated_kinds(needs.plan.required),
        *_queues(needs.queues, request, site=site, tools=tools),
        *(result for result in resolved if isinstance(result, Finding)),
        *_repeated_workflows((*needs.own, *bindings)),
    ]
    if findings:
        is_taken = all(finding.cause is Cause.TAKEN for finding in findings)
        cause = Cause.TAKEN if is_taken else Cause.ENVIRONMENT
        raise DeployError.listing(_HEADLINE, findings, cause=cause)
    for queue in needs.queues if BindingKind.QUEUE in site.creatable else ():
        tools.provide(BindingKind.QUEUE, queue)
    for required in needs.plan.required:
        if resolver.creates(required):
            tools.provide(required.kind, required.resource)
    return Env(
        bindings=(*needs.own, *_with_settings(map(resolver.with_resource, bindings), needs.plan)),
        variables=needs.plan.variables,
        secrets=needs.plan.secrets,
        origins=needs.plan.origins,
    )


def _with_settings(bindings: Iterable[Binding], plan: EnvPlan) -> Iterator[Binding]:
    """Yield the bindings with the further keys of their entries."""
    settings = {required.name: required.settings for required in plan.required}
    for binding in bindings:
        yield replace(binding, settings=settings.get(binding.name, {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Resolver:
    """Finds the resource of each binding, or returns a finding that says what to do."""

    request: DeployRequest
    site: Site
    tools: Resources

    def resolve(self, required: RequiredBinding) -> Binding | Finding:
        """Return the binding; its resource is "" if it has to be created."""
        if required.kind in self.site.unsupported:
            return self._finding(
                required,
                f"env.{required.name} is a {required.kind.label} binding, which the embedded platform "
                "does not support: deploy to a Cloudflare account.",
            )
        if required.kind not in IDENTIFIERS:
            return Binding(name=required.name, kind=required.kind, resource="")
        if not required.resource:
            return self._unnamed(required)
        if not IDENTIFIERS[required.kind].accepts(required.resource):
            return self._finding(required, _invalid(required))
        if required.kind in (BindingKind.SERVICE, BindingKind.WORKFLOW):
            result = resolve_callee(required, self.request, self.tools)
            return result if isinstance(result, Binding) else self._finding(required, result)
        if not self.creates(required) and not self.tools.exists(required.kind, required.resource):
            what = f"{required.kind.label} {quoted(required.resource)}"
            fix = f"correct {required.variable}"
            if required.place:
                fix = f"set {required.variable}, or correct {required.place}"
            return self._finding(required, f"There is no {what} on this target: {fix}.")
        return Binding(name=required.name, kind=required.kind, resource=required.resource)

    def creates(self, required: RequiredBinding) -> bool:
        """Whether the resource is created if it does not exist: one that a configuration names."""
        is_named = bool(required.place and required.resource) and required.kind in _NAMED
        return is_named and required.kind in self.site.creatable

    def with_resource(self, binding: Binding) -> Binding:
        """Return the binding with its resource, creating it if the user named none."""
        if binding.resource or binding.kind not in IDENTIFIERS:
            return binding
        name = naming.resource_name(self.request.worker_name, binding.name)
        return replace(binding, resource=self.tools.provide(binding.kind, name))

    def _unnamed(self, required: RequiredBinding) -> Binding | Finding:
        if required.kind in self.site.creatable:
            return Binding(name=required.name, kind=required.kind, resource="")
        if required.kind is BindingKind.ANALYTICS:  # the first data point creates the dataset
            dataset = naming.dataset_name(self.request.worker_name, required.name)
            return Binding(name=required.name, kind=required.kind, resource=dataset)
        return self._finding(required, self._how_to_name(required))

    def _how_to_name(self, required: RequiredBinding) -> str:
        words = IDENTIFIERS[required.kind].words
        message = f"Set the variable {required.variable} to {words} for env.{required.name}."
        if required.place:
            return f"{message} It can also be in {required.place}."
        if required.name in self.request.bindings:
            return message
        return f"{message} If it is a plain value, set the variable {required.name} instead."

    def _finding(self, required: RequiredBinding, message: str) -> Finding:
        name = self.request.node_name(required.node_id)
        return Finding(
            message=message,
            node_id=required.node_id,
            node_name=name,
            path=required.variable,
            kind=required.kind.value if required.variable else "",
        )


def _invalid(required: RequiredBinding) -> str:
    identifier = IDENTIFIERS[required.kind]
    subject = required.variable or quoted(required.resource)
    return f"{subject} must be {identifier.words}: {identifier.rule}."


def _queues(
    queues: Iterable[str], request: DeployRequest, *, site: Site, tools: Resources
) -> Iterator[Finding]:
    """Check that each queue exists and is free: wrangler checks both only after the upload."""
    for queue in queues:
        name = quoted(queue)
        path = request.project.file if request.project else "trigger.queue"
        consumers = tools.consumers(queue)
        if consumers is None and BindingKind.QUEUE not in site.creatable:
            message = f"There is no queue {name} on this target. Create it, or correct the name."
            yield Finding(message=message, path=path, cause=Cause.ENVIRONMENT)
        others = (consumers or frozenset()) - {request.worker_name}
        if others:
            message = (
                f"The queue {name} is already consumed by {listed(sorted(others))}. A queue can have "
                "only one consumer: remove that one on the target, or use another queue."
            )
            yield Finding(message=message, path=path, cause=Cause.TAKEN)


def _repeated_kinds(required: Iterable[RequiredBinding]) -> Iterator[Finding]:
    """A Worker has at most one binding of a kind that refers to the account."""
    names: dict[BindingKind, list[str]] = {}
    for binding in required:
        if binding.kind in SINGLE:
            names.setdefault(binding.kind, []).append(f"env.{binding.name}")
    for kind, repeated in sorted(names.items()):
        if len(repeated) > 1:
            message = f"A Worker can have only one {kind.label} binding, but the code uses "
            yield Finding(message=f"{message}{' and '.join(repeated)}. Use one name everywhere.")


def _repeated_workflows(bindings: Iterable[Binding]) -> Iterator[Finding]:
    """wrangler refuses two bindings to one Workflow."""
    names: dict[str, list[str]] = {}
    for binding in bindings:
        if binding.kind is BindingKind.WORKFLOW:
            names.setdefault(binding.resource, []).append(f"env.{binding.name}")
    for workflow, bound in names.items():
        if len(bound) > 1:
            message = f"{' and '.join(bound)} are bound to the same Workflow, {workflow}."
            yield Finding(
                message=f"{message} A Worker can bind it only once: use one name everywhere."
            )


def _name_conflicts(plan: EnvPlan, request: DeployRequest, site: Site) -> Iterator[Finding]:
    """Yield names that are used twice; wrangler cannot replace a secret with something else."""
    for name in sorted(request.bindings.keys() & request.variables.keys()):
        if request.variables[name].origin == "workflow":
            where = "a declared binding of the workflow"
            if request.project:
                where = f"a binding in {request.project.file}"
            message = f"{name} is both a variable and {where}: remove one of them."
            yield Finding(message=message, path=name)
    for name in sorted(site.secret_names & {*plan.variables, *plan.names}):
        what, fix = "plain variable", "Mark the variable as secret, rename it"
        if name in plan.names:
            what, fix = "binding", "Rename the binding"
        message = (
            f"The Worker has a secret named {name}. A {what} of the same name cannot replace it. "
            f"{fix}, or delete the Worker's secret on the target."
        )
        yield Finding(message=message, path=name)
