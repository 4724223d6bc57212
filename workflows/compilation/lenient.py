"""Compiles a generated module, tolerating type errors that are only loose JavaScript."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
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
class _Verdict:
    """`errors` are real ones; `reshaped` are nodes whose output types the compiler cannot know."""

    errors: tuple[Diagnostic, ...]
    reshaped: frozenset[str]


def compile_leniently(
    module: GeneratedModule, folder: Path, *, dependencies: Collection[str] = ()
) -> str:
    """Return the JavaScript; raises CompileFailed with the errors that are not tolerated.

    If code changes the shape of its own values, the compiler gets the type of its output wrong, so
    the module is checked again with that output typed as any.
    """
    try:
        return compile_module(module.source, folder, dependencies=dependencies)
    except CompileFailed as failed:
        verdict = _judge(module, failed)
    if verdict.errors and verdict.reshaped:
        verdict = _check(module.with_untyped(verdict.reshaped), folder, dependencies=dependencies)
    if verdict.errors:
        raise CompileFailed(_explained(error, module) for error in verdict.errors)
    sources = {_NAME: module.source}
    return compile_modules(sources, folder, dependencies=dependencies, checks_types=False)[_NAME]


def _explained(error: Diagnostic, module: GeneratedModule) -> Diagnostic:
    """Add what a node is called in code, if the error is about a name that nobody knows."""
    hint = module.explain(error.message)
    return replace(error, message=f"{error.message} The {hint}.") if hint else error


def _check(module: GeneratedModule, folder: Path, *, dependencies: Collection[str]) -> _Verdict:
    try:
        compile_module(module.source, folder, dependencies=dependencies)
    except CompileFailed as failed:
        return _judge(module, failed)
    return _Verdict(errors=(), reshaped=frozenset())


def _judge(module: GeneratedModule, failed: CompileFailed) -> _Verdict:
    errors: list[Diagnostic] = []
    reshaped: set[str] = set()
    tolerated_by: dict[Syntax, ToleratedErrors] = {}
    for error in failed.diagnostics:
        location = module.locate(error.line, error.column)
        syntax = module.syntaxes.get(_key(location)) if location else None
        if location is None or syntax is None:
            errors.append(error)
            continue
        if syntax not in tolerated_by:
            tolerated_by[syntax] = ToleratedErrors(syntax)
        tolerated = tolerated_by[syntax]
        position = {"line": location.line, "column": location.column}
        if not tolerated.is_harmless(error.code, error.message, **position):
            errors.append(error)
        elif tolerated.reshapes(error.code, error.message, **position):
            reshaped.add(location.node_id)
    return _Verdict(errors=tuple(errors), reshaped=frozenset(reshaped))


def _key(location: Location) -> tuple[str, str]:
    """Return the node and the path of the field inside it: the key of `syntaxes`."""
    prefix = f"nodes.{location.node_id}." if location.node_id else ""
    return location.node_id, location.path.removeprefix(prefix)
