"""Where a problem is, with the labels of the editor."""

from __future__ import annotations

import pytest

from tests.workflows.ir.documents import branch, document, node
from workflows.editing.document.workbench import OpenDocument
from workflows.editing.problem_places import field_name, sentence
from workflows.ir.reading.problems import Problem
from workflows.nodes.built_in import NODE_TYPES


@pytest.fixture(scope="module")
def opened() -> OpenDocument:
    call = node("call", type_="http_request", url="https://example.com")
    whole = document([branch("c", yes="x > 1", no=""), call], "c call then")
    return OpenDocument(
        {**whole, "trigger": {"type": "cron", "expression": "0 8 * * *"}}, NODE_TYPES
    )


@pytest.mark.parametrize(
    ("node_id", "path", "words"),
    [
        ("c", "data.branches.0.condition", "Arm 1 \u203a Condition"),
        ("c", "data.branches.1", "Arm 2"),
        ("c", "data.branches", "Arms"),
        ("c", "data.branches.0.color", "Arm 1 \u203a color"),
        ("call", "data.headers.x-id", "Headers \u203a x-id"),
        ("call", "data.urls", "urls"),
        ("call", "config.retries.limit", "Retries"),
        ("call", "", ""),
        ("", "trigger.expression", "Schedule"),
        ("", "trigger.type", "What starts a run"),
        ("", "entryCode", "Entry code"),
        ("", "metadata.name", "metadata.name"),
    ],
)
def test_a_field_is_named_by_its_labels(
    opened: OpenDocument, node_id: str, path: str, words: str
) -> None:
    whole = ".".join(part for part in (node_id and f"nodes.{node_id}", path) if part)

    assert field_name(opened, Problem(path=whole, message="", node_id=node_id)) == words


def test_a_sentence_names_the_node_and_the_field(opened: OpenDocument) -> None:
    problem = Problem(path="nodes.call.data.url", message="must not\nbe empty", node_id="call")
    trigger = Problem(path="trigger.expression", message="is not a schedule")
    gone = Problem(path="nodes.gone", message="is not there", node_id="gone")

    assert sentence(opened, problem) == "call \u203a URL: must not be empty"
    assert sentence(opened, trigger) == "Trigger \u203a Schedule: is not a schedule"
    assert sentence(opened, gone) == "nodes.gone: is not there"


@pytest.mark.parametrize(
    ("line", "message", "position"),
    [
        (3, "line 9, column 9: unexpected", (3, 7)),
        (0, "line 2, column 5: unexpected", (2, 5)),
        (0, "must not be empty", (0, 0)),
    ],
)
def test_the_position_is_that_of_the_compiler_or_in_the_message(
    line: int, message: str, position: tuple[int, int]
) -> None:
    problem = Problem(path="entry_code", message=message, line=line, column=7 if line else 0)

    assert problem.position == position
