"""The Worker's `env`: which of its names code uses, and the interface that declares them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from workflows.codegen.analysis.children import Child
from workflows.codegen.analysis.code_reader import NameUse
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.codegen.text.literals import literal
from workflows.codegen.text.writer import Writer
from workflows.ir.reading.bindings import VARIABLE, BindingKind, EnvKind, resolve, typescript
from workflows.ir.reading.identifiers import is_identifier
from workflows.ir.reading.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvUse:
    """A name of `env` that code uses, what it refers to (None if unknown), and where.

    A secret is a variable whose value stays hidden, whatever its name suggests.
    """

    name: str
    kind: EnvKind
    node_id: str
    path: str
    is_secret: bool = False


def env_uses(uses: Collection[NameUse], settings: ModuleSettings) -> tuple[EnvUse, ...]:
    """Resolve each name, except the Worker's own Workflow, which always exists."""
    secrets = {use.name for use in uses if use.is_secret}
    kinds: dict[str, EnvKind] = {
        use.name: resolve(use.name, declared=settings.bindings, variables=settings.variables)
        for use in uses
    }
    required = {use.name: use.kind for use in uses if use.kind}
    kinds |= {name: kind for name, kind in required.items() if name not in settings.bindings}
    kinds |= dict.fromkeys(secrets, VARIABLE)
    return tuple(
        EnvUse(
            name=use.name,
            kind=kinds[use.name],
            node_id=use.node_id,
            path=use.path,
            is_secret=use.name in secrets,
        )
        for use in uses
        if use.name != settings.workflow_binding
    )


def kind_conflicts(uses: Collection[NameUse], settings: ModuleSettings) -> Iterator[Problem]:
    """Yield a problem for each node that needs a binding of another kind than the name has."""
    kinds: dict[str, BindingKind] = dict(settings.bindings)
    for use in uses:
        if use.kind is None:
            continue
        other = kinds.setdefault(use.name, use.kind)
        what = other.label if other is not use.kind else ""
        if not what and use.name in settings.variables and use.name not in settings.bindings:
            what = "variable"
        if what:
            message = (
                f"must be the name of a binding for a {use.kind.label}, but {use.name} is the name of "
                f"a {what}: choose a different name"
            )
            yield Problem(path=use.path, message=message, node_id=use.node_id)


def all_names(uses: Iterable[NameUse], settings: ModuleSettings) -> set[str]:
    """Return every name in `env`, used or not."""
    used = {use.name for use in uses}
    return {settings.workflow_binding, *settings.bindings, *settings.variables, *used}


def types_of(uses: Iterable[EnvUse], declared: Mapping[str, BindingKind]) -> dict[str, str]:
    """Return the type of each declared binding and of each name that code uses."""
    types = {name: kind.typescript for name, kind in declared.items()}
    return types | {use.name: typescript(use.kind) for use in uses}


def all_types(
    uses: Iterable[EnvUse],
    settings: ModuleSettings,
    *,
    workers: Iterable[Child],
    variables: Iterable[str],
    is_script: bool,
) -> dict[str, str]:
    """Return the type of each name in `env`, with those of other Workers that nodes call.

    `variables` are in it even if no code uses them. A script has no Workflow of its own.
    """
    own = {} if is_script else {settings.workflow_binding: BindingKind.WORKFLOW.typescript}
    types = own | dict.fromkeys(variables, "string") | types_of(uses, settings.bindings)
    return types | {worker.name: worker.kind.typescript for worker in workers}


def write_interface(types: Mapping[str, str], *, optional: Iterable[str], writer: Writer) -> None:
    """Write `Env`; the `optional` names are strings that may not be set."""
    members = {_key(name): type_ for name, type_ in types.items()}
    members |= {f"{_key(name)}?": "string" for name in optional if name not in types}
    writer.line()
    writer.line("interface Env {")
    with writer.indented():
        for name, type_ in members.items():
            writer.line(f"{name}: {type_};")
    writer.line("}")


def _key(name: str) -> str:
    return name if is_identifier(name) else literal(name)
