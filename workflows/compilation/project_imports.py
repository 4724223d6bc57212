"""Which files of a project its main module imports, directly or through other files."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from posixpath import dirname, normpath
from typing import Final

CODE_SUFFIXES: Final = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
_LEFT_OUT: Final = (*CODE_SUFFIXES, ".d.ts", ".json")
# TypeScript code imports `./a.js` for the file a.ts.
_WRITTEN_AS: Final = (
    (".ts", ".js"),
    (".tsx", ".js"),
    (".tsx", ".jsx"),
    (".mts", ".mjs"),
    (".cts", ".cjs"),
)
_SPECIFIER: Final = re.compile(
    r"""(?:\bfrom|\bimport|\brequire|\bimport\s*\(|\brequire\s*\()\s*(?:"([^"\n]{1,500})"|'([^'\n]{1,500})'|`([^`\n$]{1,500})`)"""
)
_MAX_IMPORTS: Final = 5_000
Aliases = Mapping[str, Sequence[str]]
"""Patterns with at most one `*` and their replacements, as `paths` of a tsconfig.json."""


def imported_files(files: Mapping[str, str], main: str, aliases: Aliases) -> list[str]:
    """Return the paths of the main module and of everything it imports that is in `files`.

    Declarations (`.d.ts`) are always included. Imports are recognized by their text, so a comment that
    looks like one can add a file. Of more than 5,000 different imports, the others are not followed.
    """
    found = dict.fromkeys([main, *(path for path in files if path.endswith(".d.ts"))])
    waiting = deque(found)
    targets = _Targets(files, aliases)
    seen: set[tuple[str, str]] = set()
    while waiting:
        path = waiting.popleft()
        for specifier in specifiers(files.get(path, "")):
            written = (dirname(path) if specifier.startswith(".") else "", specifier)
            if written in seen or len(seen) >= _MAX_IMPORTS:
                continue
            seen.add(written)
            target = targets.find(*written)
            if target and target not in found:
                found[target] = None
                waiting.append(target)
    return [path for path in found if path in files]


def specifiers(source: str) -> Iterator[str]:
    """Yield what a module imports, as it is written."""
    for match in _SPECIFIER.finditer(source):
        yield next(text for text in match.groups() if text is not None)


class _Targets:
    """The files by the paths that imports can have for them."""

    def __init__(self, files: Iterable[str], aliases: Aliases) -> None:
        self._aliases = aliases
        self._patterns = [pattern.partition("*") for pattern in aliases if "*" in pattern]
        ranked = sorted(entry for path in files for entry in _written(path))
        self._files = {written: path for _, written, path in reversed(ranked)}

    def find(self, folder: str, specifier: str) -> str:
        """Return the path of the imported file; "" if it is not a file of the project."""
        if specifier.startswith("."):
            return self._files.get(normpath(f"{folder or '.'}/{specifier}"), "")
        places = map(normpath, self._places(specifier))
        return next((self._files[place] for place in places if place in self._files), "")

    def _places(self, specifier: str) -> Iterator[str]:
        if "*" not in specifier:
            yield from self._aliases.get(specifier, ())
        for before, star, after in self._patterns:
            is_longer = len(specifier) >= len(before) + len(after)
            if is_longer and specifier.startswith(before) and specifier.endswith(after):
                part = specifier[len(before) : len(specifier) - len(after)]
                for replacement in self._aliases[before + star + after]:
                    yield replacement.replace("*", part)


def _written(path: str) -> Iterator[tuple[int, str, str]]:
    """Yield how an import can write a path, each with the path and a rank: the lowest one counts."""
    yield 0, path, path
    for rank, suffix in enumerate(_LEFT_OUT, start=1):
        if path.endswith(suffix):
            yield rank, path.removesuffix(suffix), path
    for rank, (suffix, written) in enumerate(_WRITTEN_AS, start=20):
        if path.endswith(suffix):
            yield rank, path.removesuffix(suffix) + written, path
    folder, _, name = path.rpartition("/")
    for rank, suffix in enumerate(CODE_SUFFIXES, start=30):
        if name == f"index{suffix}":
            yield rank, folder or ".", path
