"""npm packages that a workflow may name: versions of the registry, never files or addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from workflows.ir.reading.problems import Problem

_PACKAGE: Final = re.compile(r"(?:@[a-z0-9][\w.-]*/)?[a-z0-9][\w.-]*")
_VERSION: Final = re.compile(r"[\^~]?\d+(?:\.\d+){0,2}(?:-[\w.-]+)?")


def check_dependencies(packages: object) -> Iterator[Problem]:
    """Yield what is wrong: a path or an address would bring this server's files into the Worker."""
    if not isinstance(packages, dict):
        message = 'write an object of packages and versions: {"zod": "4.1.0"}'
        yield Problem(path="dependencies", message=message)
        return
    for name, version in packages.items():
        if not (
            _PACKAGE.fullmatch(name) and isinstance(version, str) and _VERSION.fullmatch(version)
        ):
            message = "write a package's name and its version, as 4.1.0 or ^4.1.0"
            yield Problem(path=f"dependencies.{name}", message=message)
