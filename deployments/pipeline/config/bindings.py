"""What the Worker's env will hold: bindings with their resources, variables, secrets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from workflows.codegen.analysis.children import Child
from workflows.ir.reading.bindings import BINDING_ID, BindingKind


class Variable(Protocol):
    """A variable that the deploy may use; `origin` is "workflow" or "global"."""

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
    """A resource in the Worker's env.

    `resource` is an id or a name: for a service the Worker, for a workflow the Workflow, whose
    class stands in `script` ("": in this Worker); "" for what belongs to the account.
    """

    name: str
    kind: BindingKind
    resource: str
    class_name: str = ""
    script: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredBinding:
    """A binding that the Worker needs, with what a person named: "" where nobody did.

    `node_id` is the node that calls a child; every other binding is named by a variable.
    """

    name: str
    kind: BindingKind
    resource: str = ""
    class_name: str = ""
    node_id: str = ""

    @property
    def variable(self) -> str:
        """The variable that names the resource; "" for a child, which its node names."""
        return "" if self.node_id else self.name + BINDING_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvPlan:
    """What the Worker's env comes to; `unset` are the names that nothing is known of."""

    wanted: tuple[RequiredBinding, ...]
    unset: tuple[str, ...]
    variables: Mapping[str, str]
    secrets: Mapping[str, str]
    origins: Mapping[str, str]

    @property
    def names(self) -> frozenset[str]:
        """The names of all bindings."""
        return frozenset(one.name for one in self.wanted)


def plan_env(
    used: Mapping[str, BindingKind | None],
    available: Mapping[str, Variable],
    children: Iterable[Child] = (),
    *,
    secrets: Collection[str] = (),
) -> EnvPlan:
    """Sort what the Worker needs: `used` has a kind for each binding, None for every other name.

    `secrets` are variables that are kept as secrets although nobody has marked them so.
    The Worker gets all variables of its workflow, and of the global ones those that its code uses.
    """
    kinds = {name: kind for name, kind in used.items() if kind is not None}
    named = [_named(name, kind, available) for name, kind in kinds.items()]
    sent = _sent(used, available, bound=kinds)
    hidden = {one.name for one in sent if one.is_secret or one.name in secrets}
    return EnvPlan(
        wanted=(*named, *(_called(child) for child in children)),
        unset=tuple(
            name
            for name in used
            if name not in kinds and (name not in available or name.endswith(BINDING_ID))
        ),
        variables={one.name: one.value for one in sent if one.name not in hidden},
        secrets={one.name: one.value for one in sent if one.name in hidden},
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
