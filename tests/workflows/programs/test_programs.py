from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from tests.support.examples import examples
from tests.workflows.programs.harness.interpreter import Interpreter
from tests.workflows.programs.harness.programs import (
    CONTAINERS,
    HEARD,
    Item,
    ProgramGenerator,
    document_of,
    walk,
)
from tests.workflows.programs.harness.recorder import recording
from tests.workflows.programs.harness.workers import Run, compiled, names, outputs, run_all
from workflows.nodes.documents import parse

DRAWN = examples(12, 400)
MAX_WAITS = 40


def _results(programs: dict[str, list[Item]], folder: Path) -> Iterator[Checked]:
    with recording() as recorder:
        addresses = {name: recorder.at(name, (200, {})) for name in programs}
        documents = {
            name: document_of(program, undo=addresses[name]) for name, program in programs.items()
        }
        modules = compiled(documents, folder)
        runs = [Run(workflow=name, events=_events(program)) for name, program in programs.items()]
        results = run_all(modules, runs)
        for (name, program), run in zip(programs.items(), results, strict=True):
            undone = [request.json for request in recorder.requests.get(name, [])]
            yield Checked(program, run, undone)


def _events(program: list[Item]) -> list[dict[str, Any]]:
    """Return enough events for all waits of a program."""
    has_waits = any(item.kind == "wait" for item in walk(program))
    return [{"type": "call", "payload": HEARD}] * (MAX_WAITS if has_waits else 0)


class Checked(NamedTuple):
    """A program, its run, and what its rollbacks have reported."""

    program: list[Item]
    run: dict[str, Any]
    undone: list[dict[str, Any]]


def _check(checked: Checked) -> None:
    program, run, undone = checked
    expected = Interpreter()
    status, value = expected.run(program)

    kinds = {item.kind for item in walk(program)}
    losing = _losing(program)
    ran = [name for name in names(run) if not re.search("[_:]", name)]
    steps = [name for name in ran if name.split(" ")[0] not in losing]
    assert Counter(steps) == Counter(expected.steps)
    if not kinds & {"parallel", "race"}:
        assert steps == expected.steps
    assert run["status"] == status
    actual = outputs(run)
    assert {name: actual[name] for name in expected.outputs} == expected.outputs
    if status == "errored":
        assert value in run["error"]["message"]
    else:
        assert plain(payloads(run["output"])) == plain(value)
    reported = expected.undone if status == "errored" else []
    if "parallel" in kinds:
        reported, undone = (sorted(reports, key=json.dumps) for reports in (reported, undone))
    assert undone == reported


def _losing(program: list[Item]) -> set[str]:
    """Return the nodes in arms that lose a race: some may start before the run ends."""
    races = (item for item in walk(program) if item.kind == "race")
    return {item.id for race in races for arm in race.regions[1:] for item in walk(arm)}


def payloads(value: Any) -> Any:
    """Return the value with the payloads of events in place of the events."""
    if isinstance(value, dict):
        inner = {key: payloads(part) for key, part in value.items()}
        return inner["payload"] if {"payload", "timestamp"} <= inner.keys() else inner
    return [payloads(part) for part in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """Return the value without null members, as JSON has none for `undefined`."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if inner is not None}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def test_every_pair_of_containers_can_be_nested(tmp_path: Path) -> None:
    programs = {}
    for outer in CONTAINERS:
        for inner in CONTAINERS:
            generator = ProgramGenerator(Random(f"{outer} {inner}"), (inner,))  # noqa: S311 - the same each time
            programs[f"{outer}_{inner}"] = [
                generator.container(outer, "outer", depth=2), Item("step", "after"),
            ]  # fmt: skip

    for checked in _results(programs, tmp_path):
        _check(checked)


def test_random_programs_run_as_interpreted(tmp_path: Path) -> None:
    """Every second one also waits, hides names, retries races and has empty arms."""
    random = Random(20261125)  # noqa: S311 - the same each time
    programs: dict[str, list[Item]] = {}
    while len(programs) < DRAWN:
        is_rich = len(programs) % 2 == 1
        program = ProgramGenerator(random, is_rich=is_rich).program(depth=3, length=3)
        if parse(document_of(program)).ir is not None:
            programs[f"P{len(programs)}"] = program

    for checked in _results(programs, tmp_path):
        _check(checked)
