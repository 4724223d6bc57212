"""The npm packages of a project: package.json and package-lock.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from workflows.documents.projects.contents import ProjectFiles
from workflows.documents.projects.npm.json_file import JsonFile
from workflows.documents.projects.npm.lock_file import check_lock
from workflows.documents.projects.npm.ranges import is_package_name, range_reason
from workflows.documents.projects.problems import ProjectProblem
from workflows.documents.projects.reading.limits import MAX_LOCK_BYTES
from workflows.ir.reading.problems import quoted

PACKAGE_FILE: Final = "package.json"
LOCK_FILE: Final = "package-lock.json"
MAX_PACKAGE_BYTES: Final = 256 * 1024
_OTHER_LOCKS: Final = (
    "bun.lock",
    "bun.lockb",
    "pnpm-lock.yaml",
    "yarn.lock",
)
_SHRINKWRAP: Final = "npm-shrinkwrap.json"
_NO_SHRINKWRAP: Final = (
    f"npm would use {_SHRINKWRAP} instead of {LOCK_FILE}: rename it to {LOCK_FILE}, or remove it"
)
_INSTALLED: Final = ("optionalDependencies", "dependencies")
_NOT_INSTALLED: Final = ("devDependencies", "peerDependencies")
_NO_LOCK: Final = (
    f"There is no {LOCK_FILE}: a deploy installs the newest versions that fit the ranges. Add the file to "
    "deploy the same versions every time."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """The npm packages of a project.

    `dependencies` maps the packages that are installed to their ranges, `development` those that are
    not: the development and peer dependencies. `overrides` is the value of that key in package.json.
    `lock` is the text of package-lock.json; `has_lock` says whether there is one.
    """

    dependencies: Mapping[str, str] = field(default_factory=dict)
    development: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    has_lock: bool = False
    lock: str = ""
    problems: tuple[ProjectProblem, ...] = ()
    notes: tuple[ProjectProblem, ...] = ()


def read_packages(files: ProjectFiles) -> Packages:
    """Return the npm packages; everything that is wrong with them is in `problems`."""
    manifest = JsonFile(files, PACKAGE_FILE, most=MAX_PACKAGE_BYTES)
    lock = JsonFile(files, LOCK_FILE, most=MAX_LOCK_BYTES)
    dependencies = _ranges(manifest, _INSTALLED)
    development = _ranges(manifest, _NOT_INSTALLED)
    overrides = manifest.member("overrides")
    _check_overrides(manifest, ("overrides",), overrides)
    _check_manifest(manifest, files)
    if lock.text:
        check_lock(lock, dependencies)
    elif dependencies:
        manifest.note((), _NO_LOCK)
    return Packages(
        dependencies=dependencies,
        development=development,
        overrides=overrides,
        has_lock=LOCK_FILE in files,
        lock=lock.text,
        problems=(*manifest.problems, *lock.problems),
        notes=(*manifest.notes, *lock.notes),
    )


def _ranges(manifest: JsonFile, sections: tuple[str, ...]) -> dict[str, str]:
    """Return the packages of the sections with their ranges, without those that have a problem."""
    found: dict[str, str] = {}
    for section in sections:
        for name, value in manifest.member(section).items():
            reason = _reason(name, value) if section not in _NOT_INSTALLED else ""
            if reason:
                manifest.problem((section, name), reason)
            elif isinstance(value, str):
                found[name] = value
    return found


def _reason(name: str, value: Any) -> str:
    if not is_package_name(name):
        return f"{quoted(name)} is not the name of an npm package"
    return range_reason(value)


def _check_overrides(manifest: JsonFile, path: tuple[str, ...], value: Any) -> None:
    """Check the ranges at any depth, which is bounded."""
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_overrides(manifest, (*path, name), inner)
    elif not (isinstance(value, str) and value.startswith("$")):
        reason = range_reason(value)
        if reason:
            manifest.problem(path, reason)


def _check_manifest(manifest: JsonFile, files: ProjectFiles) -> None:
    if manifest.value.get("workspaces"):
        manifest.problem(
            ("workspaces",), "are not supported: the project has to be a single package"
        )
    if _SHRINKWRAP in files:
        manifest.problem((), _NO_SHRINKWRAP)
    for key, message in _notes(manifest, files):
        manifest.note(key, message)


def _notes(manifest: JsonFile, files: ProjectFiles) -> Iterator[tuple[tuple[str, ...], str]]:
    if manifest.member("scripts"):
        yield ("scripts",), "are never run, neither those of the project nor those of packages"
    if manifest.member("devDependencies"):
        yield (
            ("devDependencies",),
            "are not installed: list packages that the code imports in `dependencies`",
        )
    if manifest.member("peerDependencies"):
        yield (
            ("peerDependencies",),
            "are not installed: list packages that the code imports in `dependencies`",
        )
    for name in _OTHER_LOCKS:
        if name in files:
            yield (), f"{name} is not read: packages are installed with npm, which uses {LOCK_FILE}"
