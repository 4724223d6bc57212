from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.http_server import Handler, serving
from tests.workflows.ir.documents import Document, chain, document, node
from tests.workflows.programs.harness.workers import Run, compiled, names, outputs, run_all
from workflows.ir.validation.limits import check_limits
from workflows.nodes.documents import parse, parse_valid

FAST: dict[str, Any] = {"interval": 20, "retryLimit": 1, "retryDelay": 10, "backoff": "constant"}


class Exports(Handler):
    """Answers that something is pending, and from the third request on that it is done."""

    counts: dict[str, int]

    def do_GET(self) -> None:
        count = self.counts[self.path] = self.counts.get(self.path, 0) + 1
        status = 404 if self.path.startswith("/missing") and count < 3 else 200
        self.respond(status, b'{"state": "done"}' if count > 2 else b'{"state": "pending"}')


@pytest.fixture(scope="module")
def exports() -> Iterator[str]:
    Exports.counts = {}
    with serving(Exports) as address:
        yield address


def run_document(folder: Path, workflow: Document, params: Any = None) -> dict[str, Any]:
    return run_all(compiled({"Flow": workflow}, folder), [Run(workflow="Flow", params=params)])[0]


def wait_until(id_: str, **data: Any) -> dict[str, Any]:
    return node(id_, "wait_until", **(FAST | data))


def test_requests_are_repeated_until_the_condition_is_true(exports: str, tmp_path: Path) -> None:
    workflow = chain(
        node("first", code="return { state: 'done' };"),
        wait_until("ready", check="request", url=f"{exports}/a?id={{{{ trigger.id }}}}",
                   condition="{{ response.body.state }} === first.state && ctx.attempt === 1"),
        node("end", code="return [ready.value.body, ready.checks, ready.timedOut];"),
    )  # fmt: skip

    run = run_document(tmp_path, workflow, {"id": 7})

    assert run["output"] == [{"state": "done"}, 3, False]
    assert [step["name"] for step in run["steps"]] == [
        "first-1", "ready-1", "ready: wait-1", "ready-2", "ready: wait-2", "ready-3", "end-1",
    ]  # fmt: skip
    assert Exports.counts["/a?id=7"] == 3


@pytest.mark.long
def test_without_a_condition_any_status_below_400_ends_the_wait(
    exports: str, tmp_path: Path
) -> None:
    workflow = chain(wait_until("there", check="request", url=f"{exports}/missing"))

    run = run_document(tmp_path, workflow)

    assert (run["output"]["value"]["status"], run["output"]["checks"]) == (200, 3)


def test_code_is_repeated_until_it_returns_something(tmp_path: Path) -> None:
    code = "const { count } = ctx.step;\nreturn count > 2 && { count };"
    workflow = document(
        [
            node("each", "loop", collection="['a', 'b']"),
            wait_until("ready", code=code),
            node("end", code="return [each.results, ready.value.count];"),
        ],
        "each ready body", "each end then",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    result = {"value": {"count": 3}, "checks": 3, "timedOut": False}
    assert run["output"] == [[result, result], 3]
    assert names(run).count("ready [0]") == names(run).count("ready [1]") == 3
    assert run["steps"][0]["output"] == {"value": False, "checks": 1}


LIMITS: dict[str, tuple[dict[str, Any], int]] = {
    "the timeout": ({"timeout": "{{ trigger.limit }}"}, 4),
    "the number of checks": ({"maxChecks": 2}, 2),
    "a timeout shorter than the interval": ({"timeout": 10}, 2),
}


@pytest.mark.parametrize("case", LIMITS)
def test_at_the_limit_the_last_check_fails(case: str, tmp_path: Path) -> None:
    limits, count = LIMITS[case]
    workflow = document(
        [
            node("guard", "try_catch"),
            wait_until("never", code="return 0;", **limits),
            node("caught", code="return err.message;"),
        ],
        "guard never try",
        "guard caught catch",
    )

    run = run_document(tmp_path, workflow, {"limit": 50})

    checks = [step for step in run["steps"] if step["name"].startswith("never-")]
    assert f"never: not true after {count} checks in" in run["output"]
    assert [step["success"] for step in checks] == [True] * (count - 1) + [False]
    assert len(checks[-1]["attempts"]) == 1


@pytest.mark.long
def test_at_the_limit_the_workflow_can_continue(tmp_path: Path) -> None:
    workflow = chain(wait_until("never", code="return null;", maxChecks=3, onTimeout="continue"))

    run = run_document(tmp_path, workflow)

    assert run["output"] == {"value": None, "checks": 3, "timedOut": True}


@pytest.mark.long
def test_a_check_that_throws_is_retried_and_then_fails(tmp_path: Path) -> None:
    workflow = chain(
        wait_until("shaky", code="if (ctx.attempt < 2) throw new Error('busy');\nreturn 1;"),
        wait_until("final", code="throw new TypeError('no');", notRetried="TypeError"),
    )

    run = run_document(tmp_path, workflow)

    assert outputs(run)["shaky"]["checks"] == 1
    assert run["error"]["message"] == "TypeError: no"
    assert [len(step["attempts"]) for step in run["steps"]] == [2, 1]


@pytest.mark.long
def test_a_value_that_cannot_be_stored_fails_the_check(tmp_path: Path) -> None:
    run = run_document(tmp_path, chain(wait_until("bad", code="return () => 1;")))

    assert "can return only values that can be stored" in run["error"]["message"]


def test_the_checks_count_as_steps_and_requests() -> None:
    often = node("a", "wait_until", check="request", url="http://x.test", timeout="1 day")

    steps, requests = map(str, check_limits(parse_valid(chain(often))))

    assert "a run can take 1,441 steps" in steps
    assert "a run can send 1,441 requests" in requests


def test_a_script_cannot_wait() -> None:
    script = chain(
        node("a", "wait_until", code="return 1;"), kind="script", trigger={"type": "http"}
    )

    assert "a script cannot wait" in str(parse(script).problems[0])


def test_a_race_refuses_a_longer_wait() -> None:
    racing = document(
        [node("race", "race", timeout="1 minute"), node("a", "wait_until", code="return 1;")],
        "race a",
    )

    assert "waits longer than the timeout" in str(parse(racing).problems[0])
