from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.workflows.ir.documents import Document, chain, document, node
from tests.workflows.programs.harness.workers import Run, compiled, names, outputs, run_all
from workflows.ir.document.approvals import fields_schema, is_approval
from workflows.ir.json_schema import value_error
from workflows.nodes.documents import parse


def approval(id_: str, **data: Any) -> dict[str, Any]:
    return node(id_, "human_approval", **{"title": "Pay {{ trigger.sum }} EUR?", **data})


def run_document(
    folder: Path, workflow: Document, params: Any = None, answer: Any = None
) -> dict[str, Any]:
    """Run the document; the answer is the payload of the event that the run waits for."""
    event = None if answer is None else {"payload": answer}
    run = Run(workflow="Flow", params=params or {"sum": 8}, event=event)
    return run_all(compiled({"Flow": workflow}, folder), [run])[0]


def test_a_decision_continues_the_run(tmp_path: Path) -> None:
    workflow = chain(approval("asked", message="For {{ trigger.who }}", assignedTo="Team"))
    answer = {"approved": True, "by": "Ada", "comment": "ok", "fields": {"cost": 7}}

    run = run_document(tmp_path, workflow, {"sum": 8, "who": "Grace"}, answer)

    assert names(run) == ["asked: request", "asked", "asked: decision"]
    request = outputs(run)["asked: request"]
    assert is_approval(request.pop("eventType"))
    assert request == {"title": "Pay 8 EUR?", "message": "For Grace", "assignedTo": "Team"}
    assert run["output"] == {**answer, "outcome": "approved", "escalated": False}


@pytest.mark.parametrize("answer", [{"approved": False, "by": "Ada"}, {"approved": "yes"}, {}, "x"])
def test_everything_but_an_approval_is_a_rejection(answer: Any, tmp_path: Path) -> None:
    run = run_document(tmp_path, chain(approval("asked")), answer=answer)

    assert (run["output"]["approved"], run["output"]["outcome"]) == (False, "rejected")
    assert (run["output"]["comment"], run["output"]["fields"]) == ("", {})


@pytest.mark.long
def test_a_timeout_fails_the_node_or_is_an_outcome(tmp_path: Path) -> None:
    workflow = document(
        [
            node("guard", "try_catch"),
            approval("first", timeout="{{ trigger.wait }}"),
            node("caught", code="return err.message;"),
            approval("second", timeout="1 second", onTimeout="continue"),
            node("end", code="return [caught, second];"),
        ],
        "guard first try", "guard caught catch", "guard second then", "second end",
    )  # fmt: skip

    run = run_document(tmp_path, workflow, {"sum": 8, "wait": 20})

    caught, second = run["output"]
    assert "timed out" in caught
    assert second == {
        "approved": False, "outcome": "timed_out", "by": None, "comment": "", "fields": {}, "escalated": False,
    }  # fmt: skip


@pytest.mark.long
def test_an_escalation_changes_the_request_and_keeps_waiting(tmp_path: Path) -> None:
    workflow = chain(
        approval("asked", escalateAfter=20, timeout=60, onTimeout="continue",
                 escalateTo="Boss of {{ trigger.who }}", escalationMessage="Late")
    )  # fmt: skip

    run = run_document(tmp_path, workflow, {"sum": 8, "who": "Ada"})

    assert names(run) == [
        "asked: request", "asked", "asked: escalation", "asked", "asked: decision",
    ]  # fmt: skip
    escalation = outputs(run)["asked: escalation"]
    assert (escalation["message"], escalation["assignedTo"]) == ("Late", "Boss of Ada")
    assert (run["output"]["outcome"], run["output"]["escalated"]) == ("timed_out", True)


@pytest.mark.long
def test_an_escalation_can_be_an_outcome(tmp_path: Path) -> None:
    workflow = chain(approval("asked", escalateAfter=20, onEscalation="continue"))

    run = run_document(tmp_path, workflow)

    assert names(run) == ["asked: request", "asked", "asked: decision"]
    assert (run["output"]["outcome"], run["output"]["escalated"]) == ("escalated", True)


@pytest.mark.long
def test_a_missing_value_fails_the_request_without_a_retry(tmp_path: Path) -> None:
    run = run_document(tmp_path, chain(approval("asked")), {"total": 1})

    assert '"asked": title needs a value for {{ trigger.sum }}' in run["error"]["message"]
    assert len(run["steps"][0]["attempts"]) == 1


FORM: list[dict[str, Any]] = [
    {"name": "cost", "type": "number", "required": True},
    {"name": "size", "label": "Size", "type": "choice", "options": " s \n\nl\ns"},
    {"name": "note"},
    {"name": "ok", "type": "boolean"},
]


@pytest.mark.parametrize(
    ("fields", "approves", "rejects"),
    [
        ({"cost": 1.5, "size": "l", "note": "x", "ok": False}, True, True),
        ({}, False, True),
        ({"cost": "1"}, False, False),
        ({"cost": 1, "size": "m"}, False, False),
        ({"cost": 1, "other": 1}, False, False),
    ],
)
def test_the_schema_of_a_form_checks_its_fields(
    fields: dict[str, Any], *, approves: bool, rejects: bool
) -> None:
    errors = [value_error(fields_schema(FORM, is_approved=each), fields) for each in (True, False)]

    assert [not error for error in errors] == [approves, rejects]


PROBLEMS: dict[str, tuple[dict[str, Any], str]] = {
    "a choice without options": ({"fields": [{"name": "a", "type": "choice"}]}, "fields.0.options: is empty"),
    "two fields with one name": ({"fields": [{"name": "a"}, {"name": "a"}]}, 'fields.1.name: "a" is already used'),
    "an unknown type": ({"fields": [{"name": "a", "type": "date"}]}, "fields.0.type: must be one of"),
    "too many fields": ({"fields": [{"name": f"f{at}"} for at in range(41)]}, "must have at most 40 fields"),
    "a late escalation": ({"escalateAfter": "7 days"}, "escalateAfter: must be shorter than the timeout"),
    "no time at all": ({"escalateAfter": 0}, "escalateAfter: must be longer than 0"),
}  # fmt: skip


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_wrong_setting_is_a_problem(case: str) -> None:
    data, message = PROBLEMS[case]

    problems = parse(chain(approval("a", **data))).problems
    assert message in "\n".join(map(str, problems))
