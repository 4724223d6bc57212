"""Steps whose output must not be shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import chain, document, node
from tests.workflows.programs.harness.workers import Run, compiled, run_all
from workflows.codegen.analysis.sensitive_nodes import why_sensitive
from workflows.nodes.documents import parse_valid

SETTING = 'sensitive: "output",'
VARIABLES: dict[str, Any] = {
    "variables": frozenset({"API_KEY", "REGION"}),
    "secrets": frozenset({"API_KEY"}),
}
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
    module = generated(chain(step, node("end")))

    assert module.source.count(SETTING) == count
    assert [str(problem) for problem in module.problems] == []


@pytest.mark.parametrize(
    ("step", "is_hidden"),
    [
        (node("a", code="return env.API_KEY;"), True),
        (node("a", code="const { API_KEY: key } = env; return key;"), True),
        (node("a", code="return {{ env.API_KEY }}.length;"), True),
        (node("a", code="return call(env); function call(all) { return all; }"), True),
        (node("a", code="return env.API_KEY;", sensitive=False), False),
        (node("a", "transform", expression="env.API_KEY.length"), True),
        (node("a", "wait_until", code="return env.API_KEY;"), True),
        (
            node("a", "wait_until", check="request", url=URL, method="POST", body="env.API_KEY"),
            False,
        ),
        (node("a", code="return env.REGION;"), False),
        (node("a", code="return 1;", rollback="await undo(env.API_KEY);"), False),
        (node("a", "http_request", url=URL, headers={"x-key": "{{ env.API_KEY }}"}), False),
    ],
)
def test_a_step_whose_code_reads_a_secret_is_sensitive(
    step: dict[str, Any], *, is_hidden: bool
) -> None:
    with_secret = generated(chain(step, node("end")), **VARIABLES)
    without = generated(chain(step, node("end")), variables=VARIABLES["variables"])

    assert (SETTING in with_secret.source, SETTING in without.source) == (is_hidden, False)
    assert (
        bool(why_sensitive(parse_valid(chain(step)).nodes["a"], VARIABLES["secrets"])) == is_hidden
    )


def test_a_race_is_sensitive_if_the_code_of_an_arm_reads_a_secret() -> None:
    race = document(
        [node("r", "race"), node("a", code="return env.API_KEY;"), node("b"), node("end")],
        "r a x", "r b y", "r end then",
    )  # fmt: skip

    assert generated(race, **VARIABLES).source.count(SETTING) == 2


def test_there_is_a_warning_if_the_output_of_the_run_contains_a_sensitive_one() -> None:
    looped = document(
        [node("each", "loop", collection="[1]"), node("a", code="return env.API_KEY;")],
        "each a body",
    )  # fmt: skip

    (problem,) = map(str, generated(looped, **VARIABLES).problems)

    assert problem == (
        'nodes.a.data.sensitive: does not hide the output of the run, which contains that of "a": add a '
        "node after it that returns only what everyone may see, or set it to false"
    )


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
