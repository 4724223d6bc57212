from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from tests.support.examples import examples
from tests.workflows.programs.harness.interpreter import Interpreter
from tests.workflows.programs.harness.programs import CONTAINERS, Draw, Item, drawn, walk
from tests.workflows.programs.harness.workers import Run, compiled, names, outputs, run_all
from workflows.nodes.documents import parse

DRAWN = examples(12, 400)


def _results(programs: dict[str, list[Item]], folder: Path) -> dict[str, dict[str, Any]]:
    modules = compiled({name: drawn(program) for name, program in programs.items()}, folder)
    found = run_all(modules, [Run(workflow=name) for name in programs])
    return dict(zip(programs, found, strict=True))


def _check(program: list[Item], found: dict[str, Any]) -> None:
    said = Interpreter()
    status, value = said.run(program)

    kinds = {item.kind for item in walk(program)}
    ran = [name for name in names(found) if "_" not in name]
    late = _losing(program)
    ran = [name for name in ran if name.split(" ")[0] not in late]
    assert Counter(ran) == Counter(said.ran)
    if not kinds & {"parallel", "race"}:
        assert ran == said.ran
    assert found["status"] == status
    made = outputs(found)
    assert {name: made[name] for name in said.outputs} == said.outputs
    if status == "errored":
        assert value in found["error"]["message"]
    else:
        assert plain(found["output"]) == plain(value)


def _losing(program: list[Item]) -> set[str]:
    """Return the nodes in arms that lose a race: some may begin before the run ends."""
    races = (item for item in walk(program) if item.kind == "race")
    return {one.id for race in races for arm in race.regions[1:] for one in walk(arm)}


def plain(value: Any) -> Any:
    """Return the value without members that are null: `undefined` leaves none behind."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if inner is not None}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def test_containers_nest_in_every_pairing(tmp_path: Path) -> None:
    programs = {}
    for outer in CONTAINERS:
        for inner in CONTAINERS:
            draw = Draw(Random(f"{outer} {inner}"), (inner,))  # noqa: S311 - the same each time
            programs[f"{outer}_{inner}"] = [
                draw.container(outer, "outer", depth=2), Item("step", "after"),
            ]  # fmt: skip

    for name, found in _results(programs, tmp_path).items():
        _check(programs[name], found)


def test_random_programs_do_what_they_say(tmp_path: Path) -> None:
    random = Random(20261125)  # noqa: S311 - the same each time
    programs: dict[str, list[Item]] = {}
    while len(programs) < DRAWN:
        program = Draw(random).program(depth=3, length=3)
        if parse(drawn(program)).ir is not None:
            programs[f"P{len(programs)}"] = program

    for name, found in _results(programs, tmp_path).items():
        _check(programs[name], found)
