"""The settings of a module, and those of a saved workflow.

Drafts and deploys share this, so that both report the same problems.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from workflows.ir.deploy.deploy_settings import DeploySettings
from workflows.ir.document.kinds import SCRIPT, kind_of
from workflows.ir.document.node_types import Call
from workflows.ir.reading.bindings import BINDING_ID, OWN_WORKFLOW, BindingKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSettings:
    """What a module needs besides the document.

    `workflow_binding` is the name of the Worker's own workflow in `env`, `bound_workflows` the names
    of all Workflows that are bound in any case. `variables` are the names of all environment
    variables, `secrets` those with secret values, `bindings` the kinds of the declared bindings, `dependencies` npm packages and their
    versions. `untyped` are nodes whose output types the compiler cannot know, `added_triggers` the
    kinds of triggers ("cron", "queue") that the deploy settings add to the document's own.
    """

    class_name: str
    workflow_binding: str
    variables: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    bindings: Mapping[str, BindingKind] = field(default_factory=dict)
    bound_workflows: Mapping[Call, str] = field(default_factory=dict)
    entry_code: str = ""
    dependencies: Mapping[str, str] = field(default_factory=dict)
    untyped: frozenset[str] = frozenset()
    added_triggers: frozenset[str] = frozenset()


class WorkflowContent(Protocol):
    """What determines a Worker's code: `bindings` maps declared names to kinds."""

    @property
    def id(self) -> str: ...
    @property
    def ir(self) -> Any: ...
    @property
    def class_name(self) -> str: ...
    @property
    def entry_code(self) -> str: ...
    @property
    def dependencies(self) -> Mapping[str, str]: ...
    @property
    def bindings(self) -> Mapping[str, str]: ...
    @property
    def settings(self) -> DeploySettings: ...


class HasValue(Protocol):
    """The parts of an environment variable that are needed here."""

    @property
    def value(self) -> str: ...
    @property
    def is_secret(self) -> bool: ...


def module_settings(content: WorkflowContent, variables: Mapping[str, HasValue]) -> ModuleSettings:
    """Return the settings; `variables` are all that a deploy may use."""
    bindings = dict(content.bindings)
    return ModuleSettings(
        class_name=content.class_name,
        workflow_binding=OWN_WORKFLOW,
        variables=frozenset(variables),
        secrets=frozenset(name for name, variable in variables.items() if variable.is_secret),
        bindings={name: BindingKind(kind) for name, kind in bindings.items()},
        entry_code=content.entry_code,
        dependencies=content.dependencies,
        added_triggers=frozenset(_added_triggers(content.settings)),
        bound_workflows=dict(_bound_workflows(content, bindings, variables)),
    )


def _added_triggers(settings: DeploySettings) -> Iterator[str]:
    if settings.crons:
        yield "cron"
    if settings.consumers:
        yield "queue"


def _bound_workflows(
    content: WorkflowContent, bindings: Mapping[str, str], variables: Mapping[str, HasValue]
) -> Iterator[tuple[Call, str]]:
    """Yield declared Workflows and the Worker's own, each with its binding's name."""
    kind = BindingKind.WORKFLOW.value
    for name, declared in bindings.items():
        variable = variables.get(name + BINDING_ID)
        if declared == kind and variable:
            worker, _, class_name = variable.value.strip().partition("/")
            yield Call(kind=kind, worker=worker, class_name=class_name), name
    if kind_of(content.ir) != SCRIPT:
        for class_name in ("", content.class_name):
            yield Call(kind=kind, worker=content.id, class_name=class_name), OWN_WORKFLOW
