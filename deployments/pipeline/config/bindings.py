"""What a Worker needs in its env: bindings, variables and secrets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from workflows.codegen.analysis.children import Child
from workflows.ir.reading.bindings import BINDING_ID, BindingKind


class Variable(Protocol):
    """A variable available to the deploy; `origin` is "workflow" or "global"."""

    @property
    def name(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def is_secret(self) -> bool: ...
    @property
    def origin(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A binding in the Worker's env.

    `resource` is an id or a name: the Worker of a service, the Workflow of a workflow, "" for kinds
    that refer to the account. `script` is the Worker of the Workflow; "" is this Worker. `settings` are
    more keys of its entry in wrangler.json.
    """

    name: str
    kind: BindingKind
    resource: str
    class_name: str = ""
    script: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredBinding:
    """A binding that the Worker needs; `resource` is the one that the user named, or "".

    `node_id` is set for the node that calls a child; other bindings get their resource from a variable.
    `place` says where the configuration of a project declares it, and `settings` are more keys of its
    entry there.
    """

    name: str
    kind: BindingKind
    resource: str = ""
    class_name: str = ""
    node_id: str = ""
    place: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def variable(self) -> str:
        """The variable with the resource; "" for a child, whose node has it."""
        return "" if self.node_id else self.name + BINDING_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvPlan:
    """The content of the Worker's env; `unset` are the names without variable or binding."""

    required: tuple[RequiredBinding, ...]
    unset: tuple[str, ...]
    variables: Mapping[str, Any]
    secrets: Mapping[str, str]
    origins: Mapping[str, str]

    @property
    def names(self) -> frozenset[str]:
        """The names of all bindings."""
        return frozenset(binding.name for binding in self.required)


def plan_env(
    used: Mapping[str, BindingKind | None],
    available: Mapping[str, Variable],
    children: Iterable[Child] = (),
    *,
    secrets: Collection[str] = (),
) -> EnvPlan:
    """Plan the env: `used` has the kind of each binding, and None for every other name.

    `secrets` are variables to deploy as secrets even if they are not marked as such. The Worker gets
    all variables of its workflow, and the global ones that its code uses.
    """
    kinds = {name: kind for name, kind in used.items() if kind is not None}
    named = [_named(name, kind, available) for name, kind in kinds.items()]
    sent = _sent(used, available, bound=kinds)
    hidden = {variable.name for variable in sent if variable.is_secret or variable.name in secrets}
    return EnvPlan(
        required=(*named, *(_called(child) for child in children)),
        unset=tuple(
            name
            for name in used
            if name not in kinds and (name not in available or name.endswith(BINDING_ID))
        ),
        variables={each.name: each.value for each in sent if each.name not in hidden},
        secrets={each.name: each.value for each in sent if each.name in hidden},
        origins={variable.name: variable.origin for variable in sent},
    )


def _named(name: str, kind: BindingKind, available: Mapping[str, Variable]) -> RequiredBinding:
    variable = available.get(name + BINDING_ID)
    return RequiredBinding(
        name=name, kind=kind, resource=variable.value.strip() if variable else ""
    )


def _called(child: Child) -> RequiredBinding:
    return RequiredBinding(
        name=child.name,
        kind=child.kind,
        resource=child.worker,
        class_name=child.class_name,
        node_id=child.node_id,
    )


def _sent(
    used: Iterable[str], available: Mapping[str, Variable], *, bound: Collection[str]
) -> list[Variable]:
    names = set(used)
    return [
        variable
        for name, variable in sorted(available.items())
        if not name.endswith(BINDING_ID)
        and name not in bound
        and (variable.origin == "workflow" or name in names)
    ]
