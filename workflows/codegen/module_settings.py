"""The one way from what is saved of a workflow to the settings of its module.

What a draft is warned of and what a deploy refuses cannot differ: both come through here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from workflows.codegen.bindings import OWN_WORKFLOW, BindingKind
from workflows.codegen.module import ModuleSettings


class Content(Protocol):
    """What decides a Worker's code beside its document; `bindings` are declared, kinds by name."""

    @property
    def class_name(self) -> str: ...
    @property
    def entry_code(self) -> str: ...
    @property
    def dependencies(self) -> Mapping[str, str]: ...
    @property
    def bindings(self) -> Mapping[str, str]: ...


def module_settings(content: Content, variables: Iterable[str]) -> ModuleSettings:
    """Return the settings; `variables` are the names of all that a deploy may use."""
    return ModuleSettings(
        class_name=content.class_name,
        workflow_binding=OWN_WORKFLOW,
        variables=frozenset(variables),
        bindings={name: BindingKind(kind) for name, kind in content.bindings.items()},
        entry_code=content.entry_code,
        dependencies=content.dependencies,
    )
