from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.ir.documents import branch, chain, document, node
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.compilation.from_document import generate_from_document
from workflows.ir.reading.problems import InvalidIR
from workflows.ir.validation.validate import MAX_BYTES, MAX_TEXT, read_json
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.documents import parse, parse_json, parse_valid

SAMPLE = Path(__file__).parents[3] / "workflows" / "samples" / "guide.ir.json"

LOOP = node("loop", "loop", collection="[1]")
TRY = node("try", "try_catch")
PARALLEL = node("p", "parallel")
ABC = (node("a"), node("b"), node("c"))

INVALID: dict[str, tuple[Any, str]] = {
    "not an object": ([], "document: must be an object"),
    "no nodes": (document([node("a")]) | {"nodes": []}, "nodes: must have at least one node"),
    "no name": (chain(node("a") | {"name": ""}), "nodes.a.name: must not be empty"),
    "a control character": (chain(node("a", name="a\tb")), "nodes.a.name: must not contain"),
    "an unknown type": (chain(node("a", "dance")), 'nodes.a.type: "dance" is not a node type'),
    "another version": (chain(node("a") | {"version": "2.0.0"}), 'nodes.a.version: must be "1.0.0"'),
    "another provider": (chain(node("a") | {"provider": "x"}), "nodes.a.provider: must be"),
    "no position": (chain(node("a") | {"position": None}), "nodes.a.position: is missing"),
    "data that is not an object": (chain(node("a") | {"data": []}), "nodes.a.data: must be an object"),
    "a step without code": (chain(node("a", code="")), "nodes.a.data.code: must not be empty"),
    "too many retries": (chain(node("a", retryLimit=10_001)), "nodes.a.data.retryLimit: must be"),
    "a retry limit as text": (
        chain(node("a") | {"config": {"retries": {"limit": "5"}}}),
        'nodes.a.config.retries.limit: must be a whole number, not "5"',
    ),
    "a body that has a key twice": (
        chain(node("a", "http_request", url="https://x.test", method="POST", body='{"n": {{ trigger.n }}, "n": 2}')),
        'nodes.a.data.body: an object has the key "n" twice: keep one',
    ),
    "a branch with too many arms": (
        chain(branch("a", **{f"c{number}": "true" for number in range(1_001)})),
        "nodes.a.data.branches: must have at most 1,000 arms, not 1,001: split it into several branches",
    ),
    "headers that have a name twice": (
        chain(node("a", "http_request", url="https://x.test", headers='{"x": "1", "x": "2"}')),
        'nodes.a.data.headers: an object has the key "x" twice: keep one',
    ),
    "an unknown backoff": (chain(node("a", backoff="wild")), "nodes.a.data.backoff: must be one of"),
    "digits of another script": (
        chain(node("a", "sleep", duration="\u0663 hours")), "nodes.a.data.duration: must be a number",
    ),
    "an unknown unit": (chain(node("a", "sleep", duration="1 eon")), "nodes.a.data.duration: must be a number"),
    "a sleep that is too long": (chain(node("a", "sleep", duration="366 days")), "at most 365 days"),
    "a negative sleep": (chain(node("a", "sleep", duration=-1)), "nodes.a.data.duration: must be a number"),
    "a timeout of zero": (chain(node("a", timeout=0)), "nodes.a.data.timeout: must be longer than 0"),
    "a timeout of zero as text": (
        chain(node("a", "wait_for_event", eventType="x", timeout="0 hours")),
        "nodes.a.data.timeout: must be longer",
    ),
    "a negative timeout": (chain(node("a", timeout=-1)), "nodes.a.data.timeout: must be a number"),
    "an invalid event type": (
        chain(node("a", "wait_for_event", eventType="a b")),
        "nodes.a.data.eventType: must be 1-100 letters",
    ),
    "headers that are not an object": (
        chain(node("a", "http_request", url="http://x", headers="[1]")),
        'nodes.a.data.headers: must be an object such as {"name": "value"}',
    ),
    "an else arm that is not last": (
        document([branch("b", x="", y="1"), node("a")], "b a x"),
        "nodes.b.data.branches.0.condition: is empty, but only the last arm",
    ),
    "two arms with the same label": (
        chain(node("b", "branch", branches=[{"label": "x"}, {"label": "x", "condition": "1"}])),
        'nodes.b.data.branches.1.label: "x" is already used',
    ),
    "two nodes with the same id": (document([node("a"), node("a")]), 'nodes.a: several nodes have the id "a"'),
    "two edges with the same id": (
        document(list(ABC), "a b", "b c") | {"edges": [
            {"id": "e", "source": "a", "target": "b"}, {"id": "e", "source": "b", "target": "c"}]},
        'edges.e: several edges have the id "e"',
    ),
    "an edge to nowhere": (document([node("a")], "a x"), 'edges.a x.target: no node has the id "x"'),
    "an unknown entry": (document([node("a")], entry="x"), 'entryNodeId: no node has the id "x"'),
    "an edge to the entry": (document(list(ABC[:2]), "a b", "b a"), "edges.b a: leads back to the entry"),
    "a cycle": (document(list(ABC), "a b", "b c", "c b"), 'nodes.b: "b", "c" lead back to themselves'),
    "an island": (document(list(ABC), "a b"), 'nodes.c: no path leads from the entry to "c"'),
    "two next nodes": (document(list(ABC), "a b", "a c"), 'edges.a c: "a" (step) has more than one outgoing edge'),
    "a label on the edge of a step": (document(list(ABC[:2]), "a b yes"), "edges.a b yes: "),
    "a label without an arm": (
        document([branch("x", y="1"), node("a")], "x a no"), 'has no region "no": use one of "y", "then"',
    ),
    "a loop without a body": (chain(LOOP, node("a")), 'nodes.loop: needs an edge with the label "body"'),
    "a try without a catch": (document([TRY, node("a")], "try a try"), 'the label "catch"'),
    "a path that skips the join": (
        document([branch("x", y="1", z=""), *ABC], "x a y", "x b then", "b c", "a c"),
        'edges.a c: the path from "a" to "c" leaves a region of "x" (branch)',
    ),
    "a path out of a loop": (
        document([LOOP, *ABC], "loop a body", "a c", "loop b then", "b c"), '"loop" (loop)',
    ),
    "a node that two arms of a parallel lead to": (
        document([PARALLEL, *ABC, node("d")],
                 "p a one", "p b two", "p c three", "a d", "b d"),
        'edges.a d: the path from "a" to "d" leaves a region of "p" (parallel)',
    ),
    "a reference to an unknown node": (
        chain(node("a", code="return {{ x.y }};")), 'nodes.a.data.code: no node has the id "x"',
    ),
    "a reference to itself": (
        chain(node("a", code="return {{ a }};")), "nodes.a.data.code: refers to itself",
    ),
    "a reference to a later node": (
        chain(node("a", "http_request", url="http://x/{{ b.id }}"), node("b")),
        'nodes.a.data.url: "b" does not run before "a"',
    ),
    "a reference to another arm": (
        document([branch("x", y="1", z=""), node("a"), node("b", code="return {{ a }}")],
                 "x a y", "x b z"),
        'nodes.b.data.code: "a" does not run before "b"',
    ),
    "a name that is only known in a catch": (
        chain(node("a", code="return {{ err.message }}")), 'no node has the id "err"',
    ),
    "a trigger without a type": (chain(node("a"), trigger={}), "trigger.type: is missing"),
    "a path that requests never have": (
        chain(node("a"), trigger={"type": "http", "path": "/a/%2E"}), "trigger.path: must start",
    ),
    "a path that Cloudflare serves itself": (
        chain(node("a"), trigger={"type": "http", "path": "/cdn-cgi/a"}), "never starts a run",
    ),
    "the path of a browser's icon": (
        chain(node("a"), trigger={"type": "http", "path": "/favicon.ico"}), "never starts a run",
    ),
    "an invalid path": (chain(node("a"), trigger={"type": "http", "path": "x"}), "trigger.path: "),
    "a transform without values": (
        chain(node("a", "transform", shape="object", values=[])), "must have at least one value",
    ),
    "a transform with a value of the same name": (
        chain(node("a", "transform", shape="object", values=[{"name": "x", "expression": "1"}] * 2)),
        'nodes.a.data.values.1.name: "x" is already used',
    ),
    "a script that sleeps": (
        chain(node("a", "sleep", duration=1), kind="script", trigger={"type": "http"}),
        "nodes.a: a script cannot wait",
    ),
    "a script without an http trigger": (chain(node("a"), kind="script"), "trigger: a script is started by HTTP requests"),
    "a script that exports a name twice": (
        chain(node("a", name="EXPORT_x"), node("b", name="EXPORT_x"),
              kind="script", trigger={"type": "http"}),
        'nodes.b.name: "a", "b" all export "x"',
    ),
    "a script that exports an empty name": (
        chain(node("a", name="EXPORT_"), kind="script", trigger={"type": "http"}),
        "nodes.a.name: needs a name after EXPORT_",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", INVALID)
def test_a_problem_says_where_and_what_to_do(case: str) -> None:
    invalid, expected = INVALID[case]

    parsed = parse(invalid)

    assert parsed.ir is None
    assert any(expected in str(problem) for problem in parsed.problems), parsed.problems


def test_all_problems_are_reported_together_with_their_paths() -> None:
    with pytest.raises(InvalidIR) as raised:
        parse_valid(
            document(
                [node("a", code=""), node("b", "sleep", duration="x"), node("c")], "a b", "b x"
            )
        )

    lines = str(raised.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "nodes.a.data.code",
        "nodes.b.data.duration",
        "edges.b x.target",
    ]


SINGLE: dict[str, tuple[Any, list[str]]] = {
    "arms after one that is not an object keep their indices": (
        document([node("b", "branch", branches=[1, {"condition": "1"}, {"label": "then"}]), node("a")],
                 "b a then"),
        ["nodes.b.data.branches.0", "nodes.b.data.branches.1.label", "nodes.b.data.branches.2.label"],
    ),
    "a date in another form": (
        chain(node("a", "sleep_until", timestamp="31.12.2030 12:00")), ["nodes.a.data.timestamp"],
    ),
    "an empty item name": (
        document([node("l", "loop", collection="[1]", itemVar=""), node("a")], "l a body"),
        ["nodes.l.data.itemVar"],
    ),
    "a missing collection": (
        document([node("l", "loop"), node("a")], "l a body"), ["nodes.l.data.collection"],
    ),
    "edges without ends": (
        document([node("a")]) | {"edges": [{"id": "e", "source": "a"}, {"id": "f", "source": "a"}]},
        ["edges.e.target", "edges.f.target"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SINGLE)
def test_one_error_is_one_problem(case: str) -> None:
    ir_document, expected = SINGLE[case]

    with pytest.raises(InvalidIR) as raised:
        generate_from_document(
            ir_document, ModuleSettings(class_name="Flow", workflow_binding="WORKFLOW")
        )

    assert [problem.path for problem in raised.value.problems] == expected


TEXTS = {
    "{": "is not valid JSON: line 1, column 2",
    '{"a": NaN}': "NaN is not a JSON value",
    '{"a": 1, "a": 2}': 'an object has the key "a" twice',
    "[" * 200 + "]" * 200: "must be an object",
    '{"a":' * 200 + "1" + "}" * 200: "must not nest values more than 100 levels deep",
    '{"a":' * 100_000: "must not nest values more than 100 levels deep",
    '"' + "x" * MAX_BYTES + '"': "is larger than 4 MB",
    " " * (MAX_TEXT + 1): "is larger than 4 MB",
}


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_text_that_is_not_a_document_is_a_problem(text: str) -> None:
    assert TEXTS[text] in str(parse_json(text).problems[0])


def test_whitespace_does_not_count_toward_the_size_of_a_document() -> None:
    assert read_json("1" + " " * MAX_BYTES) == 1


def test_bytes_that_are_not_text_are_a_problem() -> None:
    assert "is not valid UTF-8 at byte 1" in str(parse_json(b'"\xff"').problems[0])


def test_more_than_10000_nodes_are_a_problem() -> None:
    parsed = parse(document([node(f"n{i}") for i in range(10_001)]))

    assert "must have at most 10000 nodes, not 10001" in parsed.problems[0].message


def test_more_than_50000_edges_are_the_only_problem() -> None:
    (problem,) = parse({**chain(node("a")), "edges": [0] * 50_001}).problems

    assert problem.path == "edges"
    assert "must have at most 50000 edges, not 50001" in problem.message


@pytest.mark.parametrize("name", [" ", "\x01", "a\x07b", "\u200b", "x" * 257])
def test_a_workflow_without_a_name_that_can_be_shown_is_a_problem(name: str) -> None:
    flow = chain(node("a"))

    (problem,) = parse({**flow, "metadata": {**flow["metadata"], "name": name}}).problems

    assert (problem.path, problem.message[:5]) == ("metadata.name", "must ")


def test_more_than_10000_references_are_the_only_problem() -> None:
    texts = {f"n{i}": "{{ unknown.value }}" * 101 for i in range(99)}
    nodes = [
        node(id_, "http_request", url="https://x", method="POST", body=text)
        for id_, text in texts.items()
    ]

    assert "unknown" in parse(chain(*nodes)).problems[0].message

    nodes.append(node("last", code="return `{{ a.b }}{{ a.b }}`;"))
    (problem,) = parse(chain(*nodes)).problems
    assert "must have at most 10000 references ({{ ... }}), not 10001" in problem.message


def test_there_is_a_warning_for_an_unknown_setting() -> None:
    parsed = parse(chain(node("a", inline=False, color="red")))

    assert parsed.ir is not None
    assert [str(problem) for problem in parsed.problems] == [
        'nodes.a.data.color: "color" is not a setting of this node type and has no effect: check the spelling'
    ]


def test_the_config_of_a_node_takes_precedence_over_its_data() -> None:
    configured = node("a", retryLimit=1, timeout="1 hour") | {"config": {"retries": {"limit": 7}}}

    policy = parse_valid(chain(configured)).nodes["a"].settings.policy

    assert (policy.limit, policy.backoff, policy.timeout.value.source) == (
        7,
        "exponential",
        "1 hour",
    )


def test_the_sample_is_valid() -> None:
    parsed = parse_json(SAMPLE.read_bytes())

    assert parsed.ir is not None
    assert parsed.problems == ()
    assert [node.name for node in parsed.ir.nodes.values()][0::3] == [
        "my first step",
        "make a call to write that could maybe, just might, fail",
    ]


def test_every_type_of_the_format_is_known() -> None:
    assert set(NODE_TYPES) == {
        "step", "transform", "sleep", "sleep_until", "wait_for_event", "human_approval", "wait_until", "debounce", "rate_limit", "http_request", "branch", "parallel",
        "race", "loop", "try_catch", "break", "sub_workflow", "start_many", "sub_script",
    }  # fmt: skip


def test_a_document_is_the_same_after_json() -> None:
    ir_document = chain(node("a"), node("b"))

    assert parse_json(json.dumps(ir_document)).ir == parse(ir_document).ir
