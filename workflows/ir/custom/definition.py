"""Reads a node.json, the definition of a custom node type, and reports all its problems."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from toolchain.invisible_characters import invisible_problem
from workflows.ir.custom.config_schema import read_fields
from workflows.ir.custom.output_schema import read_output
from workflows.ir.reading.dependencies import check_dependencies
from workflows.ir.reading.fields import Duration, Text
from workflows.ir.reading.names import name_problem
from workflows.ir.reading.problems import Problem, quoted
from workflows.ir.reading.raw_values import check_values
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.formats import is_url
from workflows.ir.settings.setting_field import SettingField

PROVIDER: Final = "cloudflare"
MAX_DEPTH: Final = 100
MAX_ID_LENGTH: Final = 64
MAX_NAME_LENGTH: Final = 100
MAX_VERSION_LENGTH: Final = 60
MAX_DESCRIPTION_LENGTH: Final = 120
_ID: Final = re.compile(r"[a-z][a-z0-9_-]*")
_IDENTIFIER: Final = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_SEMVER: Final = re.compile(
    r"(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)"
    rf"(?:-{_IDENTIFIER}(?:\.{_IDENTIFIER})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?",
    re.ASCII,
)
_DEFAULT_RETRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A custom node type; `output` is a TypeScript type, `timeout` is None for the default."""

    id: str
    version: str
    name: str
    description: str
    category: str
    tags: tuple[str, ...]
    icon: str
    docs_url: str
    author: str
    license: str
    fields: tuple[SettingField, ...]
    output: str
    dependencies: Mapping[str, str]
    timeout: Duration | None
    retries: int
    deprecated: bool
    deprecation_message: str
    replaced_by: str

    @property
    def label(self) -> str:
        """Its name in problems, which cannot be confused with a setting."""
        return f"node type {self.id} {self.version}"

    @property
    def secrets(self) -> tuple[SettingField, ...]:
        """The fields whose values come from variables."""
        return tuple(field for field in self.fields if field.variable)

    @property
    def deprecation(self) -> str:
        """The warning for nodes of this type; "" if it is not deprecated."""
        if not self.deprecated:
            return ""
        parts = [f"{self.id} {self.version} is deprecated", self.deprecation_message.rstrip(".")]
        parts.append(f"use {self.replaced_by} instead" if self.replaced_by else "")
        return ": ".join(filter(None, parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDefinition:
    """The result of reading a node.json: `definition` is None if there are errors."""

    definition: Definition | None
    problems: tuple[Problem, ...]


def read_definition(value: object, *, built_in: Collection[str]) -> ParsedDefinition:
    """Read a node.json; never raises. `built_in` are the ids that a custom type cannot have."""
    if not isinstance(value, dict):
        message = f"must be an object, not {quoted(value)}"
        return ParsedDefinition(definition=None, problems=(Problem(path="", message=message),))
    log = check_values(value, max_depth=MAX_DEPTH)
    if log:
        return ParsedDefinition(definition=None, problems=tuple(log))
    reader = Reader(value, path="", log=log)
    definition = _definition(reader, built_in)
    reader.warn_about_unknown(
        "is not a property of node.json and has no effect: check the spelling"
    )
    has_errors = any(problem.is_error for problem in log)
    return ParsedDefinition(definition=None if has_errors else definition, problems=tuple(log))


def _definition(reader: Reader, built_in: Collection[str]) -> Definition:
    runtime = reader.child("runtime")
    _check_providers(reader)
    return Definition(
        id=_id(reader, built_in),
        version=_version(reader),
        name=_name(reader),
        description=_description(reader),
        category=_label(reader, "category"),
        tags=_tags(reader),
        icon=reader.string("icon", ""),
        docs_url=_docs_url(reader),
        author=_label(reader, "author"),
        license=_label(reader, "license"),
        fields=read_fields(reader),
        output=read_output(reader),
        dependencies=_dependencies(reader),
        timeout=_timeout(runtime),
        retries=_retries(runtime),
        deprecated=reader.flag("deprecated", default=False),
        deprecation_message=reader.string("deprecationMessage", ""),
        replaced_by=reader.string("replacedBy", ""),
    )


def _id(reader: Reader, built_in: Collection[str]) -> str:
    id_ = reader.string("id")
    if id_ and (not _ID.fullmatch(id_) or len(id_) > MAX_ID_LENGTH):
        rule = f"a-z, 0-9, _ and -, start with a letter and have at most {MAX_ID_LENGTH} characters"
        reader.problem("id", f"must consist of {rule}, not {quoted(id_)}")
    elif id_ in built_in:
        reader.problem("id", f"{quoted(id_)} is a built-in node type: choose a different id")
    return id_


def _version(reader: Reader) -> str:
    version = reader.string("version")
    if version and (not _SEMVER.fullmatch(version) or len(version) > MAX_VERSION_LENGTH):
        reader.problem("version", f"must be a version such as 1.0.0, not {quoted(version)}")
    return version


def _name(reader: Reader) -> str:
    name = reader.string("name")
    if problem := name and name_problem(name, longest=MAX_NAME_LENGTH):
        reader.problem("name", problem)
    return name


def _description(reader: Reader) -> str:
    text, longest = reader.string("description"), MAX_DESCRIPTION_LENGTH
    if len(text) > longest:
        reader.problem("description", f"must have at most {longest} characters, not {len(text)}")
    elif text and not text.strip():
        reader.problem("description", "must not be empty")
    return text


def _label(reader: Reader, key: str) -> str:
    """Return optional text that is shown on one line."""
    text = reader.string(key, "")
    if problem := invisible_problem(text):
        reader.problem(key, problem)
    return text


def _tags(reader: Reader) -> tuple[str, ...]:
    tags = _texts(reader, "tags")
    for index, tag in enumerate(tags):
        if problem := invisible_problem(tag):
            reader.problem(f"tags.{index}", problem)
    return tags


def _texts(reader: Reader, key: str) -> tuple[str, ...]:
    items = reader.raw(key)
    if items is None:
        return ()
    if isinstance(items, list) and all(isinstance(item, str) for item in items):
        return tuple(items)
    reader.problem(key, f"must be a list of strings, not {quoted(items)}")
    return ()


def _check_providers(reader: Reader) -> None:
    if not reader.has("providers"):
        reader.problem("providers", f'is missing: write ["{PROVIDER}"]')
    elif PROVIDER not in (names := _texts(reader, "providers")) and isinstance(
        reader.raw("providers"), list
    ):
        reader.problem("providers", f"must include {quoted(PROVIDER)}, not only {quoted(names)}")
    reader.know("providers")


def _docs_url(reader: Reader) -> str:
    url = reader.string("docsUrl", "")
    if url and not is_url(url):
        reader.problem("docsUrl", f"must start with https:// or http://, not {quoted(url)}")
    return url


def _dependencies(reader: Reader) -> Mapping[str, str]:
    packages: Any = reader.raw("dependencies")
    if packages is None:
        return {}
    problems = list(check_dependencies(packages))
    for problem in problems:
        reader.problem(problem.path, problem.message)
    return {} if problems else dict(packages)


def _timeout(runtime: Reader | None) -> Duration | None:
    if runtime is None or not runtime.has("defaultTimeout"):
        return None
    timeout = runtime.timeout("defaultTimeout", "10 minutes")
    if isinstance(timeout.value, Text) and timeout.value.references:
        runtime.problem(
            "defaultTimeout", "cannot contain a {{ reference }}: write a fixed duration"
        )
    return timeout


def _retries(runtime: Reader | None) -> int:
    if runtime is None:
        return _DEFAULT_RETRIES
    runtime.know("defaultTimeout", "idempotent", "streaming")
    for hint in ("idempotent", "streaming"):
        runtime.flag(hint, default=False)
    return runtime.integer("defaultRetries", _DEFAULT_RETRIES, least=0, most=10_000)
