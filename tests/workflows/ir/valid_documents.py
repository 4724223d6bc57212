"""Valid documents for mutations, which together have every type of node.

Code uses other values only through references: a missing node is then a problem in the document and
not an error of the compiler.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import Any

from tests.workflows.ir.documents import Document, branch, chain, document, node
from tests.workflows.ir.tree.graphs import random_document
from tests.workflows.programs.harness.programs import Item, ProgramGenerator, document_of
from workflows.nodes.documents import parse


def _hand_written() -> Iterator[Document]:
    yield document(
        [
            node("first", code="return env.A_KV ? [1, 2] : [3];"),
            node("ask", "http_request", url="http://x.test/{{ trigger.id }}", timeout="1 minute",
                 headers={"x-{{ first }}": "{{ env.KEY }}"}, queryParams='{"a": {{ first }}}'),
            node("each", "loop", collection="{{ first }}", itemVar="element", indexVar="at"),
            branch("odd", yes="Boolean({{ element }})", no=""),
            node("leave", "break", condition="String({{ at }}) > '9'"),
            node("both", "parallel"),
            node("left", "sleep", duration="1 second"),
            node("right", "sleep_until", timestamp="{{ trigger.at }}"),
            node("guard", "try_catch"),
            node("child", "sub_workflow", workflowId="abc", input="{{ each }}", timeout="{{ trigger.t }}"),
            node("rescue", code="return {{ err.message }};"),
            node("fast", "race"),
            node("answer", "wait_for_event", eventType="yes", timeout="1 minute"),
            node("late", "sleep", duration="1 minute"),
            node("call", "sub_script", workerName="other", body="{{ answer }}"),
            node("all", "parallel", onError="collect"),
        ],
        "first ask", "ask each", "each odd body", "odd leave yes", "each both then",
        "both left x", "both right y", "both guard then", "guard child try", "guard rescue catch",
        "guard fast then", "fast answer x", "fast late y", "fast call then", "call all",
    )  # fmt: skip
    yield document(
        [
            branch("choose", big="event.payload.n > {{ trigger.n }}", small="event.payload", rest=""),
            node("ask", "http_request", url="http://x/", method="POST", body={"a": ["{{ trigger }}"]}),
            node("wait", "wait_for_event", eventType="paid", timeout=1000),
            node("shared", code="return [{{ ask }}, {{ wait }}];"),
            node("loop", "loop", loopType="while", condition="Boolean({{ value }})", maxIterations=3),
            node("value"), node("stop", "break"),
            node("times", "loop", loopType="times", count=2), node("inner", name="value"),
            node("end", code="return [{{ value }}, {{ times }}, {{ shared }}];", name="value"),
        ],
        "choose ask big", "choose wait small", "ask shared", "wait shared", "shared loop", "choose loop rest",
        "loop value body", "loop times then", "times inner body", "times end then", "value stop",
        trigger={"type": "cron", "expression": "0 3 * * 2"},
    )  # fmt: skip
    yield document(
        [
            node("guard", "try_catch"), node("risky", "sub_workflow", scriptName="w", className="C"),
            node("rescue", code="return {{ err }};"), node("tidy"), node("race", "race", timeout="1 hour"),
            node("a", "sub_workflow", workflowId="x", waitForCompletion=False), node("b", "break"),
            node("c", code="return {{ race }};"), node("d", "parallel"), node("e", code="return {{ risky }};"),
            node("f", "loop", collection="[1, 2]"), node("g", code="return {{ item }};"),
            node("h", code="return {{ d }};"),
        ],
        "guard risky try", "guard rescue catch", "guard tidy finally", "guard race then", "race a", "race b l",
        "race c then", "c d", "d e", "d f l", "f g body", "d h then",
        trigger={"type": "queue", "queue": "jobs"},
    )  # fmt: skip
    yield chain(
        node("first", "transform", expression="{ list: [{{ trigger.n }}] }"),
        node("values", "transform", shape="object", sensitive=True,
             values=[{"name": "a b", "expression": "{{ first.list }}"}, {"name": "c", "expression": "1"}]),
        node("ready", "wait_until", code="return {{ values }};", interval="{{ trigger.i }}", maxChecks=3),
        node("there", "wait_until", check="request", url="http://x.test/{{ first.list }}", method="POST",
             body={"a": "{{ ready }}"}, condition="String({{ response.status }}) > String({{ values }})"),
        node("asked", "human_approval", title="{{ trigger.id }}?", message="{{ values }}", escalateAfter="1 hour",
             escalateTo="{{ first.list }}", fields=[{"name": "a b"}, {"name": "c", "type": "choice", "options": "x\ny"}]),
        node("last", "debounce", key="{{ trigger.id }}", maxWait="{{ trigger.i }}", database="A_DB"),
        node("room", "rate_limit", key="{{ values }}", limit=3, period="{{ trigger.i }}"),
        node("many", "start_many", workflowId="abc", items="{{ first.list }}", input="[{{ item }}, {{ values }}]",
             id="`${ {{ trigger.id }} }-${ {{ index }} }`"),
        node("end", code="return [{{ there }}, {{ asked.fields }}, {{ last.latest }}, {{ room.waited }}, {{ many }}];"),
    )  # fmt: skip
    yield chain(
        node("hello", name="EXPORT_hello"),
        node("ask", "http_request", url="http://x.test", body="{{ hello }}", method="PUT"),
        node("worker", "sub_script", workerName="w", url="/a?b", headers='{"a": "b"}', failOn="never"),
        node("out", name="EXPORT_a b", code="return {{ worker }};"),
        kind="script", trigger={"type": "http", "path": "/run", "method": "GET"},
    )  # fmt: skip
    yield chain(
        *(
            node(id_, code="return 1;", name="same")
            for id_ in ("class", "a-b", "a_b", "Env", "step")
        ),
        node("end", code="return [{{ class }}, {{ a-b }}, {{ a_b }}, {{ Env }}, {{ step }}];"),
        trigger={"type": "event", "eventType": "paid"},
    )


def _programs(count: int) -> Iterator[Document]:
    """Yield random nestings of all containers, with references instead of bare names."""
    random = Random(1)  # noqa: S311 - the same every time
    while count:
        items: list[Item] = ProgramGenerator(random).program(depth=3, length=3)
        program = document_of(items)
        for item in program["nodes"]:
            _add_references(item["data"])
        if len(program["nodes"]) < 30 and parse(program).ir:
            count -= 1
            yield program


def _add_references(data: dict[str, Any]) -> None:
    if "code" in data:
        data["code"] = re.sub(r"(n\d+)\?\.at", r"{{ \1 }}", data["code"])
        data["code"] = data["code"].replace("i: i,", "i: {{ i }},")
    if "condition" in data:
        data["condition"] = re.sub(
            r"\bi (?:===|<) (-?\d)", r"String({{ i }}) < '\1'", data["condition"]
        )


def pool() -> list[Document]:
    """Return valid documents that together have every type of node."""
    random = Random(2)  # noqa: S311 - the same every time
    graphs = [random_document(random, size=12, then=0.3) for _ in range(30)]
    return [
        *_hand_written(),
        *_programs(12),
        *[graph for graph in graphs if len(graph["nodes"]) > 6 and parse(graph).ir][:5],
    ]
