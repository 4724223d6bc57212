"""Compiles a generated module; only complaints that are certainly mistakes reject it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from toolchain import process
from toolchain.node_tools import NODE
from workflows.codegen.module.generate import GeneratedModule
from workflows.codegen.syntax.certain_mistakes import CertainMistakes, is_certain_in_text
from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.text.writer import Location
from workflows.compilation.typescript import (
    CompileFailed,
    Diagnostic,
    compile_module,
    compile_modules,
)

_NAME = "worker.ts"
_PARSED = "parsed.mjs"
_TIME_LIMIT = 30.0
# The compiler's own limits, which say nothing about the code that they are reported for.
GIVEN_UP = frozenset({"TS2563", "TS2589", "TS2590"})
_MAX_SHOWN = 100
_MAX_COMPLAINTS = 2_000  # about one piece of code; each takes longer in longer code
_TOO_MANY = f"the compiler reports more than {_MAX_COMPLAINTS:,} errors in this code: simplify it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """The JavaScript, and the complaints that did not prevent it."""

    script: str
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Complaints by severity; `reshaped` are nodes whose output types may be wrong."""

    errors: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    reshaped: frozenset[str] = frozenset()


def compile_leniently(
    module: GeneratedModule, folder: Path, *, dependencies: Collection[str] = ()
) -> Compiled:
    """Return the JavaScript with warnings; raises CompileFailed with what is certainly a mistake.

    If code changes the shape of its own values, the compiler gets the type of its output wrong, so
    the module is checked again with that output typed as any.
    """
    try:
        return Compiled(script=compile_module(module.source, folder, dependencies=dependencies))
    except CompileFailed as failed:
        verdict = judge(failed.diagnostics, module)
    if verdict.errors and verdict.reshaped:
        untyped = module.with_untyped(verdict.reshaped)
        verdict = replace(_check(untyped, folder, dependencies), reshaped=verdict.reshaped)
    if verdict.errors:
        raise CompileFailed(_explained(error, module) for error in _first(verdict.errors))
    sources = {_NAME: module.source}
    script = compile_modules(sources, folder, dependencies=dependencies, checks_types=False)[_NAME]
    _check_syntax(script, folder, verdict.warnings)
    return Compiled(script=script, warnings=verdict.warnings)


def _first(errors: tuple[Diagnostic, ...]) -> Iterator[Diagnostic]:
    """Yield the first errors, and the number of the others."""
    yield from errors[:_MAX_SHOWN]
    if more := len(errors[_MAX_SHOWN:]):
        message = f"{more:,} more errors are not shown"
        yield Diagnostic(line=0, column=0, code="", message=message, file="")


def _check(module: GeneratedModule, folder: Path, dependencies: Collection[str]) -> Verdict:
    try:
        compile_module(module.source, folder, dependencies=dependencies)
    except CompileFailed as failed:
        return judge(failed.diagnostics, module)
    return Verdict()


def _check_syntax(script: str, folder: Path, complaints: Iterable[Diagnostic]) -> None:
    """Raise CompileFailed for JavaScript that no engine accepts, such as `await` in a plain function."""
    (folder / _PARSED).write_text(script, "utf-8")
    finished = process.run(
        [NODE, "--check", _PARSED],
        cwd=folder,
        env=process.environment(home=folder),
        timeout=_TIME_LIMIT,
    )
    if finished.exit_code:
        about_syntax = [each for each in complaints if CertainMistakes.is_about_syntax(each.code)]
        message = next(
            (line for line in finished.stderr.splitlines() if "SyntaxError" in line), "SyntaxError"
        )
        whole = Diagnostic(line=0, column=0, code="", message=message, file="")
        raise CompileFailed(about_syntax or [whole])


def _explained(error: Diagnostic, module: GeneratedModule) -> Diagnostic:
    """Add the variable of a node, if the error is about an unknown name."""
    hint = module.explain(error.message)
    return replace(error, message=f"{error.message} The {hint}.") if hint else error


class Located(Protocol):
    """Generated code that knows which parts of it users wrote."""

    @property
    def syntaxes(self) -> Mapping[tuple[str, str], Syntax]: ...
    def locate(self, line: int, column: int) -> Location | None: ...


def judge(diagnostics: Iterable[Diagnostic], module: Located) -> Verdict:
    """Return which complaints of the compiler are mistakes, and which are warnings."""
    errors: list[Diagnostic] = []
    warnings: list[Diagnostic] = []
    reshaped: set[str] = set()
    by_syntax: dict[Syntax, CertainMistakes] = {}
    judged: Counter[Syntax | None] = Counter()
    for error in (each for each in diagnostics if each.code not in GIVEN_UP):
        location = module.locate(error.line, error.column)
        syntax = module.syntaxes.get(_key(location)) if location else None
        judged[syntax] += 1
        if syntax and judged[syntax] > _MAX_COMPLAINTS:
            if judged[syntax] == _MAX_COMPLAINTS + 1:
                errors.append(replace(error, code="", message=_TOO_MANY))
            continue
        if syntax and syntax not in by_syntax:
            by_syntax[syntax] = CertainMistakes(syntax)
        mistakes = by_syntax.get(syntax) if syntax else None
        is_certain = _is_certain(error, location, mistakes)
        (errors if is_certain else warnings).append(error)
        if location and mistakes and not is_certain and mistakes.reshapes(error.code):
            reshaped.add(location.node_id)
    return Verdict(errors=tuple(errors), warnings=tuple(warnings), reshaped=frozenset(reshaped))


def _is_certain(
    error: Diagnostic, location: Location | None, mistakes: CertainMistakes | None
) -> bool:
    if not error.code:  # the compiler itself has failed
        return True
    if location is None or mistakes is None:
        return location is not None and is_certain_in_text(error.code, error.message)
    return mistakes.is_certain(
        error.code, error.message, line=location.line, column=location.column
    )


def _key(location: Location) -> tuple[str, str]:
    """Return the node and the path of the field inside it: the key of `syntaxes`."""
    prefix = f"nodes.{location.node_id}." if location.node_id else ""
    return location.node_id, location.path.removeprefix(prefix)
