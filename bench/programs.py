"""From a document to its program: against parsing the program once, and against a bare tsc."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.figures import ratio, table
from bench.graphs import CODE, SHAPES, Graph, chain, nested_branches
from toolchain.node_tools import TSC
from workflows.codegen.module.generate import ModuleSettings
from workflows.codegen.syntax.parser import parse_typescript
from workflows.compilation.from_document import generate_from_document
from workflows.compilation.typescript import compile_module

SETTINGS = ModuleSettings(class_name="Flow", workflow_binding="WORKFLOW")
FEW, MANY = 1_250, 5_000
MOST_GROWTH = 5.0

GENERATING = """
Method: "ours" is validation and generation of a document that has been read from JSON; "parse" is
tree-sitter's parsing of the module that came of it, once, as one file. CPU seconds of this process,
which is warm; a round does one of each, in turns."""

NESTED = """
Method: as above; both are divided by their number of nodes, and "parse" is that of the chain whose
steps have one line of code. The second ratio is to the parse of the nest's own module, which is short."""

GROWTH = f"""
Method: validation and generation of documents of about {FEW:,} and {MANY:,} nodes, in turns; CPU
seconds of this process. The ratio is that of the times by node, times four."""

COMPILING = """
Method: "ours" is what a deploy does at this stage: write the files, type-check, emit, read the
JavaScript. "tsc" is the same compiler on the same files with the same options. Wall time, processes
cold, in turns; the 1,000 steps have six lines of code each."""


def measure(*, rounds: int, folder: Path) -> None:
    print(GENERATING)
    short, _ = _generating("1,000 steps of one line", chain(1000), rounds=rounds)
    _, source = _generating("1,000 steps of six lines", chain(1000, CODE), rounds=rounds)
    _nested(short, rounds=rounds)
    print(GROWTH)
    for name, shape in SHAPES.items():
        _growth(name, shape, rounds=max(rounds // 2, 3))
    _compiling(source, rounds=rounds, folder=folder)


def _generating(name: str, document: Graph, *, rounds: int) -> tuple[list[float], str]:
    """Print how our time compares with one parse; return the seconds of the parses, and the module."""
    ours, parses, source = _against_parse(document, rounds)
    table(f"{name}, CPU seconds ({len(source):,} characters)", {"ours": ours, "parse": parses})
    ratio("ours / parse", ours, parses, limit=3.0)
    return parses, source


def _against_parse(document: Graph, rounds: int) -> tuple[list[float], list[float], str]:
    """Return the seconds of ours and of the parse; the first round warms up and is left out."""
    source = generate_from_document(document, SETTINGS).source
    pairs = [
        (
            _cpu(lambda: generate_from_document(document, SETTINGS)),
            _cpu(lambda: parse_typescript(source.encode())),
        )
        for _ in range(rounds + 1)
    ][1:]
    return [ours for ours, _ in pairs], [parse for _, parse in pairs], source


def _nested(parses: list[float], *, rounds: int) -> None:
    print(NESTED)
    document = nested_branches(200)
    ours, own, _ = _against_parse(document, 10 * rounds)
    per_node = [seconds / len(document["nodes"]) for seconds in ours]
    per_step = [seconds / 1000 for seconds in parses]
    ratio("100 nested branches: ours by node / parse by step", per_node, per_step, limit=3.0)
    ratio("100 nested branches: ours / parse of its own module", ours, own)


def _growth(name: str, shape: Callable[[int], Graph], *, rounds: int) -> None:
    few, many = shape(FEW), shape(MANY)
    pairs = [
        (
            _cpu(lambda: generate_from_document(few, SETTINGS)),
            _cpu(lambda: generate_from_document(many, SETTINGS)),
        )
        for _ in range(rounds + 1)
    ][1:]
    by_node = [4 * seconds / len(many["nodes"]) for _, seconds in pairs]
    ratio(
        f"{name}: 4 times the nodes take times",
        by_node,
        [seconds / len(few["nodes"]) for seconds, _ in pairs],
        limit=MOST_GROWTH,
    )


def _compiling(source: str, *, rounds: int, folder: Path) -> None:
    print(COMPILING)
    work = folder / "compile"
    work.mkdir()
    bare = [str(TSC), "--pretty", "false", "-p", "tsconfig.json"]
    pairs = [
        (
            _wall(lambda: compile_module(source, work)),
            _wall(lambda: subprocess.run(bare, cwd=work, check=True)),  # noqa: S603
        )
        for _ in range(rounds + 1)
    ][1:]
    ours, theirs = [one for one, _ in pairs], [one for _, one in pairs]
    table("1,000 steps, type-check and emit, seconds", {"ours": ours, "tsc": theirs})
    ratio("ours / tsc", ours, theirs, limit=1.3)


def _cpu(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _wall(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
