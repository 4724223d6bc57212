"""Compiles a generated module whose code may be loose JavaScript."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from workflows.codegen.module.generate import GeneratedModule
from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.syntax.tolerated_errors import ToleratedErrors
from workflows.codegen.text.writer import Location
from workflows.compilation.typescript import (
    CompileFailed,
    Diagnostic,
    compile_module,
    compile_modules,
)

_NAME = "worker.ts"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What the compiler found: `wrong` stands; `reshaped` are nodes whose types it cannot know."""

    wrong: tuple[Diagnostic, ...]
    reshaped: frozenset[str]


def compile_leniently(
    module: GeneratedModule, folder: Path, *, dependencies: Collection[str] = ()
) -> str:
    """Return the JavaScript; raises CompileFailed with what is wrong and not merely loose.

    Code that reshapes its own values has an output that the compiler knows wrongly: where others read
    it, the module is checked once more with that output as any.
    """
    try:
        return compile_module(module.source, folder, dependencies=dependencies)
    except CompileFailed as failed:
        judged = _judged(module, failed)
    if judged.wrong and judged.reshaped:
        judged = _checked(module.with_untyped(judged.reshaped), folder, dependencies=dependencies)
    if judged.wrong:
        raise CompileFailed(judged.wrong)
    sources = {_NAME: module.source}
    return compile_modules(sources, folder, dependencies=dependencies, checks_types=False)[_NAME]


def _checked(module: GeneratedModule, folder: Path, *, dependencies: Collection[str]) -> _Judged:
    try:
        compile_module(module.source, folder, dependencies=dependencies)
    except CompileFailed as failed:
        return _judged(module, failed)
    return _Judged(wrong=(), reshaped=frozenset())


def _judged(module: GeneratedModule, failed: CompileFailed) -> _Judged:
    wrong: list[Diagnostic] = []
    reshaped: set[str] = set()
    read: dict[Syntax, ToleratedErrors] = {}
    for found in failed.diagnostics:
        place = module.locate(found.line, found.column)
        syntax = module.syntaxes.get(_key(place)) if place else None
        if place is None or syntax is None:
            wrong.append(found)
            continue
        if syntax not in read:
            read[syntax] = ToleratedErrors(syntax)
        at = {"line": place.line, "column": place.column}
        if not read[syntax].is_harmless(found.code, found.message, **at):
            wrong.append(found)
        elif read[syntax].reshapes(found.code, found.message, **at):
            reshaped.add(place.node_id)
    return _Judged(wrong=tuple(wrong), reshaped=frozenset(reshaped))


def _key(place: Location) -> tuple[str, str]:
    """Return the node and the path of the field inside it, as syntaxes are kept."""
    prefix = f"nodes.{place.node_id}." if place.node_id else ""
    return place.node_id, place.path.removeprefix(prefix)
