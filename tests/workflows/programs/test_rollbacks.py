"""What a failed run undoes: its rollbacks run in reverse order, with what each step returned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.codegen.modules import generated, refusal
from tests.workflows.ir.documents import Document, branch, chain, document, node
from tests.workflows.ir.node_jsons import node_json, type_of
from tests.workflows.programs.harness.recorder import Recorder, recording
from tests.workflows.programs.harness.workers import Run, compiled, run_all

FAILS: dict[str, Any] = {"code": "throw new Error('no');", "retryLimit": 0}
TEMPLATE = "export default async ({ config }) => ({ ticket: 7 });"


def report(address: str, value: str) -> str:
    """Return code that reports a value and fails if the answer is not 200."""
    return (
        f"const sent = await fetch('{address}', {{ method: 'POST', body: JSON.stringify({value}) }});\n"
        "if (!sent.ok) throw new Error('not undone');"
    )


def undone(
    folder: Path, recorder: Recorder, documents: Mapping[str, Document], **options: Any
) -> dict[str, list[Any]]:
    """Run the documents; return what the rollbacks of each have reported, in their order."""
    modules = compiled(documents, folder, **options)
    children = {"CHILD_KID": "Kid"} if "Kid" in documents else {}
    run_all(modules, [Run(workflow=name) for name in documents], children=children)
    return {
        name: [request.json for request in recorder.requests.get(name, [])] for name in documents
    }


def test_a_failed_run_undoes_its_steps_in_reverse_order(tmp_path: Path) -> None:
    with recording() as recorder:
        iterations = recorder.at("Iterations", (200, {}))
        looped = document(
            [
                node("each", "loop", collection="[10, 20]"),
                node("before", code="return { n: item };"),
                node("pay", code="return item + 1;",
                     rollback=report(iterations, "[before.n, {{ before.n }}, item, i, output, error.message, ctx.step]")),
                node("after", code="return before;"),
                node("bad", **FAILS, rollback=report(iterations, "['bad', output ?? null]")),
            ],
            "each before body", "before pay", "each after then", "after bad",
        )  # fmt: skip

        reports = undone(tmp_path, recorder, {"Iterations": looped})

    assert reports["Iterations"] == [
        ["bad", None],
        [20, 20, 20, 1, 21, "no", {"name": "pay [1]", "count": 1}],
        [10, 10, 10, 0, 11, "no", {"name": "pay [0]", "count": 1}],
    ]


@pytest.mark.long
def test_nothing_is_undone_unless_the_whole_run_fails(tmp_path: Path) -> None:
    with recording() as recorder:

        def guarded(name: str, *, fails: bool) -> Document:
            address = recorder.at(name, (200, {}))
            last = node("last", **FAILS) if fails else node("last")
            return document(
                [
                    node("guard", "try_catch"),
                    node("pay", rollback=report(address, "'pay'")),
                    node("bad", **FAILS, rollback=report(address, "'bad'")),
                    node("fix", rollback=report(address, "err.message")),
                    last,
                ],
                "guard pay try", "pay bad", "guard fix catch", "guard last then",
            )  # fmt: skip

        documents = {name: guarded(name, fails=name == "Failed") for name in ("Caught", "Failed")}

        reports = undone(tmp_path, recorder, documents)

    assert reports == {"Caught": [], "Failed": ["no", "bad", "pay"]}


@pytest.mark.long
def test_a_rollback_is_retried_and_the_rest_stops_if_it_fails(tmp_path: Path) -> None:
    fast: dict[str, Any] = {"rollbackRetryDelay": 10, "rollbackBackoff": "constant"}
    with recording() as recorder:

        def failing(name: str, *answers: int) -> Document:
            address = recorder.at(name, *((status, {}) for status in answers))
            first = node("first", rollback=report(address, "'first'"))
            second = node("second", rollback=report(address, "'second'"), rollbackRetryLimit=2)
            second["data"] |= fast
            return chain(first, second, node("bad", **FAILS))

        documents = {
            "Retried": failing("Retried", 500, 500, 200),
            "Given": failing("Given", 500),
        }

        reports = undone(tmp_path, recorder, documents)

    assert reports == {"Retried": ["second"] * 3 + ["first"], "Given": ["second"] * 3}


def test_requests_custom_nodes_and_other_runs_can_be_undone(tmp_path: Path) -> None:
    with recording() as recorder:
        address = recorder.at("Parent", (200, {}))
        recorder.at("shop", (201, {"order": 3}))
        parent = chain(
            node("ask", "http_request", method="POST", url=f"{recorder.address}/shop",
                 rollback=report(address, "[output.status, output.body.order]")),
            node("custom", "greet", rollback=report(address, "output.ticket")),
            node("waited", "sub_workflow", workflowId="kid",
                 rollback=report(address, "[output.result, typeof output.instanceId]")),
            node("started", "sub_workflow", workflowId="kid", waitForCompletion=False,
                 rollback=report(address, "[output.result ?? null, typeof output.instanceId]")),
            node("bad", **FAILS),
        )  # fmt: skip
        documents = {"Parent": parent, "Kid": chain(node("work", code="return 'done';"))}

        reports = undone(
            tmp_path, recorder, documents, types=type_of(node_json(id="greet"), TEMPLATE)
        )

    assert reports["Parent"] == [[None, "string"], ["done", "string"], 7, [201, 3]]


@pytest.mark.long
def test_a_rollback_can_declare_or_import_the_names_that_it_would_get(tmp_path: Path) -> None:
    hidden = "const output = 'own', ctx = {{ output }}, item = 2; { const error = 1; }"
    imported = "import { sep as output } from 'node:path';"
    with recording() as recorder:
        address = recorder.at("Names", (200, {}))
        workflow = document(
            [
                node("output", code="return 'of the node';"),
                node("each", "loop", collection="[1]"),
                node("declared", rollback=f"{hidden} {report(address, '[output, ctx.from, item, error.message]')}"),
                node("imported", rollback=f"{imported}\n{report(address, '[output, item]')}"),
                node("read", code="return [declared, output];"),
                node("bad", **FAILS, rollback=report(address, "[typeof output, {{ error.message }}]")),
            ],
            "output each", "each declared body", "declared imported", "each read then", "read bad",
        )  # fmt: skip

        reports = undone(tmp_path, recorder, {"Names": workflow})

    assert reports["Names"] == [
        ["undefined", "no"],
        ["/", 1],
        ["own", "declared", 2, "no"],
    ]


@pytest.mark.parametrize("type_", ["step", "http_request", "sub_script", "sub_workflow"])
def test_a_rollback_inside_a_race_is_a_problem(type_: str) -> None:
    settings: dict[str, dict[str, Any]] = {"http_request": {"url": "https://x.test"}, "sub_script": {"workerName": "w"},
                "sub_workflow": {"workflowId": "w", "timeout": 1000}}  # fmt: skip
    first = node("first", type_, rollback="return;", **settings.get(type_, {}))
    workflow = document(
        [node("r", "race"), branch("b", yes="true"), first, node("second")],
        "r b x", "b first yes", "r second y",
    )  # fmt: skip

    assert refusal(workflow) == (
        'nodes.first.data.rollback: cannot be run, because the node is in "r" (race): undo the work in a '
        "node after the race instead"
    )


def test_a_rollback_in_a_script_is_a_problem() -> None:
    script = chain(node("a", rollback="return;"), kind="script", trigger={"type": "http"})

    assert "nodes.a.data.rollback: never runs in a script" in refusal(script)


def test_there_is_a_warning_for_a_rollback_that_needs_the_output_of_a_failed_step() -> None:
    unsafe = node("a", rollback="await env.KV.delete(output.from);")
    safe = node("b", rollback="if (output) await env.KV.delete(output.from);")

    problems = [str(problem) for problem in generated(chain(unsafe, safe)).problems]

    assert problems == [
        "nodes.a.data.rollback: line 1, column 21: output is undefined if the step itself has failed: "
        "write `output?.from`"
    ]
