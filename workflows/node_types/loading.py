"""Loads all node types of a folder, or none if one of them fails to validate or compile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from django.db import transaction

from workflows.compilation.lenient import judge
from workflows.compilation.template_check import TemplateCheck, check_template
from workflows.compilation.typescript import (
    CompileFailed,
    Diagnostic,
    compile_modules,
)
from workflows.ir.custom.definition import Definition, read_definition
from workflows.ir.reading.problems import Problem
from workflows.models import NodeType
from workflows.node_types.files import FileProblem, TypeFiles, types_in
from workflows.node_types.registered import is_used
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.library.library import library
from workflows.scratch_folders import scratch_folder

_LOADED: Final = "is already loaded"
_SHIPPED: Final = "comes with AwaitStep"


class State(StrEnum):
    """What happened to a version of a node type."""

    LOADED = "loaded"
    UNCHANGED = "unchanged"
    HELD_BACK = "held back"  # valid, but another one is rejected
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome for one version of a node type."""

    files: TypeFiles
    state: State
    problems: tuple[FileProblem, ...]

    def __str__(self) -> str:
        return f"{self.files.id} {self.files.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """A node type during loading; `definition` and `check` are None until they are known."""

    files: TypeFiles
    problems: tuple[FileProblem, ...]
    definition: Definition | None = None
    check: TemplateCheck | None = None
    is_loaded: bool = False

    @property
    def is_refused(self) -> bool:
        return any(problem.is_error for problem in self.problems)

    def with_problems(self, problems: Iterable[FileProblem]) -> _Candidate:
        return replace(self, problems=(*self.problems, *problems))


def load(folder: Path, *, by: str) -> list[Outcome]:
    """Load every new node type of the folder; if one is rejected, load none."""
    return load_types(types_in(folder), by=by)


def load_types(types: Iterable[TypeFiles], *, by: str) -> list[Outcome]:
    """Load every new one of these node types; if one is rejected, load none."""
    return save_types(check_types(types), by=by)


@dataclass(frozen=True, slots=True)
class CheckedTypes:
    """Node types that were compiled, which takes seconds, and can be saved in a transaction."""

    candidates: Sequence[_Candidate] = ()

    @property
    def outcomes(self) -> list[Outcome]:
        """What saving them would do."""
        return _outcomes(self.candidates)


def check_types(types: Iterable[TypeFiles]) -> CheckedTypes:
    """Check the node types without saving them."""
    return CheckedTypes(_compiled([_candidate(files) for files in types]))


@transaction.atomic
def save_types(checked: CheckedTypes, *, by: str) -> list[Outcome]:
    """Save every new one; if one is rejected, save none. Others may have loaded some since the check."""
    candidates = [_compared(each) if each.definition else each for each in checked.candidates]
    if not any(candidate.is_refused for candidate in candidates):
        _save(candidates, by=by)
    return _outcomes(candidates)


def _outcomes(candidates: Sequence[_Candidate]) -> list[Outcome]:
    any_refused = any(candidate.is_refused for candidate in candidates)
    return [_outcome(candidate, any_refused=any_refused) for candidate in candidates]


def _candidate(files: TypeFiles) -> _Candidate:
    candidate = _Candidate(files=files, problems=files.problems)
    if candidate.is_refused:
        return candidate
    candidate = _compared(candidate)
    if candidate.is_loaded:
        return candidate
    read = read_definition(files.value, built_in=NODE_TYPES.names)
    candidate = candidate.with_problems(_file_problems(read.problems, files))
    if read.definition is None:
        return candidate
    check = check_template(read.definition, files.template)
    checked = replace(candidate, definition=read.definition, check=check)
    return checked.with_problems(_file_problems(check.problems, files))


def _compared(candidate: _Candidate) -> _Candidate:
    """Compare the type with the existing one of this version.

    One that differs is rejected, unless it comes with AwaitStep and no document uses it: the registry
    of AwaitStep has other types with the same names.
    """
    files = candidate.files
    pin = (files.id, files.version)
    row = NodeType.objects.filter(type_id=files.id, version=files.version).first()
    known = row or library().get(pin)
    if known is None:
        return candidate
    is_same = known.has_content(files.value, files.template)
    if not is_same and not row and not is_used(pin):
        return candidate
    problems = [] if is_same else [_changed(files, _LOADED if row else _SHIPPED)]
    return replace(candidate, is_loaded=True).with_problems(problems)


def _changed(files: TypeFiles, state: str) -> FileProblem:
    message = (
        f"{files.id} {files.version} {state} with different content, and documents rely on it: use "
        "a new version"
    )
    return FileProblem(file=files.definition_file, message=message)


def _file_problems(problems: Iterable[Problem], files: TypeFiles) -> Iterator[FileProblem]:
    for problem in problems:
        label = f"node type {files.id} {files.version}"
        is_in_template = problem.path == label
        path = f"{problem.path}: " if problem.path and not is_in_template else ""
        yield FileProblem(
            file=files.template_file if is_in_template else files.definition_file,
            message=f"{path}{problem.message}",
            is_error=problem.is_error,
        )


def _compiled(candidates: list[_Candidate]) -> list[_Candidate]:
    """Type-check all new templates in one run of the compiler."""
    checks = {
        f"type_{number}.ts": candidate.check
        for number, candidate in enumerate(candidates)
        if candidate.check and candidate.check.source
    }
    diagnostics = _diagnostics(checks, candidates)
    return [
        candidate.with_problems(_located(diagnostics.get(f"type_{number}.ts", []), candidate))
        for number, candidate in enumerate(candidates)
    ]


def _diagnostics(
    checks: Mapping[str, TemplateCheck], candidates: Iterable[_Candidate]
) -> dict[str, list[Diagnostic]]:
    """Return the compiler's messages by file; one without a file is listed under every file."""
    packages = {
        name
        for candidate in candidates
        if candidate.definition
        for name in candidate.definition.dependencies
    }
    sources = {name: check.source for name, check in checks.items()}
    by_file: dict[str, list[Diagnostic]] = {name: [] for name in checks}
    with scratch_folder("node-types") as folder:
        try:
            if sources:
                compile_modules(sources, folder, dependencies=sorted(packages))
        except CompileFailed as failed:
            for diagnostic in failed.diagnostics:
                for name in [diagnostic.file] if diagnostic.file in by_file else by_file:
                    by_file[name].append(diagnostic)
    return by_file


def _located(diagnostics: Iterable[Diagnostic], candidate: _Candidate) -> Iterator[FileProblem]:
    """Yield the compiler's messages; only definite mistakes cause the type to be rejected."""
    check = candidate.check
    if check is None:
        return
    verdict = judge(diagnostics, check)
    for diagnostic in (*verdict.errors, *verdict.warnings):
        place = check.locate(diagnostic.line, diagnostic.column)
        code = f" ({diagnostic.code})" if diagnostic.code else ""
        yield FileProblem(
            file=candidate.files.template_file,
            line=place.line if place else 0,
            message=f"{diagnostic.message}{code}",
            is_error=diagnostic in verdict.errors,
        )


def _save(candidates: Iterable[_Candidate], *, by: str) -> None:
    for candidate in candidates:
        if candidate.definition and not candidate.is_loaded:
            NodeType.objects.create(
                type_id=candidate.definition.id,
                version=candidate.definition.version,
                name=candidate.definition.name,
                definition=candidate.files.value,
                template=candidate.files.template,
                loaded_by=by,
            )


def _outcome(candidate: _Candidate, *, any_refused: bool) -> Outcome:
    if candidate.is_refused:
        state = State.REFUSED
    elif candidate.is_loaded:
        state = State.UNCHANGED
    else:
        state = State.HELD_BACK if any_refused else State.LOADED
    return Outcome(files=candidate.files, state=state, problems=candidate.problems)
