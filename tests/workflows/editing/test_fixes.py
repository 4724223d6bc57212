"""Which problems have a fix, and that each fix does what its button says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import branch, chain, document, node
from workflows.editing.document.refusals import Refused
from workflows.editing.document.text_positions import offset_of
from workflows.editing.document.workbench import OpenDocument
from workflows.editing.fixes import Fix, fix_of
from workflows.editing.operations import perform
from workflows.ir.reading.problems import Problem
from workflows.nodes.built_in import NODE_TYPES

MISSPELLED = "Cannot find name 'amuont'. Did you mean 'amount'? (TS2552)"


def opened(*nodes: dict[str, Any]) -> OpenDocument:
    return OpenDocument(chain(*nodes), NODE_TYPES)


def about(code: str, message: str, *, line: int = 1, column: int = 1) -> Fix | None:
    problem = Problem(
        path="nodes.a.data.code", message=message, node_id="a", line=line, column=column
    )
    return fix_of(opened(node("a", code=code)), problem)


@pytest.mark.parametrize(
    ("code", "line", "column", "fixed"),
    [
        ("amuont;", 1, 1, "amount;"),
        ("a();\n  return amuont + amuont;", 2, 10, "a();\n  return amount + amuont;"),
        ("a();\r\namuont", 2, 1, "a();\r\namount"),
        ("a();\u2028amuont", 2, 1, "a();\u2028amount"),
        ("'\U0001f600'; amuont", 1, 7, "'\U0001f600'; amount"),
    ],
)
def test_only_the_misspelled_name_is_replaced(
    code: str, line: int, column: int, fixed: str
) -> None:
    fix = about(code, MISSPELLED, line=line, column=column)

    assert fix
    assert fix.label == "Use `amount`"
    edited = perform(opened(node("a", code=code)), fix.operation).document
    assert edited["nodes"][0]["data"]["code"] == fixed


@pytest.mark.parametrize(
    ("code", "fixed"),
    [
        ("return x.y.z(x)", "return x?.y.z(x)"),
        (
            "'\U0001f600';\r\n/* \U0001f600\u2028 */ return x[0]",
            "'\U0001f600';\r\n/* \U0001f600\u2028 */ return x?.[0]",
        ),
        ("return x .y", None),
        ("x.y = 1", None),
        ("const { y } = x", None),
    ],
)
def test_a_property_of_an_output_that_may_be_missing_is_made_optional(
    code: str, fixed: str | None
) -> None:
    workflow = document(
        [branch("b", yes="event.payload.ok"), node("x"), node("a", code=code)],
        "b x yes",
        "b a then",
    )
    (problem,) = generated(workflow).problems

    fix = fix_of(OpenDocument(workflow, NODE_TYPES), problem)

    assert (fix and fix.label) == (fixed and "Use `x?.`")
    if fix:
        edited = perform(OpenDocument(workflow, NODE_TYPES), fix.operation).document
        assert edited["nodes"][2]["data"]["code"] == fixed
        assert generated(edited).problems == ()


@pytest.mark.parametrize(
    ("code", "column"),
    [("amount", 1), ("xamuont", 2), ("amuonts", 1), ("x", 9), ("\U0001f600amuont", 2), ("", 1)],
)
def test_there_is_no_fix_if_the_name_is_no_longer_there(code: str, column: int) -> None:
    assert about(code, MISSPELLED, column=column) is None


@pytest.mark.parametrize(
    ("message", "label"),
    [
        ("Property 'amuont' does not exist on type 'X'. Did you mean 'amount'? (TS2551)", "amount"),
        ("specify known properties, but 'amuont' does not exist in type 'X'. "
         "Did you mean to write 'amount'? (TS2561)", "amount"),
        ("Cannot find name 'amuont'. Did you mean the instance member 'this.amount'? (TS2663)", ""),
        ("Cannot find name 'amuont'. (TS2304)", ""),
        ("This condition will always return true. Did you mean 'amuont'? (TS1)", ""),
    ],
)  # fmt: skip
def test_only_a_suggested_name_becomes_a_fix(message: str, label: str) -> None:
    fix = about("amuont", message)

    assert (fix.label if fix else "") == (f"Use `{label}`" if label else "")


def test_a_name_in_the_condition_of_an_arm_is_replaced() -> None:
    parts = OpenDocument(document([branch("c", yes="amuont > 1", no="")]), NODE_TYPES)
    problem = Problem(
        path="nodes.c.data.branches.0.condition",
        message=MISSPELLED,
        node_id="c",
        line=1,
        column=1,
    )

    fix = fix_of(parts, problem)

    assert fix
    edited = perform(parts, fix.operation).document
    assert edited["nodes"][0]["data"]["branches"][0]["condition"] == "amount > 1"


@pytest.mark.parametrize(
    ("setting", "value", "label"),
    [
        ("retryLimit", "many", "Use the default, 5"),
        ("timeout", 0, "Use the default, "),
        ("timeouts", "1 minute", "Remove `timeouts`"),
    ],
)
def test_an_invalid_setting_with_a_default_is_removed(setting: str, value: Any, label: str) -> None:
    parts = opened(node("a", **{setting: value}), node("b"))
    (problem,) = parts.parsed.problems

    fix = fix_of(parts, problem)

    assert fix
    assert fix.label.startswith(label)
    edited = perform(parts, fix.operation)
    assert edited.opened.parsed.problems == ()


def test_a_required_setting_has_no_fix() -> None:
    parts = opened(node("a", code=""), node("b"))
    (problem,) = parts.parsed.problems

    assert fix_of(parts, problem) is None


def test_a_problem_without_a_node_has_no_fix() -> None:
    assert fix_of(opened(node("a")), Problem(path="env", message=MISSPELLED)) is None
    gone = Problem(
        path="nodes.gone.data.code", message=MISSPELLED, node_id="gone", line=1, column=1
    )
    assert fix_of(opened(node("a")), gone) is None


def test_positions_after_the_end_are_not_found() -> None:
    assert offset_of("a\nb", 3, 1) is None
    assert offset_of("a", 1, 2) == 1
    assert offset_of("a", 1, 3) is None


def test_a_fix_is_refused_once_the_text_has_changed() -> None:
    fix = about("amuont;", MISSPELLED)
    assert fix

    with pytest.raises(Refused, match="no longer there"):
        perform(opened(node("a", code="return amuont;")), fix.operation)
