"""The options of the bundler in a wrangler configuration, and the entry point; all paths stay in the project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from workflows.documents.projects.contents import ProjectFiles
from workflows.documents.projects.inside import inside
from workflows.documents.projects.reading.paths import folders_of
from workflows.documents.projects.wrangler.bounds import Path
from workflows.documents.projects.wrangler.key import Use
from workflows.documents.projects.wrangler.keys import KEYS
from workflows.documents.projects.wrangler.source import Source
from workflows.ir.reading.problems import listed, quoted

_SUFFIXES: Final = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
_RULE_TYPES: Final = ("ESModule", "CommonJS", "CompiledWasm", "Text", "Data")
_OUTSIDE: Final = "must be a path inside the project, not "


def read_main(source: Source, config: Mapping[str, Any], files: ProjectFiles) -> str:
    """Return the path of the entry point; "" if there is a problem with it."""
    if "main" not in config:
        return ""  # reported as missing
    main = inside(config["main"])
    if main is None:
        source.problem(("main",), _OUTSIDE + quoted(config["main"]))
    elif main not in files:
        source.problem(("main",), f"{quoted(main)} does not exist: {_hint(main, files)}")
    elif main.endswith(".py"):
        source.problem(("main",), "Python is not supported: write TypeScript or JavaScript")
    elif not main.endswith(_SUFFIXES):
        source.problem(("main",), f"must be a TypeScript or JavaScript file, not {quoted(main)}")
    else:
        return main
    return ""


def _hint(main: str, files: ProjectFiles) -> str:
    stem = main.rpartition(".")[0] or main
    near = [path for path in sorted(files) if path.rpartition(".")[0] in (stem, main)]
    if near:
        return f"did you mean {quoted(near[0])}?"
    return "add the file. Output of a build is not stored if .gitignore excludes it, and no build is run"


def read_bundling(source: Source, config: Mapping[str, Any], files: ProjectFiles) -> dict[str, Any]:
    """Return the options of the bundler in the shape of wrangler.json, with normalized paths."""
    options = {key: value for key, value in config.items() if KEYS[key].use is Use.BUNDLER}
    folders = {folder for path in files for folder in folders_of(path)} | {"."}
    _put_path(source, options, "base_dir", folders.__contains__)
    _put_path(source, options, "tsconfig", files.__contains__)
    for name, replacement in options.get("alias", {}).items():
        if not _is_alias(replacement):
            source.problem(("alias", name), _OUTSIDE + quoted(replacement))
    for index, rule in enumerate(options.get("rules", [])):
        _check_rule(source, ("rules", index), rule)
    return options


def _put_path(
    source: Source, options: dict[str, Any], key: str, exists: Callable[[str], bool]
) -> None:
    if key not in options:
        return
    path = inside(options[key])
    if path is None:
        source.problem((key,), _OUTSIDE + quoted(options[key]))
    elif not exists(path):
        source.problem((key,), f"{quoted(path)} does not exist")
    else:
        options[key] = path


def _is_alias(replacement: str) -> bool:
    """Whether an alias is the name of a package or a path in the project."""
    is_url = "://" in replacement or replacement.startswith(("file:", "data:"))
    return not is_url and inside(replacement) is not None


def _check_rule(source: Source, path: Path, rule: Mapping[str, Any]) -> None:
    if rule.get("type", _RULE_TYPES[0]) not in _RULE_TYPES:
        source.problem(
            (*path, "type"), f"must be one of {listed(_RULE_TYPES)}, not {quoted(rule['type'])}"
        )
    for index, glob in enumerate(rule.get("globs", [])):
        if inside(glob) is None:
            source.problem((*path, "globs", index), _OUTSIDE + quoted(glob))
