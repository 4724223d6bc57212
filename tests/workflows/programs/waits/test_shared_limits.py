"""Nodes whose runs find each other in a D1 database: `debounce` and `rate_limit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.workflows.ir.documents import Document, chain, document, node
from tests.workflows.programs.harness.workers import Run, compiled, names, outputs, run_all
from workflows.nodes.documents import parse

BINDINGS = {"DB": {"type": "d1", "id": "db"}, "OTHER_DB": {"type": "d1", "id": "other"}}


def run_many(folder: Path, workflow: Document, payloads: list[Any]) -> list[dict[str, Any]]:
    """Run the document with each payload at the same time."""
    runs = [Run(workflow="Flow", params=payload) for payload in payloads]
    return run_all(compiled({"Flow": workflow}, folder), runs, bindings=BINDINGS)


def debounced(**data: Any) -> dict[str, Any]:
    return node("last", "debounce", **{"key": "{{ trigger.key }}", "quietPeriod": 1500, **data})


def test_the_last_of_several_runs_with_the_same_key_is_the_latest(tmp_path: Path) -> None:
    """On a busy machine, it may be quiet in between: then a run stands for those until then."""
    payloads = [{"key": "a"}] * 5 + [{"key": "b"}] * 2

    runs = run_many(tmp_path, chain(debounced()), payloads)

    for of_key in (runs[:5], runs[5:]):
        last = max(of_key, key=lambda run: outputs(run)["last"]["ticket"])
        assert last["output"]["latest"]
        found = [run["output"] for run in of_key]
        assert all(each["latest"] == (each["count"] > 0) for each in found)
        assert sum(each["count"] for each in found) == len(of_key)
    assert names(runs[0]) == ["last", "last: wait", "last: check"]


@pytest.mark.long
def test_a_later_burst_is_counted_from_the_start(tmp_path: Path) -> None:
    workflow = document(
        [
            node("each", "loop", collection="[0, 1]"),
            debounced(quietPeriod=50, key="{{ trigger.key }}"),
            node("end", code="return each.results;"),
        ],
        "each last body",
        "each end then",
    )

    (run,) = run_many(tmp_path, workflow, [{"key": "a"}])

    assert run["output"] == [{"latest": True, "count": 1}] * 2


@pytest.mark.long
def test_nodes_and_databases_do_not_see_each_other(tmp_path: Path) -> None:
    workflow = document(
        [
            node("all", "parallel"),
            *(
                node(id_, "debounce", key="same", quietPeriod=300, database=database)
                for id_, database in [("a", "DB"), ("b", "DB"), ("c", "OTHER_DB")]
            ),
        ],
        "all a", "all b", "all c",
    )  # fmt: skip

    (run,) = run_many(tmp_path, workflow, [{}])

    assert run["output"] == [{"latest": True, "count": 1}] * 3


@pytest.mark.long
def test_after_the_maximum_wait_a_run_continues_although_newer_ones_arrive(tmp_path: Path) -> None:
    arrival = node("arrival", "sleep", duration="{{ trigger.after }}")
    workflow = chain(arrival, debounced(quietPeriod=2000, maxWait=1000))
    payloads = [{"key": "a", "after": after} for after in (1, 1000)]

    first, second = run_many(tmp_path, workflow, payloads)

    assert first["output"] == second["output"] == {"latest": True, "count": 1}


CALLS = """
const call = { database: env.DB, scope: "s", key: () => "k" } as any;
const { ticket } = await takeTicket(call, "interrupted");
const later = await takeTicket(call, "later");
const decided = await checkTicket(call, later.ticket);
const again = await takeTicket(call, "interrupted");
const checks = [decided, await checkTicket(call, again.ticket), await checkTicket(call, later.ticket)];
"""


@pytest.mark.long
def test_a_run_that_was_interrupted_does_not_overtake_a_later_one(tmp_path: Path) -> None:
    """It asks for its ticket a second time, after the later run has decided."""
    run = run_many(
        tmp_path,
        chain(
            debounced(key="other", quietPeriod=1),
            node("calls", code=f"{CALLS} return [ticket === again.ticket, checks];"),
        ),
        [{}],
    )[0]

    latest = {"latest": True, "count": 2}
    assert run["output"] == [True, [latest, {"latest": False, "count": 0}, latest]]


@pytest.mark.long
def test_decided_tickets_are_removed_after_a_day(tmp_path: Path) -> None:
    age = "UPDATE awaitstep_debounce SET arrived = arrived - 86400001"
    rows = "SELECT run FROM awaitstep_debounce WHERE scope = 's'"
    code = f"""{CALLS}
      await takeTicket(call, "undecided");
      await env.DB.prepare("{age}").run();
      const newest = await takeTicket(call, "newest");
      await checkTicket(call, newest.ticket);
      return (await env.DB.prepare("{rows}").all()).results.map(({{ run }}) => run);"""

    (run,) = run_many(
        tmp_path, chain(debounced(key="other", quietPeriod=1), node("calls", code=code)), [{}]
    )

    assert run["output"] == ["newest"]


def limited(**data: Any) -> dict[str, Any]:
    return node("room", "rate_limit", **{"key": "{{ trigger.key }}", "limit": 2, **data})


SLOTS = """
const { results } = await env.DB.prepare("SELECT slot FROM awaitstep_rate_limit WHERE key = 'a' ORDER BY slot").all();
return results.map(({ slot }) => slot);
"""


TAKE = "(key: string) => takeSlot({ database: env.DB, key: () => key, limit: 2, period: 3_600_000, timeout: 86_400_000 } as any)"


def test_no_period_has_more_slots_than_the_limit(tmp_path: Path) -> None:
    take = node("take", code=f"return await ({TAKE})(event.payload.key);")
    workflow = chain(limited(key="other"), take, node("slots", code=SLOTS))

    runs = run_many(tmp_path, workflow, [{"key": "a"}] * 5 + [{"key": "b"}])

    slots = max((run["output"] for run in runs), key=len)
    assert len(slots) == 5
    assert all(later - slot >= 3_600_000 for slot, later in zip(slots, slots[2:], strict=False))
    waits = sorted(outputs(run)["take"]["waited"] > 0 for run in runs[:5])
    assert waits == [False, False, True, True, True]
    assert outputs(runs[5])["take"] == {"waited": 0, "timedOut": False}


@pytest.mark.long
def test_slots_are_removed_after_their_period(tmp_path: Path) -> None:
    age = "UPDATE awaitstep_rate_limit SET slot = slot - 5400000, expires = expires - 5400000"
    code = f"""const take = {TAKE};
      for (let times = 0; times < 4; times++) await take("a");
      await env.DB.prepare("{age}").run();
      return (await take("a")).waited > 0;"""
    workflow = chain(limited(key="other"), node("take", code=code), node("slots", code=SLOTS))

    (run,) = run_many(tmp_path, workflow, [{}])

    assert outputs(run)["take"] is True
    assert len(run["output"]) == 3, "the first two are over"


@pytest.mark.long
def test_a_run_sleeps_until_its_slot(tmp_path: Path) -> None:
    workflow = document(
        [
            node("each", "loop", loopType="times", count=3),
            limited(key="k", limit=1, period="{{ trigger.period }}"),
            node("end", code="return each.results;"),
        ],
        "each room body",
        "each end then",
    )

    (run,) = run_many(tmp_path, workflow, [{"period": 300}])

    sleeps = [at for at in range(3) if f"room: wait [{at}]" in names(run)]
    assert sleeps == [at for at, slot in enumerate(run["output"]) if slot["waited"] > 0]


def test_without_room_in_time_nothing_is_taken(tmp_path: Path) -> None:
    once: dict[str, Any] = {"key": "a", "limit": 1, "period": "1 hour", "timeout": "1 minute"}
    workflow = chain(
        limited(**once),
        node("full", "rate_limit", **once, onTimeout="continue"),
        node("count", code=SLOTS),
        node("fails", "rate_limit", **once),
    )

    (run,) = run_many(tmp_path, workflow, [{}])

    assert outputs(run)["full"] == {"waited": 0, "timedOut": True}
    assert len(outputs(run)["count"]) == 1
    assert run["error"]["message"] == "fails: no free slot within 60000 ms"
    assert len(run["steps"][-1]["attempts"]) == 1


@pytest.mark.parametrize("type_", ["debounce", "rate_limit"])
@pytest.mark.parametrize(
    ("name", "message"), [("db", "must be the name of a binding"), ("WORKFLOW", "is reserved")]
)
def test_the_database_is_the_name_of_a_binding(type_: str, name: str, message: str) -> None:
    (problem,) = parse(chain(node("a", type_, key="k", database=name))).problems

    assert problem.path == "nodes.a.data.database"
    assert message in problem.message


def test_a_maximum_wait_of_nothing_is_a_problem() -> None:
    (problem,) = parse(chain(node("a", "debounce", key="k", maxWait=0))).problems

    assert "maxWait: must be longer than 0" in str(problem)
