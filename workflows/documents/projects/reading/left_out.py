"""Which files of a folder or an archive are not part of the project, and why."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

_SECRETS: Final = "may hold secrets, which are never stored here: add them as secret variables"
_TOKENS: Final = "may hold tokens, and the deploy uses its own npm settings"
_PACKAGES: Final = "holds npm packages: the deploy installs them"
_HISTORY: Final = "is the history of a version control system"
_LOCAL: Final = "is the state of local development"
_SYSTEM: Final = "was added by the operating system"
_OUTPUT: Final = "is the output of a build, which .gitignore excludes"

_SECRET: Final = re.compile(r"\.(?:dev\.vars|env).*", re.DOTALL)
_NAMES: Final = {
    ".npmrc": _TOKENS,
    ".yarnrc": _TOKENS,
    ".yarnrc.yml": _TOKENS,
    "node_modules": _PACKAGES,
    ".git": _HISTORY,
    ".hg": _HISTORY,
    ".svn": _HISTORY,
    ".wrangler": _LOCAL,
    ".mf": _LOCAL,
    "__macosx": _SYSTEM,
    ".ds_store": _SYSTEM,
    "thumbs.db": _SYSTEM,
    "desktop.ini": _SYSTEM,
}
_OUTPUTS: Final = ("build", "coverage", "dist", "out", ".cache", ".turbo")
GITIGNORE: Final = ".gitignore"
_MAX_GITIGNORE: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A file that is not part of the project, or a folder, whose path ends with a slash."""

    path: str
    reason: str


def never_stored_reason(path: str) -> str:
    """Return why a file is left out wherever it comes from; "" if it is not."""
    found = _first(path.split("/"), frozenset())
    return found[1] if found else ""


def left_out(
    path: str, outputs: Collection[str] = (), *, is_folder: bool = False
) -> LeftOut | None:
    """Return what is left out because of the first part of the path that is not stored.

    `outputs` are the folders that `ignored_outputs` found.
    """
    parts = path.split("/")
    found = _first(parts, outputs)
    if found is None:
        return None
    end, reason = found
    is_file = end == len(parts) and not is_folder
    return LeftOut(path="/".join(parts[:end]) + ("" if is_file else "/"), reason=reason)


def _first(parts: list[str], outputs: Collection[str]) -> tuple[int, str] | None:
    for end, part in enumerate(parts, start=1):
        reason = _reason(part)
        if not reason and (part in outputs or "/" + "/".join(parts[:end]) in outputs):
            reason = _OUTPUT
        if reason:
            return end, reason
    return None


def _reason(name: str) -> str:
    lower = name.lower()
    if _SECRET.fullmatch(lower):
        return _SECRETS
    return _SYSTEM if lower.startswith("._") else _NAMES.get(lower, "")


def ignored_outputs(gitignore: bytes) -> frozenset[str]:
    """Return the usual folders of build output that a .gitignore excludes: `dist`, or `/dist` at the root."""
    lines = gitignore[:_MAX_GITIGNORE].decode("utf-8", "replace").splitlines()
    patterns = {line.strip().removesuffix("/").removeprefix("**/") for line in lines}
    return frozenset(
        pattern for name in _OUTPUTS for pattern in (name, f"/{name}") if pattern in patterns
    )
