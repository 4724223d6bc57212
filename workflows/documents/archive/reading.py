"""Reads archives: every problem is reported with its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from workflows.documents.archive import layout
from workflows.documents.archive.content import (
    FORMAT,
    MAX_WORKFLOWS,
    Archive,
    ArchiveProblem,
    InvalidArchive,
    TypeContent,
    WorkflowContent,
)
from workflows.documents.archive.zip_files import read_files
from workflows.documents.saved_tests.reading import InvalidTests, read_tests
from workflows.ir.deploy.deploy_settings import InvalidSettings, read_settings
from workflows.ir.reading.bindings import BINDING_ID, OWN_WORKFLOW, VARIABLE_NAME, BindingKind
from workflows.ir.reading.dependencies import check_dependencies
from workflows.ir.reading.names import name_problem
from workflows.ir.reading.problems import InvalidIR, listed, quoted
from workflows.ir.reading.raw_values import MAX_DEPTH, check_values
from workflows.ir.validation.validate import read_json

_NO_MANIFEST: Final = f"The zip has no {layout.MANIFEST}: choose a file that was exported here, or the documents themselves."
_NEWER: Final = (
    "The file was exported by a newer version of AwaitStep (format {format}; this version reads format "
    f"{FORMAT}): update this installation."
)
_NOT_A_MANIFEST: Final = "must be an object with format, workflows and nodeTypes"


def read(data: bytes) -> Archive:
    """Return the content of an archive; raises InvalidArchive."""
    return _Reader(read_files(data)).archive()


class _Reader:
    """Reads the files of one archive."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._prefix = _prefix(files)
        self._files = {name.removeprefix(self._prefix): data for name, data in files.items()}
        self._problems: list[ArchiveProblem] = []

    def archive(self) -> Archive:
        """Return the content; raises InvalidArchive with all problems."""
        folders, types = self._manifest()
        workflows = {folder: self._workflow(folder, folders) for folder in folders}
        loaded = tuple(self._type(type_) for type_ in types)
        if self._problems:
            raise InvalidArchive(self._problems)
        return Archive(workflows=workflows, types=loaded)

    def _report(self, file: str, message: str) -> None:
        self._problems.append(ArchiveProblem(file=file, message=message))

    def _manifest(self) -> tuple[list[str], list[str]]:
        """Return the folders of workflows and of node types; raises InvalidArchive."""
        if layout.MANIFEST not in self._files:
            raise InvalidArchive([ArchiveProblem(file="", message=_NO_MANIFEST)])
        manifest = self._json(layout.MANIFEST)
        format_ = manifest.get("format") if isinstance(manifest, dict) else None
        if isinstance(format_, int) and format_ > FORMAT:
            newer = _NEWER.format(format=format_)
            raise InvalidArchive([ArchiveProblem(file="", message=newer)])
        folders, types = (_texts(manifest, key) for key in ("workflows", "nodeTypes"))
        if format_ != FORMAT or folders is None or types is None:
            self._report(layout.MANIFEST, _NOT_A_MANIFEST)
        elif not folders:
            self._report(layout.MANIFEST, "lists no workflow")
        elif len(folders) > MAX_WORKFLOWS:
            self._report(layout.MANIFEST, f"lists more than {MAX_WORKFLOWS} workflows")
        if self._problems:
            raise InvalidArchive(self._problems)
        return folders or [], types or []

    def _json(self, file: str, default: Any = None) -> Any:
        """Return the value in a JSON file; the default if there is none that can be used."""
        if file not in self._files:
            return default
        try:
            value = read_json(self._files[file])
        except InvalidIR as invalid:
            for problem in invalid.problems:
                self._report(file, problem.message)
            return default
        problems = check_values(value, max_depth=MAX_DEPTH)
        for problem in problems:
            self._report(file, str(problem))
        return default if problems else value

    def _text(self, file: str) -> str:
        try:
            return self._files.get(file, b"").decode()
        except UnicodeDecodeError as error:
            self._report(file, f"is not UTF-8: byte {error.start} cannot be read")
            return ""

    def _object(self, file: str, check: Callable[[Any], Iterator[str]]) -> dict[str, Any]:
        value = self._json(file, {})
        if not isinstance(value, dict):
            self._report(file, f"must be an object, not {quoted(value)}")
            return {}
        for message in check(value):
            self._report(file, message)
        return value

    def _workflow(self, folder: str, folders: list[str]) -> WorkflowContent:
        base = f"{layout.WORKFLOWS}/{folder}/"
        for required in (layout.ABOUT, layout.DOCUMENT):
            if base + required not in self._files:
                self._report(base + required, "is missing")
        about = self._object(base + layout.ABOUT, lambda value: _about_errors(value, folders))
        return WorkflowContent(
            name=str(about.get("name", "")),
            description=str(about.get("description", "")),
            calls=about.get("calls", {}),
            document=self._json(base + layout.DOCUMENT),
            entry_code=self._text(base + layout.ENTRY_CODE),
            dependencies=self._object(base + layout.DEPENDENCIES, _dependency_errors),
            bindings=self._object(base + layout.BINDINGS, _binding_errors),
            deploy_settings=self._object(base + layout.DEPLOY_SETTINGS, _settings_errors),
            variables=self._object(base + layout.VARIABLES, _variable_errors),
            tests=self._tests(base + layout.TESTS),
        )

    def _tests(self, file: str) -> tuple[Any, ...]:
        tests = self._json(file, [])
        try:
            read_tests(tests)
        except InvalidTests as invalid:
            for problem in invalid.problems:
                self._report(file, str(problem))
            return ()
        return tuple(tests)

    def _type(self, path: str) -> TypeContent:
        base, (id_, _, version) = f"{layout.TYPES}/{path}/", path.partition("/")
        for required in (layout.DEFINITION, layout.TEMPLATE):
            if base + required not in self._files:
                self._report(base + required, "is missing")
        return TypeContent(
            id=id_,
            version=version,
            definition=self._json(base + layout.DEFINITION),
            template=self._text(base + layout.TEMPLATE),
        )


def _prefix(files: Mapping[str, bytes]) -> str:
    """Return the folder that contains everything, as when a person zips the folder again."""
    found = [name for name in files if name.rpartition("/")[2] == layout.MANIFEST]
    if len(found) != 1:
        return ""
    prefix = found[0].removesuffix(layout.MANIFEST)
    return prefix if all(name.startswith(prefix) for name in files) else ""


def _texts(manifest: Any, key: str) -> list[str] | None:
    """Return the different texts of a list; None if it is not one."""
    value = manifest.get(key) if isinstance(manifest, dict) else None
    is_list = isinstance(value, list) and all(isinstance(item, str) and item for item in value)
    return list(dict.fromkeys(value)) if isinstance(value, list) and is_list else None


def _about_errors(about: dict[str, Any], folders: list[str]) -> Iterator[str]:
    name, calls = about.get("name"), about.get("calls", {})
    problem = name_problem(name) if isinstance(name, str) else "must be text"
    if problem:
        yield f"name {problem}"
    if not isinstance(about.get("description", ""), str):
        yield "description must be text"
    if not isinstance(calls, dict):
        yield "calls must be an object of nodes and folders"
        return
    for node, folder in calls.items():
        if folder not in folders:
            yield f"calls.{node} must be one of {listed(folders)}, not {quoted(folder)}"


def _dependency_errors(value: dict[str, Any]) -> Iterator[str]:
    yield from map(str, check_dependencies(value))


def _settings_errors(value: dict[str, Any]) -> Iterator[str]:
    try:
        read_settings(value)
    except InvalidSettings as invalid:
        yield from map(str, invalid.problems)


def _binding_errors(value: dict[str, Any]) -> Iterator[str]:
    kinds = [kind.value for kind in BindingKind]
    for name, kind in value.items():
        is_name = VARIABLE_NAME.fullmatch(name) and len(name) <= 128
        if not is_name or name == OWN_WORKFLOW or name.endswith(BINDING_ID):
            yield f"{quoted(name)} is not a name for a binding"
        if kind not in kinds:
            yield f"{name} must be one of {listed(kinds, limit=20)}, not {quoted(kind)}"


def _variable_errors(value: dict[str, Any]) -> Iterator[str]:
    for name, kind in value.items():
        if not isinstance(kind, str):
            yield f"{name} must be text"
