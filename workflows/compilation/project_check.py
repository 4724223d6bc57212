"""Type-checks the files of a project; only complaints that are certainly mistakes reject it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from workflows.codegen.syntax.bounded_parser import syntax_of
from workflows.codegen.syntax.certain_mistakes import CertainMistakes
from workflows.compilation.lenient import GIVEN_UP
from workflows.compilation.project_imports import CODE_SUFFIXES, Aliases, imported_files
from workflows.compilation.typescript import (
    CompileFailed,
    Diagnostic,
    compiler_options,
    package_declarations,
    run_compiler,
    workers_types,
)
from workflows.ir.reading.fields import Code

_AMBIENT: Final = "awaitstep-ambient.d.ts"
_EXPORTS: Final = "awaitstep-exports.ts"
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
_OF_PACKAGE: Final = re.compile(r"""(?:Namespace|Module) '"?([^'"]+)"?' has no exported member""")
_MAX_COMPLAINTS: Final = 2_000  # about one file; each takes longer in longer code
_MAX_SHOWN: Final = 100
_UNTYPED: Final = frozenset({"TS2307", "TS2305", "TS2694", "TS7016"})
_NOT_EXPORTED: Final = frozenset({"TS2305", "TS2459", "TS2460", "TS2614", "TS2724"})
_EXPORTS_ALL: Final = re.compile(r"""\bexport\s*\*\s*from\s*["'][^."'/]""")
_OF_ANY: Final = frozenset(
    {"TS2347", "TS2709"}
)  # what is not known has type arguments, or is a type


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectVerdict:
    """The compiler's complaints, with file, line and column: what blocks, and what does not.

    `not_exported` are the classes that the main module certainly does not export.
    """

    errors: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    not_exported: tuple[str, ...] = ()


def check_project(source: ProjectSource, folder: Path) -> ProjectVerdict:
    """Check the main module and what it imports; `folder` is empty and holds the compiler's files."""
    checked = imported_files(source.files, source.main, source.aliases)
    _write(source, checked, folder)
    size = sum(len(source.files[path]) for path in checked)
    try:
        run_compiler(folder, size=size)
    except CompileFailed as failed:
        return _judge(failed.diagnostics, source)
    return ProjectVerdict()


def _write(source: ProjectSource, checked: Iterable[str], folder: Path) -> None:
    checked = tuple(checked)
    names = [path for path in checked if path.endswith((*CODE_SUFFIXES, ".json"))]
    (folder / _EXPORTS).write_text(_exports(source, checked), "utf-8")
    for path in names:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.files[path].encode())
    declarations = [source.files[path] for path in names if path.endswith(".d.ts")]
    (folder / _AMBIENT).write_text(_ambient(source, declarations), "utf-8")
    has_runtime = any(_RUNTIME_TYPES in text for text in declarations)
    files = [*names, _AMBIENT, _EXPORTS, *([] if has_runtime else [workers_types()])]
    config = {"compilerOptions": _options(source), "files": files}
    (folder / "tsconfig.json").write_text(json.dumps(config), "utf-8")


def _exports(source: ProjectSource, checked: Iterable[str]) -> str:
    """Return a module that needs each class, one a line; nothing if a package may export them."""
    if any(_EXPORTS_ALL.search(source.files[path]) for path in checked):
        return "export {};"
    path = json.dumps(f"./{source.main}")
    lines = [f"export {{ {json.dumps(name)} as _{index} }} from {path};"
             for index, name in enumerate(source.classes)]  # fmt: skip
    return "\n".join(lines) or "export {};"


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


def _judge(diagnostics: Iterable[Diagnostic], source: ProjectSource) -> ProjectVerdict:
    errors: list[Diagnostic] = []
    warnings: list[Diagnostic] = []
    not_exported: list[str] = []
    mistakes: dict[str, CertainMistakes] = {}
    judged: Counter[str] = Counter()
    for each in diagnostics:
        if each.code in GIVEN_UP or _is_about_package(each, source):
            continue
        if each.file == _EXPORTS:
            not_exported += _missing_class(each, source)
            continue
        judged[each.file] += 1
        if judged[each.file] > _MAX_COMPLAINTS:
            continue
        (errors if _is_certain(each, source, mistakes) else warnings).append(each)
    has_syntax_error = any(CertainMistakes.is_about_syntax(each.code) for each in errors)
    return ProjectVerdict(
        errors=tuple(_first(errors)),
        warnings=tuple(warnings[:_MAX_SHOWN]),
        not_exported=() if has_syntax_error else tuple(not_exported),
    )


def _missing_class(each: Diagnostic, source: ProjectSource) -> tuple[str, ...]:
    return source.classes[each.line - 1 : each.line] if each.code in _NOT_EXPORTED else ()


def _first(errors: list[Diagnostic]) -> Iterator[Diagnostic]:
    yield from errors[:_MAX_SHOWN]
    if more := len(errors[_MAX_SHOWN:]):
        message = f"{more:,} more errors are not shown"
        yield replace(errors[0], line=0, column=0, code="", message=message, file="")


def _is_about_package(each: Diagnostic, source: ProjectSource) -> bool:
    """Whether the complaint is only that the types of a package are not known."""
    if each.code in _OF_ANY:
        return True
    if each.code not in _UNTYPED:
        return False
    named = _OF_PACKAGE.search(each.message)
    if named is None:
        return each.code == "TS7016"
    return any(named[1] == name or named[1].startswith(f"{name}/") for name in source.packages)


def _is_certain(
    each: Diagnostic, source: ProjectSource, mistakes: dict[str, CertainMistakes]
) -> bool:
    if not each.code:  # the compiler itself has failed
        return True
    if each.file not in source.files:
        return False
    if each.file not in mistakes:
        code = Code(each.file, source.files[each.file], is_expression=False, references=())
        mistakes[each.file] = CertainMistakes(syntax_of(code))
    if CertainMistakes.is_about_syntax(each.code):
        return each.code.startswith("TS1") and not each.file.endswith((".js", ".mjs", ".jsx"))
    return mistakes[each.file].is_certain(
        each.code, each.message, line=each.line, column=each.column
    )
