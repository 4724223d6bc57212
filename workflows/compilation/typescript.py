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
"""The prefix of build folders that belong to no deployment."""

TIME_LIMIT: Final = 30.0
_BYTES_PER_SECOND: Final = 100_000  # by which the limit grows with the size of the code
MEMORY_LIMIT: Final = 4 * 1024**3  # of address space; Go reserves more than it uses
# Most programs end before they need a garbage collection, which takes a third of the work otherwise.
_GARBAGE_COLLECTION: Final = {"GOGC": "1000", "GOMEMLIMIT": "1GiB"}

_SOURCE: Final = "worker.ts"
_AMBIENT: Final = "ambient.d.ts"
_DIAGNOSTIC: Final = re.compile(
    r"(?:(?P<file>[^\n(]+)\((?P<line>[0-9]+),(?P<column>[0-9]+)\): )?error (?P<code>TS[0-9]+): (?P<text>.*)"
)

# Loose JavaScript uses responses without declaring their types. These overloads are tried before
# those of Cloudflare's types.
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
    """A compiler error; `line` and `column` count from 1 and are 0 for the whole program."""

    line: int
    column: int
    code: str
    message: str
    file: str = _SOURCE


class CompileFailed(Exception):
    """The compiler rejected the program; `diagnostics` are its errors."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(f"{error.code}: {error.message}" for error in self.diagnostics))


def compile_module(source: str, folder: Path, *, dependencies: Iterable[str] = ()) -> str:
    """Return the JavaScript of a TypeScript module.

    `folder` must exist and is used for the compiler's files; `dependencies` are the names of npm
    packages, which need not be installed. Raises CompileFailed, for example if the compiler takes too long.
    """
    return compile_modules({_SOURCE: source}, folder, dependencies=dependencies)[_SOURCE]


def compile_modules(
    sources: Mapping[str, str],
    folder: Path,
    *,
    dependencies: Iterable[str] = (),
    checks_types: bool = True,
) -> dict[str, str]:
    """Compile several modules (`name.ts`) in one process; an error in one rejects them all."""
    write_project(sources, folder, dependencies=dependencies, checks_types=checks_types)
    size = sum(map(len, sources.values()))
    run_compiler(folder, size=size)
    out = folder / "out"
    return {name: (out / name).with_suffix(".js").read_text("utf-8") for name in sources}


def write_project(
    sources: Mapping[str, str],
    folder: Path,
    *,
    dependencies: Iterable[str],
    checks_types: bool = True,
) -> None:
    """Write modules into the folder, with the types and the settings that they are compiled with."""
    for name, source in sources.items():
        (folder / name).write_bytes(source.encode())
    (folder / _AMBIENT).write_text(package_declarations(dependencies), "utf-8")
    (folder / "tsconfig.json").write_text(
        json.dumps(_config(list(sources), checks_types=checks_types)), "utf-8"
    )


def _config(names: list[str], *, checks_types: bool) -> dict[str, object]:
    """Return the compiler's settings, with which no code can make it read files of this server.

    `noResolve` protects the compiler, `removeComments` the bundler, which follows the comment
    `sourceMappingURL`.
    """
    options = compiler_options() | {
        "noEmitOnError": True,
        "noCheck": not checks_types,
        "removeComments": True,
        "outDir": "out",
    }
    return {"compilerOptions": options, "files": [*names, workers_types(), _AMBIENT]}


def compiler_options() -> dict[str, object]:
    """Return the settings that all code is checked with; imports are only found among listed files."""
    return {
        "target": "es2024",
        "lib": ["esnext"],
        "module": "esnext",
        "moduleResolution": "bundler",
        "moduleDetection": "force",
        "strict": False,
        "noResolve": True,
        "skipLibCheck": True,
        "types": [],
    }


def workers_types() -> str:
    """Return the path of Cloudflare's types."""
    return str(WORKERS_TYPES / "index.d.ts")


def package_declarations(dependencies: Iterable[str]) -> str:
    """Return declarations that type packages which are not installed as any."""
    names = [json.dumps(name) for name in dependencies]
    subpaths = [json.dumps(f"{name}/*") for name in dependencies]
    modules = [f"declare module {name};" for name in ('"node:*"', *names, *subpaths)]
    return "\n".join([*modules, _LOOSE])


def run_compiler(folder: Path, *, size: int) -> None:
    """Compile the folder's tsconfig.json with a time limit for `size` characters of code.

    Raises CompileFailed with every complaint.
    """
    time_limit = TIME_LIMIT + size / _BYTES_PER_SECOND
    try:
        finished = process.run(
            [TSC, "--pretty", "false", "-p", "tsconfig.json"],
            cwd=folder,
            env=process.environment(home=folder, **_GARBAGE_COLLECTION),
            timeout=time_limit,
            memory_limit=MEMORY_LIMIT,
        )
    except process.ProgramTimeout:
        message = f"the compiler did not finish within {time_limit:.0f} seconds"
        raise CompileFailed([_global(message)]) from None
    if finished.exit_code:
        errors = list(diagnostics(finished.stdout))
        output = (finished.stderr or finished.stdout).strip()[-2000:]
        raise CompileFailed(errors or [_global(f"the compiler stopped unexpectedly: {output}")])


def _global(message: str) -> Diagnostic:
    return Diagnostic(line=0, column=0, code="", message=message, file="")


def diagnostics(output: str) -> list[Diagnostic]:
    """Parse the output of `--pretty false`, in which indented lines continue the previous one."""
    errors: list[Diagnostic] = []
    for line in output.splitlines():
        match = _DIAGNOSTIC.fullmatch(line)
        if match:
            errors.append(_diagnostic(match))
        elif errors and line.strip():
            errors[-1] = _continued(errors[-1], line.strip())
    return errors


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
