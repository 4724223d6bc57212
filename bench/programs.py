"""Generating a program from a document, compared with parsing it once, and with plain tsc."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from bench.figures import alternate, cpu_seconds, ratio, table, wall_seconds
from bench.graphs import CODE, SHAPES, Graph, chain, nested_branches
from toolchain.node_tools import TSC
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.codegen.syntax.parser import parse_typescript
from workflows.compilation.from_document import generate_from_document
from workflows.compilation.typescript import compile_module

SETTINGS = ModuleSettings(class_name="Flow", workflow_binding="WORKFLOW")
FEW, MANY = 1_250, 5_000
MAX_GROWTH = 5.0

GENERATING = """
Method: "ours" is validation and generation, from JSON values; "parse" is one parse of the generated
module by tree-sitter. CPU seconds of this process, after a warm-up; each round does one of each."""

NESTED = """
Method: as above, per node; "parse" is that of the chain whose steps have one line of code. The second
ratio is to the parse of the nest's own module, which is short."""

GROWTH = f"""
Method: validation and generation of documents with about {FEW:,} and {MANY:,} nodes, alternating; CPU
seconds of this process. The ratio is that of the times per node, multiplied by four."""

COMPILING = """
Method: "ours" is this stage of a deploy: write the files, type-check, emit, read the JavaScript.
"tsc" is the same compiler on the same files with the same options. Wall time of new processes,
alternating; the 1,000 steps have six lines of code each."""


def measure(*, rounds: int, folder: Path) -> None:
    """Time generation, its growth with the number of nodes, and compilation."""
    print(GENERATING)
    short, _ = _generating("1,000 steps of one line", chain(1000), rounds=rounds)
    _, source = _generating("1,000 steps of six lines", chain(1000, CODE), rounds=rounds)
    _nested(short, rounds=rounds)
    print(GROWTH)
    for name, shape in SHAPES.items():
        _growth(name, shape, rounds=max(rounds // 2, 3))
    _compiling(source, rounds=rounds, folder=folder)


def _generating(name: str, document: Graph, *, rounds: int) -> tuple[list[float], str]:
    """Print our time compared with one parse; return the times of the parses, and the module."""
    ours, parses, source = _against_parse(document, rounds)
    table(f"{name}, CPU seconds ({len(source):,} characters)", {"ours": ours, "parse": parses})
    ratio("ours / parse", ours, parses, limit=3.0)
    return parses, source


def _against_parse(document: Graph, rounds: int) -> tuple[list[float], list[float], str]:
    """Return our times, those of the parse, and the module."""
    source = generate_from_document(document, SETTINGS).source
    pairs = alternate(
        lambda: cpu_seconds(lambda: generate_from_document(document, SETTINGS)),
        lambda: cpu_seconds(lambda: parse_typescript(source.encode())),
        rounds=rounds,
    )
    return [ours for ours, _ in pairs], [parse for _, parse in pairs], source


def _nested(parses: list[float], *, rounds: int) -> None:
    print(NESTED)
    document = nested_branches(200)
    ours, own, _ = _against_parse(document, 10 * rounds)
    per_node = [seconds / len(document["nodes"]) for seconds in ours]
    per_step = [seconds / 1000 for seconds in parses]
    ratio("100 nested branches: ours per node / parse per step", per_node, per_step, limit=3.0)
    ratio("100 nested branches: ours / parse of its own module", ours, own)


def _growth(name: str, shape: Callable[[int], Graph], *, rounds: int) -> None:
    few, many = shape(FEW), shape(MANY)
    pairs = alternate(
        lambda: cpu_seconds(lambda: generate_from_document(few, SETTINGS)),
        lambda: cpu_seconds(lambda: generate_from_document(many, SETTINGS)),
        rounds=rounds,
    )
    per_node = [4 * seconds / len(many["nodes"]) for _, seconds in pairs]
    ratio(
        f"{name}: time for 4 times the nodes",
        per_node,
        [seconds / len(few["nodes"]) for seconds, _ in pairs],
        limit=MAX_GROWTH,
    )


def _compiling(source: str, *, rounds: int, folder: Path) -> None:
    print(COMPILING)
    work = folder / "compile"
    work.mkdir()
    bare = [str(TSC), "--pretty", "false", "-p", "tsconfig.json"]
    pairs = alternate(
        lambda: wall_seconds(lambda: compile_module(source, work)),
        lambda: wall_seconds(lambda: subprocess.run(bare, cwd=work, check=True)),  # noqa: S603
        rounds=rounds,
    )
    ours, theirs = zip(*pairs, strict=True)
    table("1,000 steps, type-check and emit, seconds", {"ours": ours, "tsc": theirs})
    ratio("ours / tsc", ours, theirs, limit=1.3)
