"""A run that is killed at any point of a race or of a batch of runs continues as if it had not been.

The records of one run are cut after one of its rows, as if its process had been killed there.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.local_cloudflare.support.workers import (
    Binding,
    deploy_worker,
    run_status,
    send_event,
    start_run,
    wait_for,
    wait_for_output,
    workflow_binding,
)
from tests.support.examples import examples
from tests.support.platform_fixture import Platform, start_platform
from tests.workflows.ir.documents import Document, chain, document, node
from tests.workflows.programs.harness.workers import compiled

Start = Callable[[str], Platform]

STEP_START, ATTEMPT_START = 5, 10
CUTS = examples(7, 100)  # the last ones are those around the end of the race
FINAL_EVENTS = (6, 7, 9, 15, 16)  # a step, a sleep or a wait has ended


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start platforms on folders of this test."""
    started: list[Platform] = []

    def start_one(name: str) -> Platform:
        started.append(start_platform(tmp_path / name))
        return started[-1]

    yield start_one
    for platform in started:
        platform.running.stop()


def _booking() -> Document:
    """Return a race that books a room and then fails, and a catch that reads the room."""
    return document(
        [
            node("guard", "try_catch"), node("race", "race"),
            node("room", code="return { from: 'room' };"),
            node("bad", code="throw new Error('full');", retryLimit=0),
            node("nap", "sleep", duration="5 minutes"),
            node("pause", "wait_for_event", eventType="call", timeout="1 hour"),
            node("undo", code="return room?.from ?? 'lost';"),
            node("after", code="return [room?.from ?? 'lost', undo];"),
        ],
        "guard race try", "race room a", "room bad", "race nap b", "guard pause catch",
        "pause undo", "guard after then",
    )  # fmt: skip


def test_the_values_of_a_race_survive_a_kill_at_any_point(tmp_path: Path, start: Start) -> None:
    platform = start("whole")
    _deploy(platform, "Booking", compiled({"Booking": _booking()}, tmp_path)["Booking"])
    run = start_run(platform, "booking")
    wait_for(partial(run_status, platform, "booking", run), "waiting")
    platform.kill()

    outputs = {}
    for row in _rows(tmp_path / "whole")[-CUTS:]:
        _copy(tmp_path / "whole", tmp_path / f"cut{row}")
        _cut(tmp_path / f"cut{row}", after=row)
        cut = start(f"cut{row}")
        send_event(cut, "booking", run)
        outputs[row] = wait_for_output(cut, "booking", run)
        cut.kill()

    assert len(outputs) >= 7
    assert set(map(tuple, outputs.values())) == {("room", "room")}, outputs


@pytest.mark.long
def test_a_batch_of_runs_that_is_repeated_after_a_kill_starts_none_twice(
    tmp_path: Path, start: Start
) -> None:
    parent = chain(
        node("many", "start_many", workflowId="child", items="[7, 8, 9]"),
        node("pause", "wait_for_event", eventType="call", timeout="1 hour"),
        node("after", code="return many;"),
    )
    modules = compiled({"Child": chain(node("stop", "break")), "Parent": parent}, tmp_path)
    platform = start("whole")
    _deploy(platform, "Child", modules["Child"])
    child = {"name": "CHILD_CHILD", "class_name": "Child", "script_name": "child"}
    _deploy(platform, "Parent", modules["Parent"], workflow_binding("child") | child)
    run = start_run(platform, "parent")
    wait_for(partial(run_status, platform, "parent", run), "waiting")
    platform.kill()

    _cut(tmp_path / "whole", after=_start_of_attempt(tmp_path / "whole", "many-1"))
    again = start("whole")
    send_event(again, "parent", run)

    started = wait_for_output(again, "parent", run)
    assert [each["existed"] for each in started] == [True] * 3
    instances = again.api("GET", "workflows/child/instances").json()["result"]
    assert {each["id"] for each in instances} == {each["id"] for each in started}
    assert len(instances) == 3


def _deploy(platform: Platform, class_name: str, code: str, *bindings: Binding) -> None:
    """Deploy a Worker and its Workflow, both with the name of the class in small letters."""
    name = class_name.lower()
    own = workflow_binding(name) | {"class_name": class_name}
    deploy_worker(platform, name, code, own, *bindings)
    names = {"script_name": name, "class_name": class_name}
    platform.api("PUT", f"workflows/{name}", json=names)


def _copy(folder: Path, to: Path) -> None:
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("*.sock"))


def _database(folder: Path) -> sqlite3.Connection:
    """Open the records of the only run that has called steps."""
    for file in folder.glob("**/*.sqlite"):
        database = sqlite3.connect(file)
        tables = "SELECT count(*) FROM sqlite_master WHERE name IN ('states', '_cf_KV')"
        has_steps = "SELECT count(*) FROM states WHERE event = ?"
        if (
            database.execute(tables).fetchone()[0] == 2
            and database.execute(has_steps, [STEP_START]).fetchone()[0]
        ):
            return database
        database.close()
    raise AssertionError("the run has no records")


def _rows(folder: Path) -> list[int]:
    """Return the rows of the log after which the run may have been killed, in order."""
    with closing(_database(folder)) as database:
        started = "SELECT min(id) FROM states WHERE event = ?"
        (first,) = database.execute(started, [STEP_START]).fetchone()
        return [id_ for (id_,) in database.execute("SELECT id FROM states WHERE id >= ?", [first])]


def _start_of_attempt(folder: Path, step: str) -> int:
    """Return the row of the log that the first attempt of a step has when it starts."""
    with closing(_database(folder)) as database:
        query = "SELECT min(id) FROM states WHERE event = ? AND target = ?"
        (row,) = database.execute(query, [ATTEMPT_START, step]).fetchone()
        return int(row)


def _cut(folder: Path, *, after: int) -> None:
    """Remove what was recorded after the row."""
    with closing(_database(folder)) as database, database:
        groups: dict[str, list[tuple[int, int]]] = {}
        for id_, group, event in database.execute("SELECT id, groupKey, event FROM states"):
            groups.setdefault(str(group), []).append((id_, event))
        for group, events in groups.items():
            if group == "None":
                continue
            if min(id_ for id_, _ in events) > after:
                database.execute("DELETE FROM _cf_KV WHERE key LIKE ?", [f"{group}%"])
                database.execute("DELETE FROM priority_queue WHERE hash LIKE ?", [f"{group}%"])
            elif not any(id_ <= after and event in FINAL_EVENTS for id_, event in events):
                database.execute("DELETE FROM _cf_KV WHERE key LIKE ?", [f"{group}-value"])
                database.execute("DELETE FROM _cf_KV WHERE key LIKE ?", [f"{group}-error"])
        database.execute("DELETE FROM states WHERE id > ?", [after])
