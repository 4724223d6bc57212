"""Names in AwaitStep's code: what becomes the name of a node, what stays, and what is only reported."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.ir.documents import Document, branch, chain, document, node
from workflows.documents.awaitstep.conversion import Converted, convert
from workflows.nodes.built_in import NODE_TYPES

ORDER = node("o-1", name="Get order", code="return { id: 1 };")


def converted(*nodes: dict[str, Any], **parts: Any) -> Converted:
    return convert(chain(*nodes, **parts), NODE_TYPES)


def code(found: Converted, id_: str) -> str:
    (item,) = (item for item in found.document["nodes"] if item["id"] == id_)
    return str(item["data"]["code"])


def warnings(found: Converted) -> list[str]:
    return [str(problem) for problem in found.problems]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("return Get_order.id;", "return o_1.id;"),
        ("return { Get_order };", "return { Get_order: o_1 };"),
        ("return `${Get_order.id} Get_order`; // Get_order", "return `${o_1.id} Get_order`; // Get_order"),
        ("return x.Get_order + 'Get_order';", "return x.Get_order + 'Get_order';"),
        ("const Get_order = 1; return Get_order;", "const Get_order = 1; return Get_order;"),
        ("return [1].map((Get_order) => Get_order);", "return [1].map((Get_order) => Get_order);"),
        ("const ä = '€'; return Get_order?.id;", "const ä = '€'; return o_1?.id;"),
        ("return {{ o-1.id }} + Get_order.id;", "return {{ o-1.id }} + o_1.id;"),
        ("return {{ Get_order.id }};", "return {{ o-1.id }};"),
        ("return Get_order as { id: number };", "return o_1 as { id: number };"),
        ("return Get_order.;", "return Get_order.;"),
        ("return Nothing;", "return Nothing;"),
    ],
)  # fmt: skip
def test_a_display_name_becomes_the_name_of_the_node(written: str, expected: str) -> None:
    assert code(converted(ORDER, node("b", code=written)), "b") == expected


@pytest.mark.parametrize(
    ("names", "variables"),
    [
        (["A", "A", "A"], ["A", "A_2", "A_3"]),
        (["EXPORT_total", "total"], ["total", "total_2"]),
        (["3 days", "Who? When!"], ["_3_days", "Who_When"]),
        (["Ünü", "EXPORT_"], ["_n", "EXPORT"]),
    ],
)
def test_names_are_made_like_in_awaitstep(names: list[str], variables: list[str]) -> None:
    nodes = [node(f"n{at}", name=name, code="return 1;") for at, name in enumerate(names)]
    last = node("last", code=f"return [{', '.join(variables)}];")

    found = converted(*nodes, last)

    assert code(found, "last") == f"return [{', '.join(item['id'] for item in nodes)}];"


@pytest.mark.parametrize("name", ["Date", "event", "env", "step", "crypto", "console", "Order"])
def test_a_name_that_means_something_else_stays_as_it_is(name: str) -> None:
    written = f"import {{ Order }} from 'node:os';\nreturn {name}.x;"

    found = converted(node("d", name=name, code="return 1;"), node("b", code=written))

    assert (code(found, "b"), found.rewrites) == (written, ())


def test_a_node_hides_a_global_in_code_that_calls_nodes_by_name() -> None:
    process = node("d", name="process", code="return 1;")

    found = converted(ORDER, process, node("b", code="return [Get_order, process];"))

    assert code(found, "b") == "return [o_1, d];"


def test_the_item_of_a_loop_hides_a_display_name() -> None:
    nodes = [
        node("o", name="item", code="return [1];"),
        node("each", "loop", collection="o"),
        node("b", code="return item;"),
        node("c", code="return item;"),
    ]

    found = convert(document(nodes, "o each", "each b body", "each c then"), NODE_TYPES)

    assert (code(found, "b"), code(found, "c")) == ("return item;", "return o;")


def _two_meanings(more: str) -> Converted:
    return converted(
        node("total", name="First", code="return 1;"),
        node("second", name="total", code="return 2;"),
        node("last", code=f"return [total, {more}];"),
    )


def test_a_name_with_two_meanings_is_read_like_the_other_names_of_the_document() -> None:
    by_name, by_id = _two_meanings("First"), _two_meanings("second")

    assert code(by_name, "last") == "return [second, total];"
    assert code(by_id, "last") == "return [total, second];"
    assert warnings(by_name) == [
        "nodes.last.data.code: total could be the node with this id or the one with this name: it is "
        'read as the output of "second"'
    ]


def test_a_document_of_ours_stays_as_it_is() -> None:
    ours = chain(
        node("total", code="return { sum: 1 };"),
        node("ask", "http_request", url="https://x.test/{{ total.sum }}"),
        node("last", code="return [total.sum, ask.status, ask.body.id, ask, {{ ask.headers }}];"),
    )

    found = convert(ours, NODE_TYPES)

    assert (found.document, found.rewrites, found.problems) == (ours, (), ())


RESPONSE = node("r", "http_request", name="Ask", url="https://x.test/")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("return Ask.id;", "return r.body.id;"),
        ("return Ask?.id;", "return r?.body?.id;"),
        ("return Ask['id'];", "return r.body['id'];"),
        ("return f(Ask);", "return f(r.body);"),
        ("const { id } = Ask;", "const { id } = r.body;"),
        ("return {{r.id}};", "return {{ r.body.id }};"),
        ("return r.id;", "return r.body.id;"),
        ("return Ask.body.id;", "return r.body.id;"),
    ],
)
def test_the_output_of_a_request_is_the_content_of_the_response(
    written: str, expected: str
) -> None:
    assert code(converted(RESPONSE, node("b", code=written)), "b") == expected


def test_members_that_our_responses_have_too_are_reported() -> None:
    found = converted(RESPONSE, node("b", code="return Ask.status;"))

    assert code(found, "b") == "return r.status;"
    assert warnings(found) == [
        "nodes.b.data.code: Ask.status is the status of the response here: write r.body.status if its "
        "content has a member status"
    ]


def inline(id_: str, written: str, **more: Any) -> dict[str, Any]:
    return node(id_, inline=True, code=written, **more)


def test_an_inline_step_returns_what_others_use() -> None:
    found = converted(
        inline("a", "const Sum = 1;\nlet own = 2;", name="Sum"),
        inline("b", "const one = Sum;\nconst { two } = event.payload;", name="Others"),
        node("c", code="return { Sum, one, two };"),
    )

    assert code(found, "a") == "const Sum = 1;\nlet own = 2;\nreturn Sum;"
    assert code(found, "b") == (
        "const one = a;\nconst { two } = event.payload;\nreturn { one, two };"
    )
    assert code(found, "c") == "return { Sum: a, one: b.one, two: b.two };"
    assert all("inline" not in item["data"] for item in found.document["nodes"])


def test_what_an_inline_step_cannot_share_is_reported() -> None:
    found = converted(
        inline("a", "function help() {}\nlet count = 0;"),
        inline("b", "count += 1;\nif (count) return;"),
        node("c", code="return help();"),
    )

    assert [message.split(",")[0] for message in warnings(found)] == [
        "nodes.a.data.code: declares `help` for other nodes",
        "nodes.b.data.code: `return` in an inline step ended the run in AwaitStep. Here it only ends "
        "the step: add a `break` node after it if the run should end",
        "nodes.b.data.code: changes count",
    ]


def loop(body: str, after: str) -> Converted:
    nodes = [
        node("each", "loop", name="Each", collection="[1, 2]"),
        node("b", code=body),
        node("c", code=after),
    ]
    return convert(document(nodes, "each b body", "each c then"), NODE_TYPES)


def test_an_assigned_output_is_returned() -> None:
    found = loop("const one = item;\n_output = { one };", "return [Each, Each.results, each];")

    assert code(found, "b") == "const one = item;\nreturn { one };"
    assert code(found, "c") == "return [each.results.at(-1), each.results, each];"


def test_an_output_that_is_only_assigned_sometimes_keeps_the_last_one() -> None:
    found = loop("import x from 'node:os';\nif (item) { _output = item; }", "return Each;")

    assert code(found, "b") == (
        "import x from 'node:os';\nlet _output: any;\nif (item) { _output = item; }\nreturn _output;"
    )
    assert "findLast" in code(found, "c")


@pytest.mark.parametrize(
    ("body", "returned", "content"),
    [
        ("_output = [...(_output ?? []), item];", "return item;", ""),
        ("(_output ??= []).push({ item });", "return { item };", ""),
        ("_output ??= [];\n_output.push(item)", "\nreturn item;", ""),
        ("_output = (_output || 0) + item.n * 2;", "return item.n * 2;", "sum + value, 0)"),
        ("_output ??= '';\n_output += item;", "\nreturn item;", "sum + value, '')"),
    ],
)
def test_values_that_are_added_up_come_from_all_iterations(
    body: str, returned: str, content: str
) -> None:
    found = loop(body, "return Each;")

    assert code(found, "b") == returned
    assert code(found, "c").startswith("return each.results")
    assert code(found, "c").endswith(f"{content};")
    assert found.problems == ()


def test_a_list_of_all_values_can_be_a_reference() -> None:
    nodes = [
        node("each", "loop", name="Each", collection="[1, 2]"),
        node("b", code="_output = [...(_output ?? []), item];"),
        node("c", "http_request", url="https://x.test/${Each.length}/{{each[0]}}"),
    ]

    found = convert(document(nodes, "each b body", "each c then"), NODE_TYPES)

    url = found.document["nodes"][2]["data"]["url"]
    assert url == "https://x.test/{{ each.results.length }}/{{ each.results[0] }}"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("_output = item + (_output ?? 0);", "reads `_output` of earlier iterations"),
        ("_output += item;", "reads `_output` of earlier iterations"),
        ("_output = [...(_output ?? []), _output];", "reads `_output` of earlier iterations"),
        ("_output = item; return 1;", "assigns `_output` and returns a value"),
    ],
)
def test_an_output_that_cannot_be_returned_is_reported(body: str, reason: str) -> None:
    found = loop(body, "return 1;")

    assert code(found, "b") == body
    assert reason in warnings(found)[0]


def test_an_output_before_the_last_node_is_reported_and_can_be_read() -> None:
    nodes = [
        node("each", "loop", collection="[1, 2]"),
        node("a", code="_output = item;"),
        node("b", code="return _output + 1;"),
    ]

    found = convert(document(nodes, "each a body", "a b"), NODE_TYPES)

    assert code(found, "b") == "return a + 1;"
    assert "the result of an iteration is the output of its last node" in warnings(found)[0]


@pytest.mark.parametrize(
    ("written", "setting", "count"),
    [
        ("return Both.map((arm) => arm.value);", {"onError": "collect"}, 0),
        ("return Both.filter(({ status }) => status === 'rejected');", {"onError": "collect"}, 0),
        ("return Both[0].reason;", {"onError": "collect"}, 1),
        ("return Both[0].id;", {}, 0),
    ],
)
def test_a_parallel_whose_arms_are_read_with_their_status_collects_errors(
    written: str, setting: dict[str, str], count: int
) -> None:
    nodes = [node("p", "parallel", name="Both"), node("a"), node("b"), node("c", code=written)]

    found = convert(document(nodes, "p a", "p b", "p c then"), NODE_TYPES)

    assert found.document["nodes"][0]["data"] == setting
    assert len(found.problems) == count


def test_the_else_arm_moves_to_the_end() -> None:
    flow = document(
        [branch("b", **{"else": "", "yes": "true"}), node("x"), node("y")],
        "b x else", "b y yes",
    )  # fmt: skip

    found = convert(flow, NODE_TYPES)

    arms = found.document["nodes"][0]["data"]["branches"]
    assert [arm["label"] for arm in arms] == ["yes", "else"]


def test_a_document_without_a_tree_is_not_changed() -> None:
    broken: Document = document([ORDER, node("b", code="return Get_order;")], "o-1 b", "b o-1")

    assert convert(broken, NODE_TYPES).document == broken


@pytest.mark.parametrize("value", [None, [], "text", {"nodes": 1}, {"nodes": [1, {"id": []}]}])
def test_any_json_can_be_converted(value: Any) -> None:
    assert convert(value, NODE_TYPES).document == value
