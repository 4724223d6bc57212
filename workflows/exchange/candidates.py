"""What an import would do, before anything is saved: workflows with their changes and problems."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from audit.encrypted_fields import UnreadableSecret
from workflows.codegen.module.module_settings import module_settings
from workflows.compilation.from_document import generate_from_document
from workflows.documents.archive.content import (
    Archive,
    InvalidArchive,
    TypeContent,
    WorkflowContent,
)
from workflows.documents.archive.reading import read
from workflows.documents.archive.zip_files import MAX_ARCHIVE, is_zip
from workflows.documents.awaitstep.conversion import convert
from workflows.documents.awaitstep.rewrites import Rewrite
from workflows.draft_code import missing_variables
from workflows.draft_problems import module_problems
from workflows.ir.deploy.deploy_settings import DeploySettings, read_settings
from workflows.ir.document.registry import Registry
from workflows.ir.reading.identifiers import class_name_for
from workflows.ir.reading.problems import InvalidIR, Problem, Severity, quoted
from workflows.ir.validation.validate import read_json
from workflows.models import Workflow
from workflows.node_types.files import TypeFiles, misnamed
from workflows.node_types.loading import CheckedTypes, Outcome, State, check_types
from workflows.node_types.registered import types_for
from workflows.nodes.documents import parse
from workflows.services import HAS_FILES, Variable, effective_variables

MAX_UPLOADS: Final = 50
MAX_COMPILED: Final = 2_000
COMPILING_SECONDS: Final = 10.0
"""The number of nodes whose code is checked before an import, and for how long; the editor checks all others."""
PASTED: Final = "pasted text"
_ZIP_ALONE: Final = "An exported zip must be the only file. Import other files separately."
_ENTRY_CODE_OF_ONE: Final = (
    "Entry code belongs to one document. Import its document alone, or leave the entry code out."
)
_ENTRY_CODE_OF_ZIP: Final = "An exported zip contains its entry code. Leave the entry code out."
_TOO_MANY: Final = f"Choose at most {MAX_UPLOADS} files."
_TOO_LARGE: Final = f"The files are larger than {MAX_ARCHIVE // 1024 // 1024} MB in total."
_NOTHING: Final = "Choose a file, or paste a document."
NO_PERMISSION: Final = "You cannot load node types. Ask someone who can add node types to load them first, or to do this import."


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that a person chose, or text that was pasted."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A workflow that could be imported; `source` is its file, or its folder in an archive.

    `content` is everything that the workflow contains after the import. `errors` prevent the import,
    `deploy_errors` only a deploy. `missing` are variables that are not set here.
    """

    source: str
    content: WorkflowContent | None = None
    rewrites: tuple[Rewrite, ...] = ()
    errors: tuple[Problem, ...] = ()
    deploy_errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    missing: tuple[str, ...] = ()
    is_compiled: bool = True

    @property
    def name(self) -> str:
        """The name of the workflow; that of the file if there is none."""
        return (self.content.name if self.content else "") or self.source

    @property
    def node_count(self) -> int:
        document = self.content.document if self.content else None
        nodes = document.get("nodes") if isinstance(document, dict) else None
        return len(nodes) if isinstance(nodes, list) else 0

    @property
    def can_be_imported(self) -> bool:
        return self.content is not None and not self.errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """All candidates, the node types that come with them, and what is wrong with the files."""

    candidates: tuple[Candidate, ...] = ()
    types: CheckedTypes = field(default_factory=CheckedTypes)
    problems: tuple[str, ...] = ()
    is_archive: bool = False

    @property
    def new_types(self) -> list[Outcome]:
        """The node types that the import loads."""
        return [each for each in self.types.outcomes if each.state is not State.UNCHANGED]

    @property
    def more_types(self) -> list[dict[str, Any]]:
        """The content of the node types that the import loads, as documents are read with it."""
        files = [each.files for each in self.new_types]
        return [{"definition": each.value, "template": each.template} for each in files]

    @property
    def can_be_imported(self) -> bool:
        """Whether all of it can be imported."""
        return not self.problems and all(each.can_be_imported for each in self.candidates)


def prepare(
    uploads: Sequence[Upload],
    *,
    entry_code: str | None = None,
    into: Workflow | None = None,
    may_load_types: bool,
    checks_code: bool = True,
) -> Preparation:
    """Return what an import of these files would do. Nothing is saved.

    Code is compiled, as far as that does not take too long, unless `checks_code` is False.
    """
    reason = HAS_FILES if into and into.is_project else _reason(uploads, entry_code)
    if reason:
        return Preparation(problems=(reason,))
    if is_zip(uploads[0].data):
        return _of_archive(uploads[0], into, may_load_types=may_load_types, checks_code=checks_code)
    candidates = [_of_document(upload, entry_code, into) for upload in uploads]
    checked = _Checks(into, (), checks_code=checks_code).all(candidates)
    return Preparation(candidates=tuple(checked))


def _reason(uploads: Sequence[Upload], entry_code: str | None) -> str:
    """Return why these files cannot be imported together; "" if they can."""
    has_entry_code = bool(entry_code and entry_code.strip())
    zips = sum(is_zip(upload.data) for upload in uploads)
    reasons = {
        _NOTHING: not uploads,
        _TOO_MANY: len(uploads) > MAX_UPLOADS,
        _TOO_LARGE: sum(len(upload.data) for upload in uploads) > MAX_ARCHIVE,
        _ZIP_ALONE: bool(zips) and len(uploads) > 1,
        _ENTRY_CODE_OF_ZIP: bool(zips) and has_entry_code,
        _ENTRY_CODE_OF_ONE: len(uploads) > 1 and has_entry_code,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _of_document(upload: Upload, entry_code: str | None, into: Workflow | None) -> Candidate:
    """Return the candidate of a document, in our form; `into` keeps what the document does not contain."""
    try:
        document = read_json(upload.data)
    except InvalidIR as invalid:
        return Candidate(source=upload.name, errors=invalid.problems)
    converted = convert(document, types_for(document), entry_code=entry_code)
    errors = [problem for problem in converted.problems if problem.is_error]
    workflow = into or Workflow()
    return Candidate(
        source=upload.name,
        content=WorkflowContent(
            name=_name_of(converted.document),
            description=workflow.description,
            document=converted.document,
            entry_code=workflow.entry_code if entry_code is None else converted.entry_code or "",
            dependencies=workflow.dependencies,
            bindings=workflow.bindings if into else {},
            deploy_settings=converted.settings(workflow.deploy_settings) if not errors else {},
            tests=workflow.tests,
        ),
        rewrites=converted.rewrites,
        errors=tuple(errors),
        warnings=tuple(problem for problem in converted.problems if not problem.is_error),
    )


def _name_of(document: Any) -> str:
    metadata = document.get("metadata") if isinstance(document, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else ""


def _of_archive(
    upload: Upload, into: Workflow | None, *, may_load_types: bool, checks_code: bool
) -> Preparation:
    try:
        archive = read(upload.data)
    except InvalidArchive as invalid:
        return Preparation(problems=tuple(map(str, invalid.problems)), is_archive=True)
    types = check_types(files_of_types(archive))
    outcomes = types.outcomes
    refused = [str(problem) for each in outcomes for problem in each.problems if problem.is_error]
    new = [each for each in outcomes if each.state is not State.UNCHANGED]
    problems = refused or ([NO_PERMISSION] if new and not may_load_types else [])
    candidates = [
        Candidate(source=folder, content=content) for folder, content in archive.workflows.items()
    ]
    return Preparation(
        candidates=tuple(_Checks(into, archive.types, checks_code=checks_code).all(candidates)),
        types=types,
        problems=tuple(problems),
        is_archive=True,
    )


def files_of_types(archive: Archive) -> list[TypeFiles]:
    """Return the node types of an archive as if they had been read from a folder."""
    return [
        TypeFiles(
            id=type_.id,
            version=type_.version,
            value=type_.definition,
            template=type_.template,
            template_file=f"{type_.id}/{type_.version}/template.ts",
            problems=tuple(
                misnamed(
                    type_.definition,
                    id_=type_.id,
                    version=type_.version,
                    file=f"{type_.id}/{type_.version}/node.json",
                )
            ),
        )
        for type_ in archive.types
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A candidate in the form in which module settings read a workflow."""

    id: str
    ir: Any
    class_name: str
    entry_code: str
    dependencies: Mapping[str, str]
    bindings: Mapping[str, str]
    settings: DeploySettings


@dataclass(slots=True)
class _Checks:
    """Checks candidates with the node types and the variables that they will have."""

    into: Workflow | None
    types: Iterable[TypeContent]
    checks_code: bool
    _variables: dict[str, Variable] = field(init=False)

    def __post_init__(self) -> None:
        try:
            self._variables = effective_variables(self.into)
        except UnreadableSecret:
            self._variables = {}

    def all(self, candidates: Sequence[Candidate]) -> Iterator[Candidate]:
        """Yield the candidates with their problems."""
        count, deadline = 0, time.monotonic() + COMPILING_SECONDS
        for candidate in candidates:
            count += candidate.node_count
            is_quick = count <= MAX_COMPILED and time.monotonic() < deadline
            yield self._checked(candidate, compiles=self.checks_code and is_quick)

    def _checked(self, candidate: Candidate, *, compiles: bool) -> Candidate:
        content = candidate.content
        if content is None:
            return candidate
        more = [{"definition": each.definition, "template": each.template} for each in self.types]
        types = types_for(content.document, more)
        parsed = parse(content.document, types)
        errors = [problem for problem in parsed.problems if problem.is_error]
        if errors or candidate.errors:
            return replace(candidate, errors=(*candidate.errors, *errors))
        return (
            self._with_code(candidate, content, types)
            if compiles
            else self._without_code(candidate, content, parsed.problems)
        )

    def _without_code(
        self, candidate: Candidate, content: WorkflowContent, warnings: Iterable[Problem]
    ) -> Candidate:
        """Return the candidate with what is known without reading its code."""
        known = {*self._variables, *content.bindings}
        return replace(
            candidate,
            warnings=(*candidate.warnings, *warnings, *self._taken(content)),
            missing=tuple(name for name in content.variables if name not in known),
            is_compiled=False,
        )

    def _with_code(
        self, candidate: Candidate, content: WorkflowContent, types: Registry
    ) -> Candidate:
        try:
            settings = module_settings(self._draft(content), self._variables)
            module = generate_from_document(content.document, settings, types)
        except InvalidIR as invalid:
            return replace(candidate, deploy_errors=invalid.problems)
        missing = dict.fromkeys(use.name for use in missing_variables(module, settings))
        found = module_problems(module)
        warnings = (problem for problem in found if not problem.is_error)
        return replace(
            candidate,
            deploy_errors=tuple(problem for problem in found if problem.is_error),
            warnings=(*candidate.warnings, *warnings, *self._taken(content)),
            missing=tuple(missing),
        )

    def _taken(self, content: WorkflowContent) -> Iterator[Problem]:
        """Yield a warning for each route and domain that another workflow has, too."""
        own = set(_addresses(content.deploy_settings))
        others = Workflow.objects.exclude(pk=self.into.pk) if self.into else Workflow.objects.all()
        rows = others.values_list("name", "deploy_settings") if own else []
        for name, settings in rows:
            for address in sorted(own.intersection(_addresses(settings))):
                message = f"{address} also belongs to {quoted(name)}: only one of them can be deployed with it"
                yield Problem(path="settings", message=message, severity=Severity.WARNING)

    def _draft(self, content: WorkflowContent) -> _Draft:
        into = self.into
        return _Draft(
            id=into.pk if into else "",
            ir=content.document,
            class_name=into.class_name if into else class_name_for(content.name),
            entry_code=content.entry_code,
            dependencies=content.dependencies,
            bindings=content.bindings,
            settings=read_settings(content.deploy_settings),
        )


def _addresses(settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield the patterns of routes and the domains."""
    for route in settings.get("routes") or ():
        yield str(route.get("pattern"))
    yield from map(str, settings.get("customDomains") or ())
