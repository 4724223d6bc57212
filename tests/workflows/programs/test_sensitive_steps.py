"""Steps whose output must not be shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import chain, document, node
from tests.workflows.programs.harness.workers import Run, compiled, run_all

SETTING = 'sensitive: "output",'
URL = "https://x.test/"


def in_config(sensitive: Any) -> dict[str, Any]:
    return node("a") | {"config": {"sensitive": sensitive}}


@pytest.mark.parametrize(
    ("step", "count"),
    [
        (node("a", sensitive=True), 1),
        (in_config(sensitive=True), 1),
        (node("a", "http_request", url=URL, sensitive=True), 1),
        (node("a"), 0),
        (node("a", sensitive=False), 0),
        (in_config(sensitive=False) | {"data": {"code": "return 1;", "sensitive": True}}, 0),
    ],
)
def test_a_node_can_be_sensitive(step: dict[str, Any], count: int) -> None:
    module = generated(chain(step))

    assert module.source.count(SETTING) == count
    assert [str(problem) for problem in module.problems] == []


def test_a_sensitive_output_is_hidden_but_other_nodes_get_it(tmp_path: Path) -> None:
    hidden = node("hidden", code="return { key: 'sentinel-of-a-step' };", sensitive=True)
    reader = node("reader", code="return { length: hidden.key.length };")
    workers = compiled({"Sensitive": chain(hidden, reader)}, tmp_path)

    (run,) = run_all(workers, [Run(workflow="Sensitive", params={})])

    assert run["status"] == "complete", run
    assert run["output"] == {"length": len("sentinel-of-a-step")}
    assert "sentinel" not in str(run)


@pytest.mark.parametrize("fails", [False, True])
def test_a_race_hides_the_values_of_its_sensitive_arms(tmp_path: Path, fails: bool) -> None:  # noqa: FBT001
    hidden = node("hidden", code="return { key: 'sentinel-of-an-arm' };", sensitive=True)
    last = node("last", code="throw new Error('no');" if fails else "return 1;", retryLimit=0)
    around = [node("guard", "try_catch"), node("contest", "race"), hidden, last]
    caught = node("caught", code="return { caught: true };")
    reader = node("reader", code="return { length: hidden?.key.length };")
    edges = ["guard contest try", "contest hidden a", "hidden last", "guard caught catch"]
    workflow = document([*around, caught, reader], *edges, "guard reader then")

    (run,) = run_all(compiled({"Hidden": workflow}, tmp_path), [Run(workflow="Hidden", params={})])

    assert run["status"] == "complete", run
    assert run["output"] == {"length": len("sentinel-of-an-arm")}
    assert "sentinel" not in str(run)
