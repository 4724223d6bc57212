"""Saved tests that are run on the embedded platform: what passes, what differs, and what is left."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from audit.models import Entry
from audit.trail import SYSTEM
from deployments.models import Deployment
from runs.models import Run, TestResult, TestRun
from runs.saved_tests import execution
from runs.saved_tests.execution import (
    known_results,
    run_all,
    run_test,
    saved_tests,
    states_of,
)
from runs.test_runs import services
from runs.test_runs.draft_request import Runnable
from targets.cloudflare.errors import DeployError
from targets.lookup import NoTarget
from tests.runs.test_runs.drafts import step
from tests.support.platform_fixture import Platform
from tests.workflows.ir.documents import chain, node
from workflows.documents.saved_tests.reading import read_test
from workflows.models import Workflow
from workflows.picture.states import State
from workflows.services import import_document, set_variable

pytestmark = pytest.mark.django_db
URL = "https://shop.invalid/orders"


@pytest.fixture(autouse=True)
def here(platform: Platform, settings: Settings) -> None:
    """Use the platform of the tests."""
    changes = {"local_cloudflare_port": platform.port, "data_dir": platform.data_dir}
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update=changes)


def order() -> Workflow:
    """A workflow that reads an order, sends it, waits for an answer and returns it."""
    return import_document(
        chain(
            step("read", "return { id: event.payload.id, total: event.payload.total * 2 };"),
            node("send", "http_request", method="POST", url=URL, body={"id": "{{ read.id }}"}),
            node("nap", "sleep", duration="14 days"),
            node("answer", "wait_for_event", eventType="answer", timeout="3 days"),
            step("end", "return { total: read.total, ok: answer.payload.ok };"),
        )
    )


def passing(**changes: Any) -> dict[str, Any]:
    test = {
        "name": "paid",
        "payload": {"id": 7, "total": 10},
        "pins": {"answer": {"output": {"ok": True}}},
        "requests": [
            {"method": "POST", "url": URL, "body": {"id": 7}, "answer": {"status": 200, "body": {}}}
        ],
        "expect": {
            "status": "complete",
            "nodes": ["read", "send", "nap", "answer", "end"],
            "outputs": {"read": {"value": {"id": 7, "total": 20}}},
            "output": {"value": {"total": 20, "ok": True}},
        },
    }
    return {**test, **changes}


def result_of(workflow: Workflow, **changes: Any) -> TestResult:
    return run_test(Runnable.draft(workflow), read_test(passing(**changes)), by=SYSTEM)


def messages(result: TestResult) -> list[str]:
    return [each["message"] for each in result.differences]


def expecting(**changes: Any) -> dict[str, Any]:
    expect: dict[str, Any] = passing()["expect"]
    return {**expect, **changes}


def test_a_test_of_weeks_passes_and_leaves_nothing_behind() -> None:
    result = result_of(order())
    assert (result.passed, messages(result)) == (True, [])
    assert states_of(result)["nap"].state is State.DONE
    assert not TestRun.objects.exists()
    assert not Run.objects.exists()
    assert not Deployment.objects.exists()


def test_an_output_that_differs_is_named_with_its_part() -> None:
    outputs = {"read": {"value": {"id": 7, "total": 30}}}
    result = result_of(order(), expect=expecting(outputs=outputs))
    assert messages(result) == ['The output of "read" differs: total is 20, not 30.']
    assert states_of(result)["read"].state is State.PROBLEM


def test_a_schema_is_enough_for_an_output_that_varies() -> None:
    schema = {"type": "object", "required": ["total"], "properties": {"total": {"minimum": 21}}}
    result = result_of(order(), expect=expecting(outputs={"read": {"schema": schema}}))
    (message,) = messages(result)
    assert message.startswith('The output of "read" does not match its JSON Schema: total: 20')


def test_a_failure_that_is_not_expected_is_shown_with_its_error() -> None:
    pins = {"answer": {"failures": {"times": None, "message": None}}}
    result = result_of(order(), pins=pins)
    assert messages(result)[0].startswith("The run fails, but it should complete: ")
    assert '"end" does not run.' in messages(result)


def test_a_failure_can_be_what_is_expected() -> None:
    pins = {"send": {"failures": {"times": None, "message": "out of stock"}}}
    expect = {"status": "errored", "error": "out of stock", "nodes": ["read", "send"]}
    assert messages(result_of(order(), pins=pins, requests=[], expect=expect)) == []


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        (
            [{"method": "POST", "url": URL, "body": {"id": 8}, "answer": {"status": 200}}],
            f"The body of POST {URL} differs: id is 7, not 8.",
        ),
        (
            [
                {"method": "POST", "url": URL, "answer": {"status": 200}},
                {"method": "GET", "url": URL, "answer": {"status": 200}},
            ],
            f"The request GET {URL} is not made.",
        ),
    ],
)
def test_requests_that_differ_are_named(requests: list[dict[str, Any]], expected: str) -> None:
    assert messages(result_of(order(), requests=requests)) == [expected]


def test_a_request_without_an_answer_fails_the_test() -> None:
    result = result_of(order(), requests=[])
    assert f"The test has no answer for the request POST {URL}." in messages(result)


def test_a_test_of_a_node_that_does_not_exist_says_so_without_running() -> None:
    result = result_of(order(), pins={"gone": {"output": 1}})
    assert messages(result) == ['The test names the node "gone", which the workflow does not have.']
    assert (result.states, result.actual) == ({}, {})


def test_a_test_that_was_run_is_recorded() -> None:
    workflow = order()
    result_of(workflow, pins={"gone": {"output": 1}})
    entry = Entry.objects.get(action="test run")
    assert (entry.subject_id, entry.detail) == (workflow.pk, {"test": "paid", "passed": False})


def test_a_draft_that_cannot_be_built_fails_its_tests() -> None:
    workflow = order()
    workflow.ir["nodes"][0]["data"]["code"] = "return missing;"
    assert "Cannot find name 'missing'" in messages(result_of(workflow))[0]


def test_a_variable_of_the_test_replaces_that_of_the_workflow() -> None:
    workflow = import_document(chain(step("read", "return env.PLACE;")))
    set_variable("PLACE", "production", workflow=workflow)
    expect = {"outputs": {"read": {"value": "test"}}}
    test = {"name": "place", "variables": {"PLACE": "test"}, "expect": expect}
    result = run_test(Runnable.draft(workflow), read_test(test), by=SYSTEM)
    assert messages(result) == []


def test_a_node_in_a_loop_can_have_an_output_for_each_time() -> None:
    document = chain(
        step("read", "return [1, 2, 3].map((each) => each);"), step("end", "return 1;")
    )
    workflow = import_document(document)
    expect = {"outputs": {"end": {"values": [1, 2]}}}
    result = run_test(
        Runnable.draft(workflow), read_test({"name": "a", "expect": expect}), by=SYSTEM
    )
    assert messages(result) == ['The output of "end" exists once, not twice.']


def test_only_tests_without_a_passed_result_for_the_content_run_again() -> None:
    workflow = order()
    workflow.tests = [passing(), passing(name="wrong", expect=expecting(output={"value": 1}))]
    runnable = Runnable.draft(workflow)
    tests = saved_tests(runnable).values()
    first = {result.name: result.pk for result in run_all(runnable, tests, by=SYSTEM)}
    again = {result.name: result.pk for result in run_all(runnable, tests, by=SYSTEM, again=False)}
    assert again["paid"] == first["paid"]
    assert again["wrong"] != first["wrong"]
    known = known_results(runnable, by=SYSTEM)
    assert {name: each.passed for name, each in known.items() if each} == {
        "paid": True,
        "wrong": False,
    }
    workflow.ir["nodes"][0]["data"]["code"] = "return { id: 7, total: 20 };"
    assert known_results(Runnable.draft(workflow), by=SYSTEM) == {"paid": None, "wrong": None}


def test_a_variable_that_changes_makes_a_result_obsolete() -> None:
    workflow = import_document(chain(step("read", "return env.PLACE;")))
    set_variable("PLACE", "here", workflow=workflow)
    workflow.tests = [{"name": "place", "expect": {"output": {"value": "here"}}}]
    runnable = Runnable.draft(workflow)
    list(run_all(runnable, saved_tests(runnable).values(), by=SYSTEM))
    set_variable("PLACE", "there", workflow=workflow)
    assert known_results(Runnable.draft(workflow), by=SYSTEM) == {"place": None}


def test_without_the_platform_a_test_has_no_result(settings: Settings) -> None:
    workflow = order()
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"local_cloudflare": False})
    with pytest.raises(NoTarget):
        run_test(Runnable.draft(workflow), read_test(passing()), by=SYSTEM)
    assert not TestResult.objects.exists()


def test_tests_are_found_by_their_names() -> None:
    workflow = order()
    workflow.tests = [passing()]
    assert [*saved_tests(Runnable.draft(workflow))] == ["paid"]


def test_tests_that_take_too_long_together_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "MAX_TOTAL_SECONDS", 0.0)
    runnable = Runnable.draft(order())
    tests = [read_test(passing(pins={"gone": {"output": 1}}))] * 3
    with pytest.raises(DeployError, match="one by one"):
        list(run_all(runnable, tests, by=SYSTEM))
    assert not TestResult.objects.exists()


RECOGNIZED = """
from audit.trail import SYSTEM
from runs.saved_tests import execution
from runs.test_runs import services
from runs.test_runs.draft_request import Runnable
from workflows.models import Workflow

workflow = Workflow(class_name="Flow", ir={"nodes": []})
workflow.tests = [
    {
        "name": "paid",
        "pins": {"read": {"output": None}},
        "requests": [{"method": "GET", "url": "https://shop.invalid/", "answer": {}}],
        "expect": {"nodes": ["a", "b", "c", "d", "e", "f"]},
    }
]
runnable = Runnable(workflow=workflow, content={"ir": {}, "tests": workflow.tests})
execution.services.stored_variables = lambda *_args: {}
print(execution._keys(runnable, execution.saved_tests(runnable).values(), by=SYSTEM)["paid"])
"""


@pytest.mark.long
def test_a_result_is_recognized_by_every_process() -> None:
    keys = {
        subprocess.run(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", RECOGNIZED],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(keys) == 1


def test_listing_many_tests_takes_as_many_queries_as_one(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    workflow = order()
    workflow.tests = [passing(name=f"test {number}") for number in range(30)]
    runnable = Runnable.draft(workflow)
    with django_assert_num_queries(4):
        assert len(known_results(runnable, by=SYSTEM)) == 30


def test_a_restart_of_the_platform_does_not_fail_a_test(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services, "read", lambda _run: None)
    with pytest.raises(DeployError, match="has restarted"):
        run_test(Runnable.draft(order()), read_test(passing()), by=SYSTEM)
    assert not TestResult.objects.exists()
