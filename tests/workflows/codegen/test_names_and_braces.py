"""Ids in any alphabet, and double braces that mean themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflows.codegen.modules import generated, refusal
from tests.workflows.ir.documents import chain, document, node
from tests.workflows.programs.harness.workers import run_document
from workflows.compilation.lenient import compile_leniently
from workflows.compilation.typescript import CompileFailed
from workflows.nodes.documents import parse

ALPHABETS = [
    "größe",
    "価格",
    "स्थिति",
    "цена",
    "ثمن",
    "ราคา",
    "a·b",
    "ℵ0",
    "\U0001d4b3",
    "$",
    "über_$1",
]


def test_an_id_in_any_alphabet_is_its_name_in_code_and_in_references(tmp_path: Path) -> None:
    steps = [node(id_, code=f"return {{ {id_}: '{id_}' }};") for id_ in ALPHABETS]
    in_code = ", ".join(f"{id_}.{id_}" for id_ in ALPHABETS)
    referenced = ", ".join(f"{{{{ {id_}.{id_} }}}}" for id_ in ALPHABETS)

    run = run_document(
        tmp_path, chain(*steps, node("end", code=f"return [{in_code}, {referenced}];"))
    )

    assert run["output"] == ALPHABETS * 2


def test_the_names_of_a_loop_may_be_in_any_alphabet(tmp_path: Path) -> None:
    workflow = document(
        [
            node("each", "loop", collection="[5]", itemVar="größe", indexVar="番号"),
            node("a", code="return [größe, {{ 番号 }}];"),
        ],
        "each a body",
    )  # fmt: skip

    assert run_document(tmp_path, workflow)["output"] == {"results": [[5, 0]]}


def test_double_braces_in_strings_and_comments_of_code_are_text(tmp_path: Path) -> None:
    code = (
        "const letter = 'Dear {{ name }}'; // {{ name }}\n/* {{ other }} */\n"
        'return [letter, `{{ x }} ${ {{ first.n }} }`, /{{ y }}/.source, "{{ first }}", {{ first.n }}];'
    )

    run = run_document(
        tmp_path, chain(node("first", code="return { n: 1 };"), node("a", code=code))
    )

    assert run["output"] == ["Dear {{ name }}", "{{ x }} 1", "{{ y }}", "{{ first }}", 1]


def test_only_text_that_would_be_a_reference_is_pointed_out() -> None:
    code = "return ['{{ name }}',\n  '{{ first.n }}'];"

    (problem,) = generated(chain(node("first"), node("a", code=code))).problems

    assert "line 2, column 4: {{ first.n }} is only text here" in str(problem)


def test_four_braces_stand_for_two_in_text_and_json() -> None:
    request = node(
        "a", "http_request", method="POST", url="http://x.test/{{{{ id }}/{{ first.n }}",
        headers={"x-{{{{": "{{{{{{ first.n }}"}, body={"text": "{{{{ name }} {{ first.n }}", "k": "{{{{"},
    )  # fmt: skip
    parsed = parse(chain(node("first"), request))
    source = generated(chain(node("first"), request)).source

    assert parsed.problems == ()
    assert "url: `http://x.test/{{ id }}/${" in source
    assert '{ "x-{{": `{{${' in source
    assert "{ text: `{{ name }} ${" in source
    assert 'k: "{{" }' in source


def test_a_reference_to_an_unknown_node_is_a_problem_in_code_and_elsewhere() -> None:
    assert 'no node has the id "größ"' in refusal(
        chain(node("größe"), node("a", code="return {{ größ }};"))
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "return charge - card;",
            '"Charge the card" ("charge-card") is called charge_card in code',
        ),
        (
            "return chargeTheCard;",
            '"Charge the card" ("charge-card") is called charge_card in code',
        ),
        ("_output = { n: 1 };", "The output of a step is what its code returns"),
        ("return { fetchIt };", '"fetch-it" is called fetch_it in code'),
    ],
)
def test_an_error_says_what_a_node_is_called(written: str, said: str, tmp_path: Path) -> None:
    workflow = chain(
        node("charge-card", name="Charge the card"), node("fetch-it"), node("a", code=written)
    )

    with pytest.raises(CompileFailed) as failed:
        compile_leniently(generated(workflow), tmp_path)

    assert said in str(failed.value)


def test_an_error_says_where_the_content_of_an_event_or_a_response_is(tmp_path: Path) -> None:
    workflow = chain(
        node("answer", "wait_for_event", eventType="answer"),
        node("orders", "http_request", url="https://x.test"),
        node("a", code="return [{{ answer.approved }}, orders.list];"),
    )

    with pytest.raises(CompileFailed) as failed:
        compile_leniently(generated(workflow), tmp_path)

    assert "in its `payload`: write `.payload.approved` instead" in str(failed.value)
    assert "in its `body`: write `.body.list` instead" in str(failed.value)


def test_a_syntax_error_says_what_a_node_is_called_whose_name_is_in_the_code() -> None:
    workflow = chain(node("get-order", name="Get order"), node("a", code="return Get order.total;"))

    assert 'node "Get order" ("get-order") is called get_order in code' in refusal(workflow)


def test_ids_that_the_generated_code_does_not_use_are_not_changed(tmp_path: Path) -> None:
    ids = [
        "crypto",
        "process",
        "type",
        "request",
        "trigger",
        "entry",
        "of",
        "module",
        "File",
        "any",
        "from",
    ]
    steps = [node(id_, code=f"return '{id_}!';") for id_ in ids]

    run = run_document(tmp_path, chain(*steps, node("end", code=f"return [{', '.join(ids)}];")))

    assert run["output"] == [f"{id_}!" for id_ in ids]
