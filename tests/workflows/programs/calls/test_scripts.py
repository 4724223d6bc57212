"""Scripts in workerd: their responses, and that their steps behave as in a workflow."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.support.examples import examples
from tests.workflows.codegen.modules import generated, refusal
from tests.workflows.ir.documents import branch, chain, document, node
from tests.workflows.programs.harness.interpreter import Interpreter
from tests.workflows.programs.harness.programs import Item, ProgramGenerator, document_of, walk
from tests.workflows.programs.harness.workers import Run, compiled, run_all
from tests.workflows.programs.test_nodes import FAST, echo
from tests.workflows.programs.test_programs import plain
from workflows.nodes.documents import parse

__all__ = ["echo"]

DRAWN = examples(20, 200)
SCRIPT: dict[str, Any] = {"kind": "script", "trigger": {"type": "http"}}


def _export(id_: str, code: str, name: str = "") -> dict[str, Any]:
    return node(id_, name=f"EXPORT_{name or id_}", code=code)


def _ask(script: str, body: Any = None, *, method: str = "POST", path: str = "/") -> Run:
    request = {"method": method, "path": path}
    return Run(
        workflow=script,
        request=request if body is None else request | {"body": json.dumps(body)},
    )


def responses(scripts: dict[str, Any], bodies: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the response of each script to its body."""
    requests = [_ask(name, body) for name, body in bodies.items()]
    results = run_all(compiled(scripts, folder), requests)
    return {
        name: json.loads(result["text"]) if result["status"] == 200 else result["status"]
        for name, result in zip(bodies, results, strict=True)
    }


def test_a_script_responds_with_its_exports(tmp_path: Path) -> None:
    script = chain(
        node("start", code="if (event.payload.n > 1) return { n: event.payload.n };\nreturn null;"),
        _export("sum", "return start.n + 1;"),
        _export("odd", "return {{ trigger.n }} + '!';", name="an odd name"),
        _export("proto", "return [1];", name="__proto__"),
        _export("nothing", "return undefined;"),
        _export("null", "return null;"),
        **SCRIPT,
    )

    (exported,) = responses({"Sum": script}, {"Sum": {"n": 2}}, tmp_path).values()

    assert exported == {"sum": 3, "an odd name": "2!", "__proto__": [1], "null": None}


@pytest.mark.long
def test_exports_inside_containers_count(tmp_path: Path) -> None:
    arms = [branch("b", yes="event.payload.yes", no=""), _export("y", "return 'y'")]
    scripts = {
        "Branch": document([*arms, _export("n", "return 'n'")], "b y yes", "b n no", **SCRIPT),
        "Loop": document(
            [node("loop", "loop", collection="[1, 2, 3]"), _export("last", "return item * 10")],
            "loop last body", **SCRIPT,
        ),
        "Parallel": document(
            [node("p", "parallel", name="EXPORT_all"), _export("x", "return 1"), node("w", code="return 2")],
            "p x", "p w", **SCRIPT,
        ),
        "Race": document(
            [node("r", "race"), _export("fast", "return 1"),
             _export("slow", "await scheduler.wait(2000); return 2")],
            "r fast", "r slow", **SCRIPT,
        ),
        "Try": document(
            [node("t", "try_catch"), _export("before", "return 1"), node("fails", code="throw new Error('x')"),
             _export("caught", "return err.message"), _export("last", "return 'done'")],
            "t before try", "before fails", "t caught catch", "t last finally", **SCRIPT,
        ),
    }  # fmt: skip

    found = responses(scripts, {name: {"yes": True} for name in scripts}, tmp_path)

    assert found == {
        "Branch": {"y": "y"},
        "Loop": {"last": 30},
        "Parallel": {"all": [1, 2], "x": 1},
        "Race": {"fast": 1},
        "Try": {"before": 1, "caught": "x", "last": "done"},
    }


def _as_script(program: list[Item]) -> dict[str, Any]:
    """Return the program as a script that exports every output."""
    script = document_of(program) | SCRIPT
    for node_ in script["nodes"]:
        if node_["type"] == "sleep":
            node_ |= {"type": "step", "data": {"code": "await scheduler.wait(400)"}}
        elif node_["type"] in ("step", "parallel", "race", "loop"):
            node_["name"] = f"EXPORT_{node_['id']}"
    return script


def _expected_response(program: list[Item]) -> Any:
    """Return the expected response: the value of each node that has one."""
    interpreter = Interpreter()
    if interpreter.run(program)[0] == "errored":
        return 500
    return plain({item.id: interpreter.values.get(item.id) for item in walk(program)})


def test_random_scripts_respond_as_interpreted(tmp_path: Path) -> None:
    random = Random(20261126)  # noqa: S311 - the same each time
    programs: dict[str, list[Item]] = {}
    while len(programs) < DRAWN:
        program = ProgramGenerator(random).program(depth=3, length=3)
        if parse(_as_script(program)).ir is not None:
            programs[f"S{len(programs)}"] = program

    scripts = {name: _as_script(program) for name, program in programs.items()}
    found = responses(scripts, {name: {} for name in scripts}, tmp_path)

    expected = {name: _expected_response(program) for name, program in programs.items()}
    assert {name: plain(answer) for name, answer in found.items()} == expected
    assert 0 < list(expected.values()).count(500) < DRAWN / 2


@pytest.mark.long
def test_a_break_outside_loops_ends_a_script_with_its_exports_so_far(tmp_path: Path) -> None:
    nodes = [
        _export("a", "return 1"),
        node("stop", "break", condition="event.payload.stop"),
        branch("b", late="event.payload.late"),
        _export("c", "return 3"),
        node("leave", "break"),
        _export("d", "return a + 3"),
    ]
    edges = ("a stop", "stop b", "b c late", "c leave", "b d then")
    script = document(nodes, *edges, **SCRIPT)
    bodies = {"Stop": {"stop": True}, "Late": {"late": True}, "On": {}}

    found = responses(dict.fromkeys(bodies, script), bodies, tmp_path)

    assert found == {"Stop": {"a": 1}, "Late": {"a": 1, "c": 3}, "On": {"a": 1, "d": 4}}


@pytest.mark.long
def test_a_step_returns_a_copy_and_knows_its_attempt(tmp_path: Path) -> None:
    script = chain(
        node("first", code="const kept = { list: [1] }; globalThis.kept = kept; return kept"),
        node("second", code="globalThis.kept.list.push(2)"),
        _export("list", "return first.list"),
        _export("ctx", "return [ctx.attempt, ctx.step.name]"),
        _export(
            "event",
            "return [event.timestamp instanceof Date, event.instanceId.length, event.workflowName]",
        ),
        **SCRIPT,
    )

    found = responses({"Copies": script}, {"Copies": {}}, tmp_path)

    assert found["Copies"] == {
        "list": [1],
        "ctx": [1, "EXPORT_ctx"],
        "event": [True, 36, "test"],
    }


@pytest.mark.long
def test_a_step_reaches_the_environment_as_in_a_workflow(tmp_path: Path) -> None:
    script = chain(
        _export("all", "const { env: { NAME } } = this; return [this.env.NAME, env.NAME, NAME]"),
        **SCRIPT,
    )
    modules = compiled({"Env": script}, tmp_path, variables=frozenset({"NAME"}))

    (result,) = run_all(modules, [_ask("Env", {})], variables={"NAME": "me"})

    assert json.loads(result["text"]) == {"all": ["me", "me", "me"]}


def test_the_trigger_determines_which_request_runs_a_script(tmp_path: Path) -> None:
    export = _export("payload", "return event.payload")
    trigger = {"type": "http", "method": "GET", "path": "/hello"}
    scripts = {
        "Post": chain(export, **SCRIPT),
        "Get": chain(export, kind="script", trigger=trigger),
    }
    requests = [
        _ask("Post", {"a": 1}),
        _ask("Post", path="/?a=2"),
        Run(workflow="Post", request={"method": "POST", "body": "{"}),
        _ask("Post", method="GET"),
        _ask("Post", {}, path="/other"),
        _ask("Post", method="GET", path="/favicon.ico"),
        _ask("Get", method="GET", path="/hello?a=3&b=&c=1&c=2&__proto__=x"),
        _ask("Get", {}, path="/hello"),
    ]

    results = run_all(compiled(scripts, tmp_path), requests)

    assert [result["status"] for result in results] == [200, 200, 400, 405, 404, 404, 200, 405]
    bodies = [json.loads(result["text"]) for result in results]
    assert [bodies[at]["payload"] for at in (0, 1, 6)] == [
        {"a": 1},
        {"a": "2"},
        {"a": "3", "b": "", "c": ["1", "2"], "__proto__": "x"},
    ]
    assert results[3]["headers"]["allow"] == "POST"
    assert bodies[4]["error"] == "POST / with a JSON body as the payload runs this script."
    assert bodies[7]["error"] == "GET /hello with the query as the payload runs this script."


@pytest.mark.parametrize(
    "code", ["throw new Error('secret')", "return 1n", "return () => 1", "return missing.secret"]
)
def test_a_failing_script_shows_the_caller_no_details(code: str, tmp_path: Path) -> None:
    script = chain(_export("a", code.replace("missing", "(null as any)")), **SCRIPT)

    (result,) = run_all(compiled({"Fails": script}, tmp_path), [_ask("Fails", {})])

    assert result["status"] == 500
    assert json.loads(result["text"]) == {
        "error": "The script failed. See the Worker's log for the cause."
    }


def test_a_script_sends_requests(echo: str, tmp_path: Path) -> None:
    request = FAST | {"method": "POST", "url": f"{echo}/x", "body": {"n": "{{ trigger.n }}"}}
    script = chain(
        node("send", "http_request", name="EXPORT_sent", **request),
        _export("status", "return send.status"),
        **SCRIPT,
    )

    found = responses({"Sends": script}, {"Sends": {"n": 1}}, tmp_path)["Sends"]

    assert found["status"] == 200
    assert found["sent"]["body"]["body"] == '{"n":1}'


@pytest.mark.long
def test_a_script_waits_for_a_workflow_that_it_starts(tmp_path: Path) -> None:
    data = {"workflowId": "double", "input": "{ n: {{ trigger.n }} }"}
    script = chain(node("call", "sub_workflow", name="EXPORT_twice", **data), **SCRIPT)
    scripts = {"Calls": script, "Double": chain(node("a", code="return event.payload.n * 2"))}

    modules, children = compiled(scripts, tmp_path), {"CHILD_DOUBLE": "Double"}
    (result,) = run_all(modules, [_ask("Calls", {"n": 21})], children=children)

    assert json.loads(result["text"]) == {"twice": 42}


@pytest.mark.long
def test_a_script_without_exports_responds_with_an_empty_object(tmp_path: Path) -> None:
    assert responses({"Empty": chain(node("a"), **SCRIPT)}, {"Empty": {}}, tmp_path) == {
        "Empty": {}
    }


def test_a_script_is_not_a_workflow() -> None:
    module = generated(chain(node("a"), **SCRIPT))

    assert "WorkflowEntrypoint" not in module.source
    assert "WORKFLOW" not in module.source


def test_a_script_cannot_have_entry_code_or_its_own_workflow() -> None:
    own = refusal(chain(node("a"), **SCRIPT), entry_code="export const fetch = () => null")
    binding = refusal(chain(node("a", code="return env.WORKFLOW"), **SCRIPT))

    assert own == (
        "entryCode: a script cannot have entry code, as nothing else could run its nodes: remove it"
    )
    assert binding == "nodes.a.data.code: a script has no workflow of its own: remove env.WORKFLOW"
