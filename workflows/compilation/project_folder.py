"""The files with which the compiler reads a project: declarations, and settings that keep it inside."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from workflows.compilation.project_imports import Aliases
from workflows.compilation.typescript import compiler_options, package_declarations, workers_types

CONFIG: Final = "tsconfig.json"
_AMBIENT: Final = "awaitstep-ambient.d.ts"
_RUNTIME_TYPES: Final = "Begin runtime types"  # a line of the file that `wrangler types` writes
_OWN_ENV: Final = re.compile(r"\binterface\s+Env\b")
_TEXT_MODULES: Final = (".txt", ".html", ".sql")
_DATA_MODULES: Final = (".bin",)
_NODE_MODULES: Final = (
    *(
        "assert",
        "async_hooks",
        "buffer",
        "child_process",
        "cluster",
        "console",
        "constants",
        "crypto",
    ),
    *("dgram", "diagnostics_channel", "dns", "domain", "events", "fs", "http", "http2", "https"),
    *(
        "inspector",
        "module",
        "net",
        "os",
        "path",
        "perf_hooks",
        "process",
        "punycode",
        "querystring",
    ),
    *(
        "readline",
        "repl",
        "stream",
        "string_decoder",
        "sys",
        "timers",
        "tls",
        "trace_events",
        "tty",
    ),
    *("url", "util", "v8", "vm", "wasi", "worker_threads", "zlib"),
)
"""The modules of Node.js that code can import without `node:`, as the flag nodejs_compat allows."""
_REQUIRE: Final = re.compile(r"\brequire\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSource:
    """What is checked: the text files by path, and what the files beside the code say.

    `classes` are the names that the main module has to export.
    `packages` are the names of npm packages, whose types are not known; `env` are the TypeScript types of
    the names in the Worker's env; `modules` are glob suffixes such as ".md" that are imported as text.
    """

    files: Mapping[str, str]
    main: str
    classes: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    aliases: Aliases = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


def support_files(source: ProjectSource, files: Mapping[str, str]) -> dict[str, str]:
    """Return the declarations and the settings for these files of a project and of the check."""
    declarations = [text for path, text in files.items() if path.endswith(".d.ts")]
    has_runtime = any(_RUNTIME_TYPES in text for text in declarations)
    names = [*files, _AMBIENT, *([] if has_runtime else [workers_types()])]
    config = {"compilerOptions": _options(source), "files": names}
    return {_AMBIENT: _ambient(source, declarations), CONFIG: json.dumps(config)}


def write_files(files: Mapping[str, str], folder: Path) -> None:
    """Write texts into a folder; their paths are relative and lead to no other folder."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())


def _options(source: ProjectSource) -> dict[str, object]:
    options = compiler_options() | dict(source.options)
    options |= {
        "noEmit": True,
        "allowJs": True,
        "checkJs": False,
        "resolveJsonModule": True,
        "allowImportingTsExtensions": True,
    }
    if source.aliases:
        options["paths"] = {
            pattern: [f"./{each}" for each in replacements]
            for pattern, replacements in source.aliases.items()
        }
    return options


def _ambient(source: ProjectSource, declarations: Sequence[str]) -> str:
    """Return declarations for packages, imported texts, and the `Env` of `wrangler types`."""
    texts = [f'declare module "*{suffix}" {{ const text: string; export default text; }}'
             for suffix in _TEXT_MODULES]  # fmt: skip
    texts += [f'declare module "*{suffix}" {{ const data: ArrayBuffer; export default data; }}'
              for suffix in _DATA_MODULES]  # fmt: skip
    texts.append('declare module "*.wasm" { const wasm: WebAssembly.Module; export default wasm; }')
    names = dict.fromkeys([*source.packages, *_NODE_MODULES])
    lines = [*texts, package_declarations(names)]
    if not any(_REQUIRE.search(text) for text in declarations):
        lines.append("declare function require(name: string): any;")
    if not any(_OWN_ENV.search(text) for text in declarations):
        members = " ".join(f"{json.dumps(name)}: {type_};" for name, type_ in source.env.items())
        lines.append(f"interface Env {{ {members} [name: string]: any }}")
    return "\n".join(lines)
