"""Type-checks the files of a project; only complaints that are certainly mistakes reject it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from workflows.codegen.syntax.bounded_parser import syntax_of
from workflows.codegen.syntax.certain_mistakes import CertainMistakes
from workflows.compilation.lenient import GIVEN_UP
from workflows.compilation.project_folder import ProjectSource, support_files, write_files
from workflows.compilation.project_imports import CODE_SUFFIXES, imported_files
from workflows.compilation.typescript import (
    CompileFailed,
    Diagnostic,
    run_compiler,
)
from workflows.ir.reading.fields import Code

_EXPORTS: Final = "awaitstep-exports.ts"
_OF_PACKAGE: Final = re.compile(r"""(?:Namespace|Module) '"?([^'"]+)"?' has no exported member""")
_MAX_COMPLAINTS: Final = 2_000  # about one file; each takes longer in longer code
_MAX_SHOWN: Final = 100
_UNTYPED: Final = frozenset({"TS2307", "TS2305", "TS2694", "TS7016"})
_NOT_EXPORTED: Final = frozenset({"TS2305", "TS2459", "TS2460", "TS2614", "TS2724"})
_EXPORTS_ALL: Final = re.compile(r"""\bexport\s*\*\s*from\s*["'][^."'/]""")
_OF_ANY: Final = frozenset(
    {"TS2347", "TS2709"}
)  # what is not known has type arguments, or is a type


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectVerdict:
    """The compiler's complaints, with file, line and column: what blocks, and what does not.

    `not_exported` are the classes that the main module certainly does not export.
    """

    errors: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    not_exported: tuple[str, ...] = ()


def check_project(source: ProjectSource, folder: Path) -> ProjectVerdict:
    """Check the main module and what it imports; `folder` is empty and holds the compiler's files."""
    checked = imported_files(source.files, source.main, source.aliases)
    _write(source, checked, folder)
    size = sum(len(source.files[path]) for path in checked)
    try:
        run_compiler(folder, size=size)
    except CompileFailed as failed:
        return _judge(failed.diagnostics, source)
    return ProjectVerdict()


def _write(source: ProjectSource, checked: Iterable[str], folder: Path) -> None:
    checked = tuple(checked)
    names = [path for path in checked if path.endswith((*CODE_SUFFIXES, ".json"))]
    files = {_EXPORTS: _exports(source, checked)} | {path: source.files[path] for path in names}
    write_files({**files, **support_files(source, files)}, folder)


def _exports(source: ProjectSource, checked: Iterable[str]) -> str:
    """Return a module that needs each class, one a line; nothing if a package may export them."""
    if any(_EXPORTS_ALL.search(source.files[path]) for path in checked):
        return "export {};"
    path = json.dumps(f"./{source.main}")
    lines = [f"export {{ {json.dumps(name)} as _{index} }} from {path};"
             for index, name in enumerate(source.classes)]  # fmt: skip
    return "\n".join(lines) or "export {};"


def _judge(diagnostics: Iterable[Diagnostic], source: ProjectSource) -> ProjectVerdict:
    errors: list[Diagnostic] = []
    warnings: list[Diagnostic] = []
    not_exported: list[str] = []
    mistakes: dict[str, CertainMistakes] = {}
    judged: Counter[str] = Counter()
    for each in diagnostics:
        if each.code in GIVEN_UP or _is_about_package(each, source):
            continue
        if each.file == _EXPORTS:
            not_exported += _missing_class(each, source)
            continue
        judged[each.file] += 1
        if judged[each.file] > _MAX_COMPLAINTS:
            continue
        (errors if _is_certain(each, source, mistakes) else warnings).append(each)
    has_syntax_error = any(CertainMistakes.is_about_syntax(each.code) for each in errors)
    return ProjectVerdict(
        errors=tuple(_first(errors)),
        warnings=tuple(warnings[:_MAX_SHOWN]),
        not_exported=() if has_syntax_error else tuple(not_exported),
    )


def _missing_class(each: Diagnostic, source: ProjectSource) -> tuple[str, ...]:
    return source.classes[each.line - 1 : each.line] if each.code in _NOT_EXPORTED else ()


def _first(errors: list[Diagnostic]) -> Iterator[Diagnostic]:
    yield from errors[:_MAX_SHOWN]
    if more := len(errors[_MAX_SHOWN:]):
        message = f"{more:,} more errors are not shown"
        yield replace(errors[0], line=0, column=0, code="", message=message, file="")


def _is_about_package(each: Diagnostic, source: ProjectSource) -> bool:
    """Whether the complaint is only that the types of a package are not known."""
    if each.code in _OF_ANY:
        return True
    if each.code not in _UNTYPED:
        return False
    named = _OF_PACKAGE.search(each.message)
    if named is None:
        return each.code == "TS7016"
    return any(named[1] == name or named[1].startswith(f"{name}/") for name in source.packages)


def _is_certain(
    each: Diagnostic, source: ProjectSource, mistakes: dict[str, CertainMistakes]
) -> bool:
    if not each.code:  # the compiler itself has failed
        return True
    if each.file not in source.files:
        return False
    if each.file not in mistakes:
        code = Code(each.file, source.files[each.file], is_expression=False, references=())
        mistakes[each.file] = CertainMistakes(syntax_of(code))
    if CertainMistakes.is_about_syntax(each.code):
        return each.code.startswith("TS1") and not each.file.endswith((".js", ".mjs", ".jsx"))
    return mistakes[each.file].is_certain(
        each.code, each.message, line=each.line, column=each.column
    )
