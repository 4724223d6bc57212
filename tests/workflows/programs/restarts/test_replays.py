"""A resumed run replays its steps, so generated code must decide everything as before."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from threading import Event

import pytest

from tests.local_cloudflare.support.workers import (
    deploy_worker,
    describe_run,
    run_status,
    send_event,
    start_run,
    wait_for,
    wait_for_output,
    wait_until,
    workflow_binding,
)
from tests.support.http_server import Handler, serving
from tests.support.platform_fixture import Platform, start_platform
from tests.workflows.ir.documents import Document, branch, chain, document, node
from tests.workflows.programs.harness.interpreter import Interpreter
from tests.workflows.programs.harness.programs import Item, ProgramGenerator, document_of, walk
from tests.workflows.programs.harness.workers import compiled
from workflows.nodes.documents import parse

PROGRAMS = 6

Start = Callable[[], Platform]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start platforms on one data directory, one after the other."""
    started: list[Platform] = []

    def start_one() -> Platform:
        started.append(start_platform(tmp_path / "state"))
        return started[-1]

    yield start_one
    for platform in started:
        platform.running.stop()


def _programs() -> dict[str, list[Item]]:
    """Return programs that wait for an event once, and then read all their values."""
    random = Random(20261127)  # noqa: S311 - the same each time
    programs: dict[str, list[Item]] = {}
    while len(programs) < PROGRAMS:
        program = ProgramGenerator(random).program(depth=3, length=3)
        steps = [item.id for item in walk(program) if item.kind == "step"]
        whole = [*program, Item("wait", "pause"), Item("step", "after", reads=steps)]
        kinds = {item.kind for item in walk(program)}
        is_rich = {"race", "parallel", "loop"} <= kinds
        if is_rich and _reaches_the_wait(whole) and parse(document_of(whole)).ir is not None:
            programs[f"program{len(programs)}"] = whole
    return programs


def _reaches_the_wait(program: list[Item]) -> bool:
    interpreter = Interpreter()
    return interpreter.run(program)[0] == "complete" and "pause" in interpreter.values


def test_a_killed_run_continues_with_the_same_values(tmp_path: Path, start: Start) -> None:
    programs = _programs()
    modules = compiled({name: document_of(program) for name, program in programs.items()}, tmp_path)
    before = start()
    runs = {name: _started_run(before, name, code) for name, code in modules.items()}
    for name, run in runs.items():
        wait_for(partial(run_status, before, name, run), "waiting")
    before.kill()

    after = start()
    for name, run in runs.items():
        send_event(after, name, run)
        _, expected = Interpreter().run(programs[name])
        assert wait_for_output(after, name, run) == expected


def _arms(left_name: str, right_name: str, *, looped: bool = False) -> Document:
    """Return two arms whose steps are called in a different order when the run is resumed."""
    left = node("left", name=left_name, code="return 'left';")
    right = node("right", name=right_name, code="return 'right';")
    slow = node("slow", code="await scheduler.wait(300); return 1;")
    each = [node("each", "loop", loopType="times", count=1)] if looped else []
    path = ["slow each", "each left body"] if looped else ["slow left"]
    return document(
        [
            node("both", "parallel"), slow, *each, node("quick"), left, right,
            node("pause", "wait_for_event", eventType="call", timeout="1 hour"),
            node("after", code="return [left, right];"),
        ],
        "both slow x", *path, "both quick y", "quick right", "both pause then", "pause after",
    )  # fmt: skip


@pytest.mark.long
def test_steps_with_a_shared_name_keep_their_own_values_after_a_kill(
    tmp_path: Path, start: Start
) -> None:
    long = "x" * 255
    workflows = {
        "Equal": _arms("Pay", "Pay"),
        "Cut": _arms(long + "a", long + "b", looped=True),
        "Indexed": _arms("Charge", "Charge [0]", looped=True),
    }
    modules = compiled(workflows, tmp_path)
    before = start()
    runs = {name: _started_run(before, name, code) for name, code in modules.items()}
    for name, run in runs.items():
        wait_for(partial(run_status, before, name.lower(), run), "waiting")
    before.kill()

    after = start()
    for name, run in runs.items():
        send_event(after, name.lower(), run)
        assert wait_for_output(after, name.lower(), run) == ["left", "right"], name


def _started_run(platform: Platform, name: str, code: str, **params: object) -> str:
    worker = name.lower()
    deploy_worker(platform, worker, code, workflow_binding(worker) | {"class_name": name})
    platform.api("PUT", f"workflows/{worker}", json={"script_name": worker, "class_name": name})
    return start_run(platform, worker, **params)


@pytest.mark.long
def test_a_time_in_the_past_is_not_waited_for(tmp_path: Path, start: Start) -> None:
    """The platform rejects sleeping until a time in the past, even in a replay."""
    workflow = chain(
        node("soon", "sleep_until", timestamp="{{ trigger.at }}"),
        node("before", "sleep_until", timestamp="2020-01-01T00:00:00Z"),
        node("pause", "wait_for_event", eventType="call", timeout="1 hour"),
        node("after"),
    )
    code = compiled({"Moments": workflow}, tmp_path)["Moments"]
    first = start()
    run = _started_run(first, "Moments", code, at=time.time() * 1000 + 800)
    wait_for(partial(run_status, first, "moments", run), "waiting")
    wait_for(lambda: len(describe_run(first, "moments", run).steps), 3)
    first.kill()

    again = start()
    send_event(again, "moments", run)
    assert wait_for_output(again, "moments", run) == {"from": "after"}


def test_races_keep_their_values_and_their_attempts_apart_after_a_kill(
    tmp_path: Path, start: Start
) -> None:
    ask = "if (ctx.step.name === 'ask (attempt 2)') return 'up'; throw new Error('down');"
    nap = node("nap", "sleep", duration="5 minutes")
    again = document(
        [
            node("race", "race", retryLimit=1, retryDelay="3 seconds"),
            node("ask", code=ask, retryLimit=0), nap, node("end", code="return race;"),
        ],
        "race ask a", "race nap b", "race end then",
    )  # fmt: skip
    undone = document(
        [
            node("guard", "try_catch"), node("race", "race"), node("room"), node("ask", code=ask, retryLimit=0),
            nap, node("pause", "wait_for_event", eventType="call", timeout="1 hour"),
            node("undo", code="return room?.from;"),
        ],
        "guard race try", "race room a", "room ask", "race nap b", "guard pause catch", "pause undo",
    )  # fmt: skip
    modules = compiled({"Again": again, "Undone": undone}, tmp_path)
    before = start()
    runs = {name: _started_run(before, name, code) for name, code in modules.items()}
    wait_for(partial(run_status, before, "undone", runs["Undone"]), "waiting")
    wait_for(partial(_last_step, before, "again", runs["Again"]), "race: wait-1")
    before.kill()

    after = start()
    send_event(after, "undone", runs["Undone"])
    assert wait_for_output(after, "undone", runs["Undone"]) == "room"
    assert wait_for_output(after, "again", runs["Again"]) == "up"


def _last_step(platform: Platform, name: str, run: str) -> str:
    steps = describe_run(platform, name, run).steps
    return str(steps[-1].name) if steps else ""


def test_the_clock_and_random_numbers_are_read_once_despite_kills(
    tmp_path: Path, start: Start
) -> None:
    """The run is killed during a request whose URL is a time, and again while it waits until a time."""
    paths: list[str] = []
    is_killed = Event()

    class Recording(Handler):
        def do_GET(self) -> None:
            paths.append(self.path)
            if len(paths) == 1:
                is_killed.wait(60)
            with suppress(OSError):  # no one waits for the first response anymore
                self.respond(200, b"{}")

    with serving(Recording) as address:
        code = compiled({"Chance": _chance(address)}, tmp_path)["Chance"]
        first = start()
        run = _started_run(first, "Chance", code)
        wait_until(lambda: len(paths) == 1)
        tossed = _values(first, run)
        first.kill()
        is_killed.set()

        second = start()
        wait_for(partial(_last_step, second, "chance", run), "until-1")
        values = _values(second, run)
        second.kill()

        output = wait_for_output(third := start(), "chance", run)

    assert len(paths) == 2
    assert len(set(paths)) == 1
    assert values.items() > tossed.items()
    assert _values(third, run) == values
    assert output == [values[f"toss: value [{toss}]-1"] for toss in range(TOSSES)]


TOSSES = 16


def _chance(address: str) -> Document:
    return document(
        [
            node("coins", "loop", loopType="times", count=TOSSES),
            branch("toss", heads="Math.random() < 0.5", tails=""),
            node("yes", code="return true;"), node("no", code="return false;"),
            node("moments", "loop", collection="[Date.now()]"),
            node("ask", "http_request", url=f"{address}/{{{{ item }}}}", retryDelay=100),
            node("until", "sleep_until", timestamp="Date.now() + 8000"),
            node("end", code="return coins.results;"),
        ],
        "coins toss body", "toss yes heads", "toss no tails", "coins moments then",
        "moments ask body", "moments until then", "until end",
    )  # fmt: skip


def _values(platform: Platform, run: str) -> dict[str, object]:
    """Return the values that the run has read from the clock or at random, by step name."""
    steps = describe_run(platform, "chance", run).steps
    kept = [step for step in steps if ": value" in str(step.name)]
    return {str(step.name): json.loads(str(step.output)) for step in kept}


@pytest.mark.long
def test_checks_that_have_finished_are_not_repeated_after_a_kill(
    tmp_path: Path, start: Start
) -> None:
    paths: list[str] = []

    class Counting(Handler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.respond(200, json.dumps({"count": len(paths)}).encode())

    with serving(Counting) as address:
        wait = node("ready", "wait_until", check="request", url=f"{address}/", interval="3 seconds",
                    condition="response.body.count > 2")  # fmt: skip
        code = compiled({"Checks": chain(wait)}, tmp_path)["Checks"]
        first = start()
        run = _started_run(first, "Checks", code)
        wait_for(partial(_last_step, first, "checks", run), "ready: wait-2")
        first.kill()

        output = wait_for_output(start(), "checks", run)

    assert isinstance(output, dict)
    assert (output["value"]["body"], output["checks"]) == ({"count": 3}, 3)
    assert len(paths) == 3
