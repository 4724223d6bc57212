"""What the compiler says about a module, as problems in the document."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from workflows.codegen.module.generate import GeneratedModule
from workflows.compilation.lenient import compile_leniently
from workflows.compilation.typescript import CompileFailed, Diagnostic
from workflows.ir.reading.problems import Problem, Severity


def type_problems(module: GeneratedModule, folder: Path) -> list[Problem]:
    """Compile the module in an empty folder; return errors or warnings with their nodes and lines."""
    try:
        compiled = compile_leniently(module, folder, dependencies=tuple(module.dependencies))
    except CompileFailed as failed:
        return [_as_problem(error, module) for error in failed.diagnostics]
    return [
        replace(_as_problem(warning, module), severity=Severity.WARNING)
        for warning in compiled.warnings
    ]


def _as_problem(error: Diagnostic, module: GeneratedModule) -> Problem:
    code = f" ({error.code})" if error.code else ""
    origin = module.locate(error.line, error.column)
    if origin is None:
        path = f"generated code, line {error.line}" if error.line else ""
        return Problem(path=path, message=error.message + code)
    where = f"line {origin.line}, column {origin.column}: " if origin.line else ""
    return Problem(
        path=origin.path,
        message=f"{where}{error.message}{code}",
        node_id=origin.node_id,
        line=origin.line,
        column=origin.column,
    )
