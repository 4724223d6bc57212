"""Checks that a package-lock.json only installs packages of the registry."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from workflows.documents.projects.npm.json_file import JsonFile
from workflows.ir.reading.problems import quoted

_REGISTRY: Final = "https://registry.npmjs.org/"
_ADDRESSES: Final = ("https://", "http://")
_VERSIONS: Final = (2, 3)
_OTHER_SOURCE: Final = (
    "comes from {source}: only packages of the registry can be installed. Remove the package"
)
_LINK: Final = "is a link to a folder: only packages of the registry can be installed"
_OLD: Final = (
    "must be 2 or 3, not {version}: write the file again with `npm install` of npm 7 or newer"
)
_STALE: Final = "does not list {name}, which is in package.json: run `npm install`"


def check_lock(lock: JsonFile, dependencies: Collection[str]) -> None:
    """Report the packages that are not from the registry, and those that are missing."""
    if not lock.value:
        return
    version = lock.value.get("lockfileVersion")
    if version not in _VERSIONS or isinstance(version, bool):
        lock.problem(("lockfileVersion",), _OLD.format(version=quoted(version)))
        return
    packages = lock.member("packages")
    for path, package in packages.items():
        reason = _reason(package) if path else ""
        if reason:
            lock.problem(("packages", path), reason)
    for name in dependencies:
        if f"node_modules/{name}" not in packages:
            lock.problem((), _STALE.format(name=quoted(name)))


def _reason(package: Any) -> str:
    if not isinstance(package, dict):
        return f"must be an object, not {quoted(package)}"
    resolved = package.get("resolved", _REGISTRY)
    if package.get("link"):
        return _LINK
    if not isinstance(resolved, str) or not resolved.startswith(_prefixes(package)):
        return _OTHER_SOURCE.format(source=quoted(resolved))
    return ""


def _prefixes(package: Mapping[str, Any]) -> tuple[str, ...]:
    """Return how addresses can start; with a checksum, the package is the same in every registry."""
    return _ADDRESSES if package.get("integrity") else (_REGISTRY,)
