"""A run that is taken up again replays what it did: everything must be decided as it was before."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random

from tests.generated.interpreter import Interpreter
from tests.generated.programs import Draw, Item, drawn, walk
from tests.generated.workers import compiled
from tests.platform.uploads import begin, call, ended, own_workflow, status, until, uploaded
from tests.platform_fixture import start_platform
from workflows.ir.validate import parse

PROGRAMS = 6


def _programs() -> dict[str, list[Item]]:
    """Return programs that wait for an event once, and then look at all that they have made."""
    random = Random(20261127)  # noqa: S311 - the same each time
    found: dict[str, list[Item]] = {}
    while len(found) < PROGRAMS:
        program = Draw(random).program(depth=3, length=3)
        steps = [item.id for item in walk(program) if item.kind == "step"]
        whole = [*program, Item("wait", "pause"), Item("step", "after", reads=steps)]
        kinds = {item.kind for item in walk(program)}
        is_rich = {"race", "parallel", "loop"} <= kinds
        if is_rich and _reaches_the_wait(program) and parse(drawn(whole)).ir is not None:
            found[f"program{len(found)}"] = whole
    return found


def _reaches_the_wait(program: list[Item]) -> bool:
    return Interpreter().run(program)[0] == "complete"


def test_a_run_that_is_killed_goes_on_with_the_values_it_had(tmp_path: Path) -> None:
    programs = _programs()
    modules = compiled({name: drawn(one) for name, one in programs.items()}, tmp_path)
    before = start_platform(tmp_path / "state")
    runs = {}
    for name, code in modules.items():
        uploaded(before, name, code, own_workflow(name) | {"class_name": name})
        before.api("PUT", f"workflows/{name}", json={"script_name": name, "class_name": name})
        runs[name] = begin(before, name)
    for name, run in runs.items():
        until(partial(status, before, name, run), "waiting", seconds=60)
    before.kill()

    after = start_platform(tmp_path / "state")
    try:
        for name, run in runs.items():
            call(after, name, run)
            said = Interpreter().run(programs[name])
            assert ended(after, name, run) == said[1]
    finally:
        after.running.stop()
