"""What a project's tsconfig.json says about the meaning of its code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import normpath
from typing import Any, Final

from workflows.documents.projects.contents import ProjectFiles, text_of
from workflows.documents.projects.wrangler.bounds import TooComplex
from workflows.documents.projects.wrangler.jsonc import plain_json
from workflows.ir.reading import json_reader

FILE: Final = "tsconfig.json"
_MAX_BYTES: Final = 64 * 1024
_MAX_ALIASES: Final = 100
_MAX_TARGETS: Final = 100
"""How many replacements all aliases have together; each import can be in all of these places."""
_TEXTS: Final = ("jsx", "jsxFactory", "jsxFragmentFactory", "jsxImportSource")
_FLAGS: Final = ("experimentalDecorators", "emitDecoratorMetadata", "useDefineForClassFields")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompilerSettings:
    """The compiler's `options` that change the meaning of code, and `paths` as `aliases`.

    How strict a project wants its types to be is not read: the same rules hold for all code.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)


def compiler_settings(files: ProjectFiles) -> CompilerSettings:
    """Return the settings; the defaults for a file that is missing or cannot be read."""
    text = text_of(files, FILE)
    if text is None or len(text) > _MAX_BYTES:
        return CompilerSettings()
    try:
        value = json_reader.loads(plain_json(text.removeprefix("\ufeff")))
    except (ValueError, RecursionError, TooComplex):
        return CompilerSettings()
    options = value.get("compilerOptions") if isinstance(value, dict) else None
    if not isinstance(options, dict):
        return CompilerSettings()
    kept = {name: options[name] for name in _TEXTS if isinstance(options.get(name), str)}
    kept |= {name: options[name] for name in _FLAGS if isinstance(options.get(name), bool)}
    return CompilerSettings(options=kept, aliases=dict(_aliases(options)))


def _aliases(options: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    base, paths = options.get("baseUrl", "."), options.get("paths")
    if not isinstance(paths, dict) or not isinstance(base, str):
        return
    room = _MAX_TARGETS
    for pattern, targets in list(paths.items())[:_MAX_ALIASES]:
        if pattern.count("*") > 1 or not isinstance(targets, list):
            continue
        usable = [each for each in targets[:room] if _is_target(each)]
        written = [normpath(f"{base}/{each}") for each in usable]
        inside = [each for each in written if not each.startswith(("..", "/"))]
        room -= len(inside)
        if inside:
            yield pattern, inside


def _is_target(target: object) -> bool:
    return isinstance(target, str) and target.count("*") <= 1
