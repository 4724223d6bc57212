"""Which files of a project its main module imports, directly or through other files."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from posixpath import dirname, normpath
from typing import Final

CODE_SUFFIXES: Final = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
_TRIED: Final = ("", *CODE_SUFFIXES, ".d.ts", ".json")
# TypeScript code imports `./a.js` for the file a.ts.
_WRITTEN_AS: Final = {
    ".js": (".ts", ".tsx"),
    ".mjs": (".mts",),
    ".cjs": (".cts",),
    ".jsx": (".tsx",),
}
_SPECIFIER: Final = re.compile(
    r"""(?:\bfrom|\bimport|\brequire|\bimport\s*\(|\brequire\s*\()\s*(?:"([^"\n]{1,500})"|'([^'\n]{1,500})'|`([^`\n$]{1,500})`)"""
)
Aliases = Mapping[str, Sequence[str]]
"""Patterns with at most one `*` and their replacements, as `paths` of a tsconfig.json."""


def imported_files(files: Mapping[str, str], main: str, aliases: Aliases) -> list[str]:
    """Return the paths of the main module and of everything it imports that is in `files`.

    Declarations (`.d.ts`) are always included. Imports are recognized by their text, so a comment that
    looks like one can add a file.
    """
    found = dict.fromkeys([main, *(path for path in files if path.endswith(".d.ts"))])
    waiting = deque(found)
    while waiting:
        path = waiting.popleft()
        for specifier in specifiers(files.get(path, "")):
            target = _resolve(specifier, path, files, aliases)
            if target and target not in found:
                found[target] = None
                waiting.append(target)
    return [path for path in found if path in files]


def specifiers(source: str) -> Iterator[str]:
    """Yield what a module imports, as it is written."""
    for match in _SPECIFIER.finditer(source):
        yield next(text for text in match.groups() if text is not None)


def _resolve(specifier: str, importer: str, files: Mapping[str, str], aliases: Aliases) -> str:
    """Return the path of the imported file; "" if it is not a file of the project."""
    if specifier.startswith("."):
        return _existing(normpath(f"{dirname(importer) or '.'}/{specifier}"), files)
    for pattern, replacements in aliases.items():
        before, star, after = pattern.partition("*")
        matches = specifier.startswith(before) and specifier.endswith(after)
        if not (matches and (star or specifier == pattern)):
            continue
        part = specifier[len(before) : len(specifier) - len(after)] if star else ""
        for replacement in replacements:
            if found := _existing(normpath(replacement.replace("*", part)), files):
                return found
    return ""


def _existing(path: str, files: Mapping[str, str]) -> str:
    candidates = [path + suffix for suffix in _TRIED]
    for suffix, written in _WRITTEN_AS.items():
        if path.endswith(suffix):
            candidates += [path.removesuffix(suffix) + each for each in written]
    candidates += [f"{path}/index{suffix}" for suffix in CODE_SUFFIXES]
    return next((each for each in candidates if each in files), "")
