"""What the Worker's env will hold: bindings with their resources, variables, secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from workflows.codegen.bindings import BINDING_ID, BindingKind

_SUPPORTED = (BindingKind.KV, BindingKind.D1, BindingKind.R2)


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
    """A resource in the Worker's env; `resource` is an id, for R2 the bucket's name."""

    name: str
    kind: BindingKind
    resource: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the code's uses of env come to."""

    bound: tuple[Binding, ...]
    without_id: tuple[tuple[str, BindingKind], ...]
    unsupported: tuple[tuple[str, BindingKind], ...]
    unset: tuple[str, ...]
    variables: Mapping[str, str]
    secrets: Mapping[str, str]
    origins: Mapping[str, str]


def plan(used: Mapping[str, BindingKind | None], available: Mapping[str, Variable]) -> Plan:
    """Sort what the code uses: `used` has a kind for each binding, None for every other name.

    The Worker gets all variables of its workflow, and of the global ones those that its code uses.
    """
    kinds = {name: kind for name, kind in used.items() if kind is not None}
    bound = [
        Binding(name=name, kind=kind, resource=available[name + BINDING_ID].value.strip())
        for name, kind in kinds.items()
        if _has_id(name, available)
    ]
    sent = _sent(used, available)
    return Plan(
        bound=tuple(binding for binding in bound if binding.kind in _SUPPORTED),
        without_id=tuple(
            item
            for item in kinds.items()
            if item[1] in _SUPPORTED and not _has_id(item[0], available)
        ),
        unsupported=tuple(item for item in kinds.items() if item[1] not in _SUPPORTED),
        unset=tuple(name for name in used if name not in kinds and name not in available),
        variables={variable.name: variable.value for variable in sent if not variable.is_secret},
        secrets={variable.name: variable.value for variable in sent if variable.is_secret},
        origins={variable.name: variable.origin for variable in sent},
    )


def _has_id(name: str, available: Mapping[str, Variable]) -> bool:
    variable = available.get(name + BINDING_ID)
    return variable is not None and bool(variable.value.strip())


def _sent(used: Iterable[str], available: Mapping[str, Variable]) -> list[Variable]:
    names = set(used)
    return [
        variable
        for name, variable in sorted(available.items())
        if not name.endswith(BINDING_ID) and (variable.origin == "workflow" or name in names)
    ]
