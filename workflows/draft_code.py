"""The code of a draft or a version: its module, and the variables that it uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflows.codegen.module.generate import GeneratedModule
from workflows.codegen.module.module_settings import ModuleSettings, module_settings
from workflows.codegen.module.worker_env import EnvUse
from workflows.compilation.from_document import generate_from_document
from workflows.ir.deploy.deploy_settings import DeploySettings, read_settings
from workflows.ir.reading.bindings import BINDING_ID, BindingKind
from workflows.models import Workflow, WorkflowVersion
from workflows.node_types.registered import types_for
from workflows.services import effective_variables


def generated_module(workflow: Workflow) -> GeneratedModule:
    """Return the module of the draft; raises InvalidIR or UnreadableSecret."""
    return module_with(workflow, module_settings(workflow, effective_variables(workflow)))


def module_with(workflow: Workflow, settings: ModuleSettings) -> GeneratedModule:
    """Return the module of the draft with these settings; raises InvalidIR."""
    return generate_from_document(workflow.ir, settings, types_for(workflow.ir))


@dataclass(frozen=True, slots=True, kw_only=True)
class _VersionContent:
    """A version in the form in which module settings read a workflow."""

    id: str
    ir: Any
    class_name: str
    entry_code: str
    dependencies: Mapping[str, str]
    bindings: Mapping[str, str]
    settings: DeploySettings


def module_of_version(version: WorkflowVersion) -> GeneratedModule:
    """Return the module of a version, with the current variables.

    Raises InvalidIR, InvalidSettings or UnreadableSecret.
    """
    workflow = version.workflow
    content = _VersionContent(
        id=workflow.pk,
        ir=version.ir,
        class_name=workflow.class_name,
        entry_code=version.entry_code,
        dependencies=version.dependencies,
        bindings=version.bindings,
        settings=read_settings(version.deploy_settings),
    )
    settings = module_settings(content, effective_variables(workflow))
    return generate_from_document(version.ir, settings, types_for(version.ir))


def node_names(document: Any) -> dict[str, str]:
    """Return the names of the nodes of any JSON value by their ids."""
    nodes = document.get("nodes") if isinstance(document, dict) else None
    items = nodes if isinstance(nodes, list) else []
    return {str(item.get("id")): str(item.get("name")) for item in items if isinstance(item, dict)}


def variable_uses(module: GeneratedModule) -> tuple[EnvUse, ...]:
    """Return the uses of variables in the code, without bindings."""
    return tuple(
        use
        for use in module.env_uses
        if not isinstance(use.kind, BindingKind) and not use.name.endswith(BINDING_ID)
    )


def missing_variables(module: GeneratedModule, settings: ModuleSettings) -> tuple[EnvUse, ...]:
    """Return the uses of variables that are not set, in a module that was generated with the settings."""
    known = {*settings.variables, *settings.bindings}
    return tuple(use for use in variable_uses(module) if use.name not in known)
