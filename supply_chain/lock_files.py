"""Reads lock files: requirements of pip with hashes, and package-lock.json of npm."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from packaging.requirements import InvalidRequirement, Requirement

PYPI: Final = "pypi"
NPM: Final = "npm"
_HASH: Final = re.compile(r"\s--hash=(\w+):(\w+)")
_STRONG: Final = ("sha256", "sha384", "sha512")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An entry of a lock file.

    `hashes` are pairs of an algorithm and hexadecimal digits, `license` is known of npm packages only.
    `is_optional` is true if only some platforms need the package, `is_development` if running does not.
    """

    ecosystem: str
    name: str
    version: str
    hashes: tuple[tuple[str, str], ...]
    license: str = ""
    is_optional: bool = False
    is_development: bool = False
    problems: tuple[str, ...] = field(default=())

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}".strip()


def read(path: Path) -> list[Package]:
    """Return the packages of a lock file, in the file's order."""
    text = path.read_text(encoding="utf-8")
    return list(_npm(json.loads(text)) if path.suffix == ".json" else _python(text))


def problems(path: Path) -> list[str]:
    """Return why the file does not say exactly what will be installed; an empty list if it does."""
    return [f"{path.name}: {p.label} {text}" for p in read(path) for text in p.problems]


def _python(text: str) -> Iterator[Package]:
    joined = text.replace("\\\n", " ")
    for line in joined.splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        if line:
            yield _python_package(line)


def _python_package(line: str) -> Package:
    hashes = tuple((found[1], found[2]) for found in _HASH.finditer(line))
    words = line.partition(" --hash=")[0].strip()
    try:
        requirement = Requirement(words)
    except InvalidRequirement:
        return _unreadable(words)
    pinned = re.fullmatch(r"==([^*,]+)", str(requirement.specifier))
    found = [] if pinned else ["is not pinned with =="]
    return Package(
        ecosystem=PYPI,
        name=requirement.name,
        version=pinned[1] if pinned else "",
        hashes=hashes,
        is_optional=requirement.marker is not None,
        problems=(*found, *_problems_of_hashes(hashes)),
    )


def _unreadable(words: str) -> Package:
    """Return the problem of a line without a name and a version: an option, a folder or an address."""
    problem = "is not a package with a version, or could be replaced by another index"
    return Package(ecosystem=PYPI, name=words, version="", hashes=(), problems=(problem,))


def _npm(lock: dict[str, Any]) -> Iterator[Package]:
    for path, entry in lock["packages"].items():
        if path:
            yield _npm_package(path, entry)


def _npm_package(path: str, entry: dict[str, Any]) -> Package:
    hashes = tuple(_integrity(entry.get("integrity", "")))
    resolved = entry.get("resolved", "https:")
    found = [] if resolved.startswith("https:") else [f"comes from {resolved.partition(':')[0]}:"]
    return Package(
        ecosystem=NPM,
        name=path.rpartition("node_modules/")[2],
        version=entry.get("version", ""),
        hashes=hashes,
        license=str(entry.get("license", "")),
        is_optional=bool(entry.get("optional")),
        is_development=bool(entry.get("dev")),
        problems=(*found, *_problems_of_hashes(hashes)),
    )


def _integrity(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split():
        algorithm, _, digest = part.partition("-")
        yield algorithm, base64.b64decode(digest).hex()


def _problems_of_hashes(hashes: tuple[tuple[str, str], ...]) -> list[str]:
    if not hashes:
        return ["has no hash"]
    return [f"has a weak hash ({name})" for name, _ in hashes if name not in _STRONG]
