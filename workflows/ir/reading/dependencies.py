"""npm packages of a workflow: versions from the registry, never file paths or URLs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from workflows.ir.reading.problems import Problem

_PACKAGE: Final = re.compile(r"(?:@[a-z0-9][A-Za-z0-9_.-]*/)?[a-z0-9][A-Za-z0-9_.-]*")
_VERSION: Final = re.compile(r"[\^~]?[0-9]+(?:\.[0-9]+){0,2}(?:-[A-Za-z0-9_.-]+)?")


def check_dependencies(packages: object) -> Iterator[Problem]:
    """Yield the problems; a path or URL could bring files of this server into the Worker."""
    if not isinstance(packages, dict):
        message = 'must be an object of packages and versions, such as {"zod": "4.1.0"}'
        yield Problem(path="dependencies", message=message)
        return
    for name, version in packages.items():
        if not (
            _PACKAGE.fullmatch(name) and isinstance(version, str) and _VERSION.fullmatch(version)
        ):
            message = "must be a package name with a version such as 4.1.0 or ^4.1.0"
            yield Problem(path=f"dependencies.{name}", message=message)
