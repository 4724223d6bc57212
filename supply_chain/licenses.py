"""The licenses of the packages: npm's lock file has them, and Python packages have them in their metadata."""

from __future__ import annotations

from email.message import Message
from importlib.metadata import PackageNotFoundError, metadata
from typing import Final, cast

from cyclonedx.spdx import fixup_id, is_expression

from supply_chain.lock_files import NPM, Package

UNKNOWN: Final = "unknown"
_BY_CLASSIFIER: Final = {
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
# Never installed where the command usually runs: with CPython, and not on Windows.
_OF_OTHER_PLATFORMS: Final = {"tzdata": "Apache-2.0", "u-msgpack-python": "MIT"}


def license_of(package: Package) -> str:
    """Return an SPDX expression, or else what the package itself calls its license."""
    if package.ecosystem == NPM:
        return package.license or UNKNOWN
    try:
        about = cast("Message", metadata(package.name))
    except PackageNotFoundError:
        return _OF_OTHER_PLATFORMS.get(package.name, UNKNOWN)
    return _from_metadata(about)


def _from_metadata(about: Message) -> str:
    if expression := about.get("License-Expression"):
        return expression
    text = about.get("License") or ""
    classifiers = [
        words.rpartition(" :: ")[2]
        for words in about.get_all("Classifier") or []
        if words.startswith("License :: ")
    ]
    known = [_BY_CLASSIFIER[name] for name in classifiers if name in _BY_CLASSIFIER]
    return _spdx(text) or " OR ".join(known) or ", ".join(classifiers) or _title(text) or UNKNOWN


def _spdx(text: str) -> str:
    return fixup_id(text) or (text if is_expression(text) else "")


def _title(text: str) -> str:
    """Return the first line, because some packages put the whole license there."""
    return text.strip().partition("\n")[0][:80]
