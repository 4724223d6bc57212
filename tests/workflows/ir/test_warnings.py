from __future__ import annotations

import pytest

from tests.workflows.ir.documents import Document, branch, chain, document, node
from workflows.nodes.documents import parse


def warnings(ir_document: Document) -> list[str]:
    parsed = parse(ir_document)
    assert parsed.ir is not None
    return [str(problem) for problem in parsed.problems]


def _configured(**config: object) -> Document:
    return chain(node("a") | {"config": config})


@pytest.mark.parametrize(
    ("ir_document", "path"),
    [
        (_configured(retry={"limit": 3}), "nodes.a.config.retry"),
        (_configured(retries={"limt": 2}), "nodes.a.config.retries.limt"),
        (chain(node("a"), trigger={"type": "http", "pth": "/x"}), "trigger.pth"),
        (
            chain(node("s", "sleep", duration=1) | {"config": {"timeout": 5}}),
            "nodes.s.config.timeout",
        ),
    ],
)
def test_there_is_a_warning_for_a_setting_that_has_no_effect(
    ir_document: Document, path: str
) -> None:
    assert [warning.split(":")[0] for warning in warnings(ir_document)] == [path]


def test_there_is_a_warning_for_an_unknown_setting_of_an_arm() -> None:
    ir_document = document([branch("b", x="true"), node("a")], "b a x")
    ir_document["nodes"][0]["data"]["branches"][0]["when"] = "1"

    expected = 'nodes.b.data.branches.0.when: "when" is not a setting'

    assert warnings(ir_document)[0].startswith(expected)


@pytest.mark.parametrize("key", ["data", "config"])
def test_there_is_a_warning_for_a_race_with_retries_where_they_are_set(key: str) -> None:
    race = node("r", "race")
    race["data"] |= {"retryLimit": 1} if key == "data" else {}
    race |= {"config": {"retries": {"limit": 1}}} if key == "config" else {}

    messages = warnings(document([race, node("a"), node("b")], "r a x", "r b y"))

    path = {"data": "nodes.r.data.retryLimit", "config": "nodes.r.config.retries.limit"}[key]
    assert [warning.split(":")[0] for warning in messages] == [path]


def test_there_is_a_warning_for_a_node_after_an_unconditional_break() -> None:
    ir_document = chain(node("a"), node("stop", "break"), node("never"), node("nor"))

    assert warnings(ir_document) == [
        'nodes.never: never runs, because "stop" before it always breaks: give that node a '
        "condition, or remove this one"
    ]
    assert not warnings(chain(node("stop", "break", condition="true"), node("a")))


@pytest.mark.parametrize(
    "url", ["/x", "ftp://x", "example.com", "{{ trigger.x }}/y", "http{{ trigger.s }}://x"]
)
def test_there_is_a_warning_for_an_invalid_address(url: str) -> None:
    messages = warnings(chain(node("ask", "http_request", url=url)))

    assert bool(messages) == ("{{" not in url)


@pytest.mark.parametrize("url", ["/x", "https://worker/x", "x"])
def test_a_path_is_enough_for_another_worker(url: str) -> None:
    messages = warnings(chain(node("ask", "sub_script", workerName="w", url=url)))

    assert bool(messages) == (url == "x")


def test_there_is_a_warning_for_an_id_that_hides_the_trigger() -> None:
    assert "trigger of the run" in warnings(chain(node("trigger"), node("a")))[0]


def test_a_name_that_is_too_long_is_a_problem() -> None:
    ir_document = chain(node("a"))
    ir_document["metadata"]["name"] = "x" * 257

    assert [problem.path for problem in parse(ir_document).problems] == ["metadata.name"]
