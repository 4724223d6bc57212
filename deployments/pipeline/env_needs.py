"""What the code of a workflow needs in its env, before anything is looked up on the target."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from deployments.pipeline.config.bindings import (
    Binding,
    EnvPlan,
    RequiredBinding,
    Variable,
    plan_env,
)
from deployments.pipeline.config.wrangler_config import consumers_of
from deployments.pipeline.ports import DeployRequest
from targets.cloudflare.errors import Finding
from workflows.codegen.module.generate import GeneratedModule
from workflows.documents.projects.config import ProjectBinding, ProjectConfig
from workflows.ir.reading.bindings import BINDING_ID, OWN_WORKFLOW, VARIABLE_NAME, BindingKind

_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvNeeds:
    """The env that the code needs; `own` are bindings to the Worker's own Workflows.

    `queues` are those that the Worker consumes. `findings` are names that nothing provides, and
    warnings.
    """

    plan: EnvPlan
    own: tuple[Binding, ...] = ()
    queues: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def needs_of_module(module: GeneratedModule, request: DeployRequest) -> EnvNeeds:
    """Return what the generated module of a document needs."""
    own = Binding(
        name=OWN_WORKFLOW,
        kind=BindingKind.WORKFLOW,
        resource=request.worker_name,
        class_name=request.class_name,
    )
    secrets = frozenset(use.name for use in module.env_uses if use.is_secret)
    used = _used(module, request)
    plan = plan_env(used, request.variables, module.children, secrets=secrets)
    return EnvNeeds(
        plan=plan,
        own=() if request.is_script else (own,),
        queues=tuple(each.queue for each in consumers_of(module.trigger, request.settings)),
        findings=(*_reserved(plan), *_unset(plan, module, request)),
    )


def _used(module: GeneratedModule, request: DeployRequest) -> dict[str, BindingKind | None]:
    """Return the kind of each name; declared bindings are included even if no code uses them."""
    declared = {name: BindingKind(kind) for name, kind in request.bindings.items()}
    read = {
        use.name: use.kind if isinstance(use.kind, BindingKind) else None
        for use in module.env_uses
        if use.name != OWN_WORKFLOW
    }
    return {**declared, **read}


def _reserved(plan: EnvPlan) -> Iterator[Finding]:
    if OWN_WORKFLOW in plan.origins:
        message = f"{OWN_WORKFLOW} is reserved for the Worker's own Workflow: rename the variable."
        yield Finding(message=message, path=OWN_WORKFLOW)


def _unset(plan: EnvPlan, module: GeneratedModule, request: DeployRequest) -> Iterator[Finding]:
    uses = {use.name: use for use in reversed(module.env_uses)}  # the first use of each name
    for name in plan.unset:
        use = uses[name]
        message = f"The code uses env.{name}: {_how_to_set(name)}."
        if use.is_secret:
            message = f"The node needs a secret: set the secret variable {name}."
        if name.endswith(BINDING_ID):
            bound = name.removesuffix(BINDING_ID)
            message = f"{name} is not available to the Worker: use env.{bound} in the code."
        node_name = request.node_name(use.node_id)
        yield Finding(message=message, node_id=use.node_id, node_name=node_name, path=name)


def _how_to_set(name: str) -> str:
    if not VARIABLE_NAME.fullmatch(name):
        return f"variable names are in capital letters, so write env.{name.upper()}"
    if name != OWN_WORKFLOW and get_close_matches(name, [OWN_WORKFLOW], cutoff=0.8):
        return f"write env.{OWN_WORKFLOW} for the Worker's own Workflow, or set the variable {name}"
    return f"set the variable {name}, or declare it as a binding of the workflow"


def needs_of_project(project: ProjectConfig, request: DeployRequest) -> EnvNeeds:
    """Return what the configuration of a project asks for, with the variables of its workflow."""
    sent = _sent_to_project(project, request)
    variables = {each.name: each.value for each in sent if not each.is_secret}
    secrets = {each.name: each.value for each in sent if each.is_secret}
    own_values = {name: value for name, value in project.variables.items() if name not in secrets}
    origins = dict.fromkeys(own_values, project.file) | {each.name: each.origin for each in sent}
    plan = EnvPlan(
        required=tuple(_required(each, project, request) for each in project.bindings),
        unset=(),
        variables={**own_values, **variables},
        secrets=secrets,
        origins=origins,
    )
    return EnvNeeds(
        plan=plan,
        own=tuple(_own(project)),
        queues=tuple(each.queue for each in project.settings.consumers),
        findings=(*_overridden(project, sent), *_missing_secrets(project, request)),
    )


def _own(project: ProjectConfig) -> Iterator[Binding]:
    for each in project.workflows:
        yield Binding(
            name=each.binding,
            kind=BindingKind.WORKFLOW,
            resource=each.name,
            class_name=each.class_name,
            settings=each.settings,
        )


def _sent_to_project(project: ProjectConfig, request: DeployRequest) -> list[Variable]:
    """Return all variables of the workflow, and the global ones whose names its files mention."""
    bound = {each.name for each in project.bindings}
    texts = (text for text in request.files.values() if isinstance(text, str))
    mentioned = {name for text in texts for name in _IDENTIFIER.findall(text)}
    return [
        variable
        for name, variable in sorted(request.variables.items())
        if not name.endswith(BINDING_ID)
        and name not in bound
        and (variable.origin == "workflow" or name in mentioned)
    ]


def _required(
    binding: ProjectBinding, project: ProjectConfig, request: DeployRequest
) -> RequiredBinding:
    """Return the binding; a variable with its resource overrides the one in the configuration."""
    variable = request.variables.get(binding.name + BINDING_ID)
    place = f"{project.file}, line {binding.line}" if binding.line else project.file
    resource = variable.value.strip() if variable else binding.resource
    if not variable and binding.kind is BindingKind.SERVICE and resource == project.name:
        resource = request.worker_name
    if not variable and binding.kind is BindingKind.WORKFLOW:
        resource = binding.script
    return RequiredBinding(
        name=binding.name,
        kind=binding.kind,
        resource=resource,
        class_name="" if variable else binding.class_name,
        place="" if variable else place,
        settings=binding.settings,
    )


def _overridden(project: ProjectConfig, sent: list[Variable]) -> Iterator[Finding]:
    values: Mapping[str, Any] = project.variables
    for variable in sent:
        if variable.name in values:
            owner = "the workflow" if variable.origin == "workflow" else "all workflows"
            yield Finding(
                path=project.file,
                message=f"{variable.name} is in vars and is also a variable of {owner}. The Worker "
                "gets the value of the variable.",
                is_warning=True,
            )


def _missing_secrets(project: ProjectConfig, request: DeployRequest) -> Iterator[Finding]:
    """Yield the secrets that the configuration requires and that no secret variable provides."""
    for name in project.secrets:
        variable = request.variables.get(name)
        if variable is None:
            message = f"{project.file} requires the secret {name}: set the secret variable {name}."
            yield Finding(path=name, message=message)
        elif not variable.is_secret:
            message = (
                f"{project.file} requires the secret {name}, but the variable {name} is not secret: "
                "mark it as secret."
            )
            yield Finding(path=name, message=message)
