"""Names of npm packages, and ranges of their versions in the registry."""

from __future__ import annotations

import re
from typing import Any, Final

from workflows.ir.reading.problems import quoted

_NAME: Final = re.compile(r"(?:@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][A-Za-z0-9._~-]*")
_LONGEST: Final = 214
_ALIAS: Final = re.compile(r"npm:((?:@[^/@]+/)?[^/@]+)(?:@(.*))?", re.DOTALL)
# What npm takes for a file starts with a dot or ends like an archive; addresses have a colon or a slash.
_RANGE: Final = re.compile(r"(?!\.)[0-9A-Za-z.*^~<>=|+ -]{0,200}")
_ARCHIVE: Final = re.compile(r".*\.(?:tgz|tar\.gz|tar)", re.IGNORECASE)
_OTHER_SOURCE: Final = (
    "comes from a Git repository, an address or a file: only packages of the registry can be installed. "
    "Write a version such as ^4.1.0"
)


def is_package_name(name: str) -> bool:
    """Whether the registry can have a package of this name."""
    return len(name) <= _LONGEST and _NAME.fullmatch(name) is not None


def range_reason(value: Any) -> str:
    """Return why a range does not select versions of the registry; "" if it does."""
    if not isinstance(value, str):
        return f"must be a version such as ^4.1.0, not {quoted(value)}"
    alias = _ALIAS.fullmatch(value)
    if alias and not is_package_name(alias[1]):
        return f"{quoted(alias[1])} is not the name of an npm package"
    text = (alias[2] or "") if alias else value
    if not _RANGE.fullmatch(text) or _ARCHIVE.fullmatch(text.strip()):
        return f"{_OTHER_SOURCE}, not {quoted(value)}"
    return ""
