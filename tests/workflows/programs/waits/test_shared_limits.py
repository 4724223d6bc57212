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


def test_only_the_last_of_several_runs_with_the_same_key_is_the_latest(tmp_path: Path) -> None:
    payloads = [{"key": "a"}] * 5 + [{"key": "b"}] * 2

    runs = run_many(tmp_path, chain(debounced()), payloads)

    tickets = {outputs(run)["last"]["ticket"]: run["output"] for run in runs[:5]}
    assert [tickets[ticket] for ticket in sorted(tickets)] == [
        {"latest": False, "count": 0}, {"latest": False, "count": 0}, {"latest": False, "count": 0},
        {"latest": False, "count": 0}, {"latest": True, "count": 5},
    ]  # fmt: skip
    assert sorted(run["output"]["count"] for run in runs[5:]) == [0, 2]
    assert names(runs[0]) == ["last", "last: wait", "last: check"]


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


def test_after_the_maximum_wait_a_run_continues_although_newer_ones_arrive(tmp_path: Path) -> None:
    arrival = node("arrival", "sleep", duration="{{ trigger.after }}")
    workflow = chain(arrival, debounced(quietPeriod=2000, maxWait=1000))
    payloads = [{"key": "a", "after": after} for after in (1, 1000)]

    first, second = run_many(tmp_path, workflow, payloads)

    assert first["output"] == second["output"] == {"latest": True, "count": 1}


def test_a_restarted_attempt_keeps_its_place(tmp_path: Path) -> None:
    """The same step of the same run takes its ticket once, whatever happens to the answer."""
    workflow = document(
        [
            node("both", "parallel"),
            debounced(key="k", quietPeriod=300),
            node("again", code="return await env.DB.prepare('SELECT count(*) AS n FROM awaitstep_debounce').first();"),
        ],
        "both last", "both again then",
    )  # fmt: skip

    (run,) = run_many(tmp_path, workflow, [{}])

    assert run["output"] == {"n": 1}


def limited(**data: Any) -> dict[str, Any]:
    return node("room", "rate_limit", **{"key": "{{ trigger.key }}", "limit": 2, **data})


SLOTS = "return (await env.DB.prepare('SELECT slot FROM awaitstep_rate_limit ORDER BY slot').all()).results.map((row) => row.slot);"


def test_no_period_has_more_slots_than_the_limit(tmp_path: Path) -> None:
    workflow = chain(limited(period=1500), node("slots", code=SLOTS, retryLimit=0))
    payloads = [{"key": "a"}] * 5 + [{"key": "b"}]

    runs = run_many(tmp_path, workflow, payloads)

    waits = sorted(outputs(run)["room"]["waited"] for run in runs[:5])
    assert waits[1] == 0 < waits[2] <= 1500
    assert 1500 < waits[4] <= 3000
    assert outputs(runs[5])["room"] == {"waited": 0, "timedOut": False}
    waited = [run for run in runs if outputs(run)["room"]["waited"]]
    assert all(names(run) == ["room", "room: wait", "slots"] for run in waited)


def test_slots_are_a_period_apart_and_old_ones_are_removed(tmp_path: Path) -> None:
    workflow = document(
        [
            node("each", "loop", loopType="times", count=4),
            limited(key="k", limit=2, period="{{ trigger.period }}"),
            node("slots", code=SLOTS),
        ],
        "each room body",
        "each slots then",
    )

    (run,) = run_many(tmp_path, workflow, [{"period": 700}])

    waits = [outputs(run)[f"room [{at}]"]["waited"] for at in range(4)]
    assert (waits[0], waits[1]) == (0, 0)
    assert 0 < waits[2] <= 700
    assert len(run["output"]) == 2


def test_without_room_in_time_nothing_is_taken(tmp_path: Path) -> None:
    once: dict[str, Any] = {"key": "k", "limit": 1, "period": "1 hour", "timeout": "1 minute"}
    workflow = chain(
        limited(**once),
        node("full", "rate_limit", **once, onTimeout="continue"),
        node("count", code=SLOTS),
        node("fails", "rate_limit", **once),
    )

    (run,) = run_many(tmp_path, workflow, [{}])

    assert outputs(run)["full"] == {"waited": 0, "timedOut": True}
    assert len(outputs(run)["count"]) == 1
    assert run["error"]["message"] == "fails: no room within 60000 ms"
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
