"""Type-checks and compiles a generated module with TypeScript's native compiler."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from toolchain import process
from toolchain.node_tools import TSC, WORKERS_TYPES

SCRATCH_PREFIX: Final = "scratch-"
"""Starts the names of build folders that belong to no deployment."""

TIME_LIMIT: Final = 30.0
MEMORY_LIMIT: Final = 4 * 1024**3  # of address space, of which Go takes more than it uses

_SOURCE: Final = "worker.ts"
_AMBIENT: Final = "ambient.d.ts"
_DIAGNOSTIC: Final = re.compile(
    r"(?:(?P<file>[^\n(]+)\((?P<line>\d+),(?P<column>\d+)\): )?error (?P<code>TS\d+): (?P<text>.*)"
)

# Loose JavaScript uses what it is answered without saying of which type that is; of two forms of a
# method the one that stands here is tried first.
_LOOSE: Final = """\
declare namespace Cloudflare { interface Env { [name: string]: any } }
interface Body { json(): Promise<any>; }
interface R2ObjectBody { json(): Promise<any>; }
interface Ai<AiModelList extends AiModelListType = AiModels> {
  run(model: any, inputs?: any, options?: any): Promise<any>;
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """An error of the compiler; `line` and `column` count from 1, and are 0 for the whole program."""

    line: int
    column: int
    code: str
    message: str
    file: str = _SOURCE


class CompileFailed(Exception):
    """The program was refused; `diagnostics` says why."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(f"{one.code}: {one.message}" for one in self.diagnostics))


def compile_module(source: str, folder: Path, *, dependencies: Iterable[str] = ()) -> str:
    """Return the JavaScript of a TypeScript module.

    `folder` must exist and is used for the compiler's files; `dependencies` are the names of npm
    packages, which need not be installed. Raises CompileFailed, also beyond 30 seconds.
    """
    return compile_modules({_SOURCE: source}, folder, dependencies=dependencies)[_SOURCE]


def compile_modules(
    sources: Mapping[str, str],
    folder: Path,
    *,
    dependencies: Iterable[str] = (),
    checks_types: bool = True,
) -> dict[str, str]:
    """Compile many modules (`name.ts`) in one process; one with an error refuses them all."""
    for name, source in sources.items():
        (folder / name).write_bytes(source.encode())
    (folder / _AMBIENT).write_text(_ambient(dependencies), "utf-8")
    (folder / "tsconfig.json").write_text(
        json.dumps(_config(list(sources), checks_types=checks_types)), "utf-8"
    )
    _run(folder)
    out = folder / "out"
    return {name: (out / name).with_suffix(".js").read_text("utf-8") for name in sources}


def _config(names: list[str], *, checks_types: bool) -> dict[str, object]:
    """Nothing that a person writes makes a program read a file of this server.

    `noResolve` is for the compiler, `removeComments` for the bundler: it follows the comment
    `sourceMappingURL`.
    """
    options = {
        "target": "es2024",
        "lib": ["esnext"],
        "module": "esnext",
        "moduleResolution": "bundler",
        "moduleDetection": "force",
        "strict": False,
        "noEmitOnError": True,
        "noCheck": not checks_types,
        "noResolve": True,
        "removeComments": True,
        "skipLibCheck": True,
        "types": [],
        "outDir": "out",
    }
    types = str(WORKERS_TYPES / "index.d.ts")
    return {"compilerOptions": options, "files": [*names, types, _AMBIENT]}


def _ambient(dependencies: Iterable[str]) -> str:
    """Declare what is not installed yet, and is of type any."""
    names = [json.dumps(name) for name in dependencies]
    inside = [json.dumps(f"{name}/*") for name in dependencies]
    modules = [f"declare module {name};" for name in ('"node:*"', *names, *inside)]
    return "\n".join([*modules, _LOOSE])


def _run(folder: Path) -> None:
    try:
        finished = process.run(
            [TSC, "--pretty", "false", "-p", "tsconfig.json"],
            cwd=folder,
            env=process.environment(home=folder),
            timeout=TIME_LIMIT,
            memory_limit=MEMORY_LIMIT,
        )
    except process.ProgramTimeout:
        message = f"the compiler was still busy after {TIME_LIMIT:g} seconds"
        raise CompileFailed([_global(message)]) from None
    if finished.exit_code:
        found = list(diagnostics(finished.stdout))
        what_it_said = (finished.stderr or finished.stdout).strip()[-2000:]
        raise CompileFailed(found or [_global(f"the compiler ended early: {what_it_said}")])


def _global(message: str) -> Diagnostic:
    return Diagnostic(line=0, column=0, code="", message=message, file="")


def diagnostics(output: str) -> list[Diagnostic]:
    """Read what the compiler prints with `--pretty false`; indented lines continue the one before."""
    found: list[Diagnostic] = []
    for line in output.splitlines():
        match = _DIAGNOSTIC.fullmatch(line)
        if match:
            found.append(_diagnostic(match))
        elif found and line.strip():
            found[-1] = _continued(found[-1], line.strip())
    return found


def _diagnostic(match: re.Match[str]) -> Diagnostic:
    return Diagnostic(
        line=int(match["line"] or 0),
        column=int(match["column"] or 0),
        code=match["code"],
        message=match["text"],
        file=match["file"] or "",
    )


def _continued(diagnostic: Diagnostic, line: str) -> Diagnostic:
    return Diagnostic(
        line=diagnostic.line,
        column=diagnostic.column,
        code=diagnostic.code,
        message=f"{diagnostic.message} {line}",
        file=diagnostic.file,
    )
