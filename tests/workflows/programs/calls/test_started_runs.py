"""Nodes of type `start_many`: the runs that they start, and what they do about limits and failures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.workflows.ir.documents import Document, chain, document, node
from tests.workflows.programs.harness.workers import Run, compiled, names, outputs, run_all
from workflows.nodes.documents import parse

CHILDREN = {"CHILD_ECHO": "Echo", "RUNS": "Echo"}
READ = """
  const read = async ({ id }: any) => {
    for (;;) {
      const run = await (await env.RUNS.get(id)).status();
      if (run.status === "complete") return run.output;
      await scheduler.wait(20);
    }
  };
  return await Promise.all(many.map(read));
"""
"""The outputs of the runs, once they have ended."""
FAKES = """
import { WorkerEntrypoint } from "cloudflare:workers";
const known = new Set();
const calls = [];
/** Knows the ids that it was given, and fails as the name of the class says. */
class Fake extends WorkerEntrypoint {
  async createBatch({ instances }) {
    const errors = [];
    calls.push(instances.length);
    for (const [index, { id }] of instances.entries()) {
      if (known.has(id)) errors.push({ index, id, code: 10405, message: "workflows.api.error.instance.already_exists" });
      else if (this.refuses(index)) errors.push({ index, id, code: 10429, message: "too many requests" });
      else known.add(id);
    }
    if (calls.length === 1) this.interrupt();
    return { created: [], errors };
  }
  refuses() { return false; }
  interrupt() {}
  async calls() { return { calls, known: [...known] }; }
}
export class Patient extends Fake {}
export class Interrupted extends Fake { interrupt() { throw new Error("the connection was lost"); } }
export class Busy extends Fake { refuses(index) { return calls.length === 1 && index % 2 === 1; } }
"""


def many(**data: Any) -> dict[str, Any]:
    return node("many", "start_many", **{"workflowId": "echo", "retryDelay": 1, **data})


def run_document(folder: Path, parent: Document, params: Any = None, **job: Any) -> dict[str, Any]:
    """Return the run of a workflow that starts runs of one that returns its input."""
    echo = chain(node("a", code="return { got: event.payload, id: event.instanceId };"))
    modules = compiled({"Parent": parent, "Echo": echo}, folder)
    return run_all(
        modules, [Run(workflow="Parent", params=params)], **{"children": CHILDREN, **job}
    )[0]


def run_with_fake(folder: Path, fake: str, **data: Any) -> dict[str, Any]:
    """Return the run of a workflow whose runs are started by a fake; its output is what the fake knows."""
    workflow = chain(many(**data), node("end", code="return await env.RUNS.calls();"))
    bindings = {name: {"type": "fake", "exportName": fake} for name in CHILDREN}
    return run_document(folder, workflow, children={}, bindings=bindings, fakes=FAKES)


def error_of(run: dict[str, Any]) -> str:
    """Return the error of a run that failed without a retry, before anything was started."""
    failed = run["steps"][-1]
    assert (failed["success"], len(failed["attempts"])) == (False, 1)
    return str(run["error"]["message"])


def test_a_run_starts_for_each_item_and_gets_it_as_its_payload(tmp_path: Path) -> None:
    workflow = chain(many(items="{{ trigger.orders }}"), node("end", code=READ))

    run = run_document(tmp_path, workflow, {"orders": [{"n": 1}, {"n": 2}]})

    started = outputs(run)["many"]
    ids = [each["id"] for each in started]
    assert started == [{"id": id_, "existed": False} for id_ in ids]
    assert run["output"] == [
        {"got": {"n": 1}, "id": ids[0]},
        {"got": {"n": 2}, "id": ids[1]},
    ]
    assert names(run) == ["many: id", "many", "end"]
    assert ids == [f"{outputs(run)['many: id']}-{index}" for index in range(2)]


@pytest.mark.long
def test_input_and_id_are_expressions_of_the_item_and_its_index(tmp_path: Path) -> None:
    given = many(
        items="new Set([before, { n: 8 }])",
        input="({ twice: item.n * 2, at: {{ index }}, key: {{ trigger.key }} })",
        id="index ? `order-${item.n}` : {{ item.n }}",
    )
    workflow = chain(node("before", code="return { n: 7 };"), given, node("end", code=READ))

    run = run_document(tmp_path, workflow, {"key": "k"})

    assert run["output"] == [
        {"got": {"twice": 14, "at": 0, "key": "k"}, "id": "7"},
        {"got": {"twice": 16, "at": 1, "key": "k"}, "id": "order-8"},
    ]
    assert names(run) == ["before", "many", "end"]


@pytest.mark.long
def test_a_list_of_250_items_is_started_in_three_steps(tmp_path: Path) -> None:
    each = many(items="Array.from({ length: 250 }, (_, at) => at)", id="`run-${item}`")
    exist = "return await Promise.all(many.map(async ({ id }) => (await env.RUNS.get(id)).id));"
    some = f"const all = many; {{ const many = [all[0], all[99], all[100], all[249]]; {READ} }}"
    workflow = chain(each, node("exist", code=exist), node("end", code=some))

    run = run_document(tmp_path, workflow)

    assert names(run) == ["many"] * 3 + ["exist", "end"]
    assert outputs(run)["exist"] == [f"run-{at}" for at in range(250)]
    assert run["output"] == [{"got": at, "id": f"run-{at}"} for at in (0, 99, 100, 249)]
    first, second, last = (step["output"] for step in run["steps"][:3])
    assert [len(first["started"]), len(second["started"]), len(last)] == [100, 100, 250]


@pytest.mark.long
def test_an_empty_list_starts_nothing(tmp_path: Path) -> None:
    run = run_document(tmp_path, chain(many(items="[]"), node("end", code="return many;")))

    assert (run["output"], names(run)) == ([], ["many: id", "many", "end"])


@pytest.mark.long
def test_each_iteration_of_a_loop_starts_its_own_runs(tmp_path: Path) -> None:
    workflow = document(
        [
            node("each", "loop", collection="[1, 2]"),
            many(items="[{{ item }}, 'x']", input="[item, i]"),
            node("all", code="return each.results.flat();"),
            node("end", code=READ.replace("many.map", "all.map")),
        ],
        "each many body",
        "each all then",
        "all end",
    )

    run = run_document(tmp_path, workflow)

    assert [each["got"] for each in run["output"]] == [[1, 0], ["x", 0], [2, 1], ["x", 1]]
    assert names(run)[:4] == ["many: id [0]", "many [0]", "many: id [1]", "many [1]"]


def test_a_run_with_the_same_id_is_not_started_again(tmp_path: Path) -> None:
    again = node(
        "again", "start_many", workflowId="echo", items="[2, 3]", id="`a${item}`", input="'new'"
    )
    workflow = chain(
        many(items="[1, 2]", id="`a${item}`"),
        node("end", code=READ),
        again,
        node("last", code=f"const many = again; {READ}"),
    )

    run = run_document(tmp_path, workflow)

    assert outputs(run)["again"] == [
        {"id": "a2", "existed": True},
        {"id": "a3", "existed": False},
    ]
    assert [each["got"] for each in run["output"]] == [2, "new"]


@pytest.mark.long
def test_a_batch_that_is_repeated_starts_no_run_twice(tmp_path: Path) -> None:
    run = run_with_fake(tmp_path, "Interrupted", items="Array.from({ length: 120 })")

    batch, *others = [step for step in run["steps"] if step["name"].startswith("many-")]
    assert ([len(batch["attempts"])], [len(each["attempts"]) for each in others]) == ([2], [1])
    assert run["output"]["calls"] == [100, 100, 20]
    ids = [each["id"] for each in others[0]["output"]]
    assert run["output"]["known"] == ids
    assert len(set(ids)) == 120
    assert [each["existed"] for each in others[0]["output"]] == [True] * 100 + [False] * 20


@pytest.mark.long
def test_ids_that_would_change_are_chosen_once(tmp_path: Path) -> None:
    run = run_with_fake(
        tmp_path, "Interrupted", items="[1, 2]", id="`${item}-${crypto.randomUUID()}`"
    )

    assert names(run) == ["many: id", "many", "end"]
    assert run["output"]["known"] == outputs(run)["many: id"]


@pytest.mark.long
def test_a_list_that_would_change_is_made_once(tmp_path: Path) -> None:
    run = run_with_fake(tmp_path, "Patient", items="await Promise.resolve([1, 2])", id="'x' + item")

    assert names(run) == ["many: value", "many", "end"]
    assert run["output"]["known"] == ["x1", "x2"]


def test_runs_that_the_platform_refuses_are_started_by_a_retry(tmp_path: Path) -> None:
    run = run_with_fake(tmp_path, "Busy", items="'abcdefghij'.split('')", id="item")

    (step,) = [step for step in run["steps"] if step["name"].startswith("many-")]
    refused, done = step["attempts"]
    assert refused["error"]["message"] == (
        "many: 5 of 10 runs were not started: items[1] (b): too many requests; items[3] (d): too many "
        "requests; items[5] (f): too many requests; and 2 more"
    )
    assert done["success"]
    assert sorted(run["output"]["known"]) == list("abcdefghij")


@pytest.mark.long
def test_large_inputs_are_started_in_several_calls(tmp_path: Path) -> None:
    sizes = "[400_000, 500_000, 600_000, 1_048_574]"

    run = run_with_fake(tmp_path, "Patient", items=sizes, input="'x'.repeat(item)")

    assert run["output"]["calls"] == [2, 1, 1]
    assert names(run) == ["many: id", "many", "end"]


@pytest.mark.long
def test_a_list_that_is_too_large_for_a_step_is_still_complete(tmp_path: Path) -> None:
    long = "`${item}-${'x'.repeat(90)}`"
    workflow = chain(
        many(items="Array.from({ length: 9_000 }, (_, at) => at)", id=long),
        node("end", code="return [many.length, many[0].id.length, many[8_999].id.slice(0, 5)];"),
    )
    bindings = {name: {"type": "fake", "exportName": "Patient"} for name in CHILDREN}

    run = run_document(tmp_path, workflow, children={}, bindings=bindings, fakes=FAKES)

    assert run["output"] == [9_000, 92, "8999-"]


INVALID: list[tuple[dict[str, str], str]] = [
    ({"items": "null"}, '"many" needs a list, but got null'),
    ({"items": "{{ trigger.orders }}"}, '"many" needs a list, but got undefined'),
    (
        {"items": "{ length: 4e9 }"},
        '"many" has more than 2,500,000 items, which a run cannot process',
    ),
    ({"items": "(function* () { for (;;) yield 1; })()"}, '"many" has more than 2,500,000 items'),
    (
        {"items": "['ok', 'a b', '', '-a', 'x'.repeat(101), 1.5]", "id": "item"},
        'many: the id of items[1] is "a b", but must have 1 to 100 letters, digits, _ and -, and not '
        'start with -; the id of items[2] is "", but must',
    ),
    (
        {"items": "[{}] as any[]", "id": "item.id"},
        "many: the id of items[0] is undefined, but must have",
    ),
    (
        {"items": "['batch']", "id": "item"},
        'the id of items[0], "batch", is reserved by Cloudflare',
    ),
    (
        {"items": "['a', 'b', 'a', 'a']", "id": "item"},
        'many: items[0] and items[2] have the same id, "a", but each run needs its own; items[0] and '
        "items[3]",
    ),
    (
        {"items": "Array.from({ length: 150 }, (_, at) => at)", "id": "`a${item % 149}`"},
        'many: items[0] and items[149] have the same id, "a0"',
    ),
    (
        {"items": "[1, () => 2]"},
        "many: the input of items[1] cannot be sent to another run: () => 2 could not be cloned",
    ),
    (
        {"items": "[1, 2 ** 20 - 1]", "input": "'x'.repeat(item)"},
        "many: the input of items[1] has 1,048,577 bytes, but Cloudflare accepts payloads of at most "
        "1 MiB: store the data (R2, KV, D1) and send its key",
    ),
]


def test_what_cannot_be_started_fails_without_a_retry_and_names_the_item(tmp_path: Path) -> None:
    echo = chain(node("a", code="return { got: event.payload, id: event.instanceId };"))
    flows = {f"Flow{at}": chain(many(**data)) for at, (data, _) in enumerate(INVALID)}
    modules = compiled({**flows, "Echo": echo}, tmp_path)

    runs = run_all(modules, [Run(workflow=name, params={}) for name in flows], children=CHILDREN)

    for run, (_, message) in zip(runs, INVALID, strict=True):
        assert message in error_of(run)


@pytest.mark.long
def test_a_failure_can_be_caught(tmp_path: Path) -> None:
    workflow = document(
        [
            node("guard", "try_catch"),
            many(items="[1, 2]", id="'a' + (item - item)"),
            node("rescue", code="return err.message;"),
        ],
        "guard many try",
        "guard rescue catch",
    )

    run = run_document(tmp_path, workflow)

    assert "items[0] and items[1] have the same id" in run["output"]


def test_an_id_that_is_the_same_for_all_items_is_a_warning() -> None:
    (problem,) = parse(chain(many(items="[1]", id="'same'"))).problems

    assert (problem.path, problem.is_error) == ("nodes.many.data.id", False)
    assert "use `item` or `index`" in problem.message


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"items": ""}, "items"),
        ({"workflowId": "", "items": "[1]"}, "workflowId"),
        ({"scriptName": "other", "items": "[1]"}, "className"),
    ],
)
def test_the_workflow_and_the_list_are_required(data: dict[str, str], path: str) -> None:
    (problem,) = parse(chain(many(**data))).problems

    assert problem.path == f"nodes.many.data.{path}"
