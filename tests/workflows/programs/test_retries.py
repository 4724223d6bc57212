"""Which errors are retried, and how long a step waits before it is."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.codegen.modules import generated, refusal
from tests.workflows.ir.documents import branch, chain, document, node
from tests.workflows.ir.node_jsons import node_json, type_of
from tests.workflows.programs.harness.workers import Run, compiled, run_all, run_document

CLASSES = """
class Refused extends Error {}
class CardRefused extends Refused { name = 'CardRefused'; }
throw new %s('no');
"""
TEMPLATE = "export default async () => { throw new TypeError('no'); };"


def attempts(run: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = next(
        step["attempts"] for step in run["steps"] if step["name"].startswith(f"{name}-")
    )
    return found


def pauses(tried: list[dict[str, Any]]) -> list[float]:
    """Return the milliseconds between the attempts."""
    return [
        (datetime.fromisoformat(later["start"]) - datetime.fromisoformat(earlier["end"])).total_seconds() * 1000
        for earlier, later in pairwise(tried)
    ]  # fmt: skip


def test_the_delay_before_each_retry_can_be_an_expression(tmp_path: Path) -> None:
    delays = {
        "numbers": "attempt * 150",
        "words": "error.message === 'no' ? '1 second' : 0",
        "outputs": "await Promise.resolve({{ first.ms }} + first.ms)",
    }
    nodes = [node("first", code="return { ms: 150 };")]
    nodes += [
        node(id_, code="throw new Error('no');", retryLimit=2 if id_ == "numbers" else 1,
             retryDelayExpression=code)
        for id_, code in delays.items()
    ]  # fmt: skip
    all_ = [node("all", "parallel", onError="collect")]
    workflow = document(
        [nodes[0], *all_, *nodes[1:]], "first all", *(f"all {id_}" for id_ in delays)
    )

    run = run_document(tmp_path, workflow)

    first, second = pauses(attempts(run, "numbers"))
    assert (first >= 150, second >= 300) == (True, True)
    assert pauses(attempts(run, "words"))[0] >= 1000
    assert pauses(attempts(run, "outputs"))[0] >= 300


@pytest.mark.long
def test_a_value_that_is_not_a_delay_fails_the_step_with_its_name(tmp_path: Path) -> None:
    failing = node("pay", code="throw new Error('no');", retryDelayExpression="'soon'")

    run = run_document(tmp_path, chain(failing))

    assert len(attempts(run, "pay")) == 1
    assert '"pay": retryDelayExpression must be' in run["error"]["message"]
    assert 'not "soon"' in run["error"]["message"]


@pytest.mark.parametrize("name", ["retryDelay", "backoff"])
def test_there_is_a_warning_for_a_setting_that_the_expression_replaces(name: str) -> None:
    values = {"retryDelay": "1 minute", "backoff": "linear"}
    workflow = chain(node("a", retryDelayExpression="attempt", **{name: values[name]}))

    (problem,) = map(str, generated(workflow).problems)

    assert problem.startswith(f"nodes.a.data.{name}: has no effect, because `retryDelayExpression`")


def test_errors_of_the_named_classes_are_not_retried(tmp_path: Path) -> None:
    retried: dict[str, Any] = {
        "retryLimit": 1,
        "retryDelay": 10,
        "notRetried": "TypeError, Refused",
    }
    codes = {
        "built_in": "const none: any = null; return none.length;",
        "own": CLASSES % "Refused",
        "derived": CLASSES % "CardRefused",
        "named": "throw Object.assign(new Error('no'), { name: 'Refused' });",
        "other": "throw new RangeError('no');",
        "text": "throw 'Refused';",
    }
    steps = [node(id_, code=code, **retried) for id_, code in codes.items()]
    custom = node("custom", "greet", **retried)
    workflow = document(
        [node("all", "parallel", onError="collect"), *steps, custom],
        *(f"all {each['id']}" for each in [*steps, custom]),
    )
    modules = compiled(
        {"Errors": workflow}, tmp_path, types=type_of(node_json(id="greet"), TEMPLATE)
    )

    (run,) = run_all(modules, [Run(workflow="Errors")])

    counts = {id_: len(attempts(run, id_)) for id_ in [*codes, "custom"]}
    assert counts == {**dict.fromkeys(codes, 1), "custom": 1, "other": 2, "text": 2}
    reasons = "\n".join(arm["error"]["message"] for arm in run["output"])
    assert all(f": {each}: no" in reasons for each in ("Refused", "CardRefused", "TypeError"))


@pytest.mark.parametrize("names", ["not a name", "A,", ",", "1A"])
def test_classes_must_be_names(names: str) -> None:
    assert "nodes.a.data.notRetried: must be names of error classes" in refusal(
        chain(node("a", notRetried=names))
    )


def test_a_race_has_neither_setting() -> None:
    race = document(
        [node("r", "race", retryDelayExpression="attempt", notRetried="A"), branch("b", x="true"), node("c")],
        "r b y", "r c z",
    )  # fmt: skip

    problems = [str(problem).partition(":")[0] for problem in generated(race).problems]

    assert problems == ["nodes.r.data.retryDelayExpression", "nodes.r.data.notRetried"]
