"""Tests that are made from runs, and that pass with the same draft."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from audit.trail import SYSTEM, Actor
from runs.models import Run, RunDetails
from runs.saved_tests import services as saved
from runs.saved_tests.execution import known_results, run_test
from runs.saved_tests.from_runs import first_run, from_run, from_test_run, sensitive_pins
from runs.services.control import Refused
from runs.test_runs import services
from runs.test_runs.draft_request import Runnable
from runs.test_runs.services import TestInput
from tests.runs.examples import attempted_step, live_deployment, make_run, waiting_step
from tests.runs.test_runs.drafts import ended, step
from tests.support.platform_fixture import Platform
from tests.workflows.ir.documents import chain, node
from workflows import drafts
from workflows.documents.saved_tests.pins import Pin
from workflows.documents.saved_tests.reading import read_test
from workflows.models import Workflow
from workflows.services import import_document, set_variable

pytestmark = pytest.mark.django_db
SECRET = "sentinel-of-saved-tests-77c0"


@pytest.fixture(autouse=True)
def here(platform: Platform, settings: Settings) -> None:
    """Use the platform of the tests."""
    changes = {"local_cloudflare_port": platform.port, "data_dir": platform.data_dir}
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update=changes)


@pytest.fixture
def shop(platform: Platform) -> Workflow:
    """A workflow that calls the platform's own API with a secret, and has an output that varies."""
    url = f"http://127.0.0.1:{platform.port}/client/v4/nothing"
    code = "return { at: crypto.randomUUID(), key: `key ${env.SHOP_KEY}`, status: 'sent' };"
    workflow = import_document(
        chain(
            step("read", "return event.payload.id + 1;"),
            node("call", "http_request", method="PUT", url=url, body={"key": "{{ env.SHOP_KEY }}"}),
            step("end", code),
        )
    )
    set_variable("SHOP_KEY", SECRET, workflow=workflow, is_secret=True)
    return workflow


def made(workflow: Workflow, name: str = "like the run", **test: Any) -> dict[str, Any]:
    run = services.start(workflow, TestInput(**test), by=SYSTEM)
    ended(run)
    return from_test_run(run, name=name, by=SYSTEM)


def test_a_test_run_becomes_a_test_that_learns_in_its_first_run_what_varies(
    shop: Workflow, admin_user: User
) -> None:
    shop.ir["nodes"][1]["data"]["failOn"] = "never"
    shop.save()
    test = made(shop, payload={"id": 1})
    assert test["payload"] == {"id": 1}
    assert test["expect"]["nodes"] == ["read", "call", "end"]
    saved.save_test(shop, test, by=admin_user)
    shop.refresh_from_db()

    result = first_run(shop, "like the run", by=admin_user)

    assert result.differences == []
    shop.refresh_from_db()
    outputs = shop.tests[0]["expect"]["outputs"]
    assert outputs["read"] == {"value": 2}
    assert outputs["end"]["schema"]["properties"]["at"] == {"type": "string"}
    known = known_results(Runnable.draft(shop), by=Actor.of(admin_user))
    assert known == {"like the run": result}


def test_a_test_contains_invented_values_instead_of_secrets(shop: Workflow) -> None:
    test = made(shop, payload={"id": 1})
    assert SECRET not in json.dumps(test)
    assert test["variables"] == {"SHOP_KEY": "test-SHOP_KEY"}
    (request, *_) = test["requests"]
    assert request["body"] == {"key": "test-SHOP_KEY"}


@pytest.mark.parametrize("payload", ["007", "text", "{}"])
def test_a_payload_that_is_a_text_stays_that_text(payload: str) -> None:
    workflow = import_document(chain(step("read", "return event.payload;")))
    test = made(workflow, payload=payload)
    assert test["payload"] == payload
    assert test["expect"]["outputs"] == {"read": {"value": payload}}


def test_the_response_to_a_sensitive_node_is_not_stored(shop: Workflow) -> None:
    shop.ir["nodes"][1]["data"] |= {"failOn": "never", "sensitive": True}
    with pytest.raises(Refused, match="call is sensitive, but the response"):
        made(shop, payload={"id": 1})
    test = made(shop, payload={"id": 1}, pins={"call": Pin(output={"status": 200})})
    assert test["requests"] == []


def stored_run(workflow: Workflow, *steps: Any, **data: Any) -> Run:
    """A run of the workflow's newest version, as the index has stored it; its target does not respond."""
    deployment = live_deployment(workflow=workflow, ir=workflow.ir, version_number=1)
    run = make_run(deployment, status=data.get("status", "errored"))
    RunDetails.objects.create(run=run, data={"status": "errored", "steps": list(steps), **data})
    return run


def ran(name: str, output: object, *, failures: int = 0, fails: bool = False) -> Any:
    """A step that returned the output after some failures, or failed."""
    ends = [False] * failures + [not fails]
    attempts = [(at, at + 1, success) for at, success in enumerate(ends)]
    output = None if output is None else json.dumps(output)
    return attempted_step(*attempts, name=f"{name}-1", output=output)


def test_a_failed_run_becomes_a_test_whose_outside_is_pinned() -> None:
    workflow = import_document(
        chain(
            step("read", "return event.payload.n + 1;"),
            step("load", "return env.PLACE;"),
            node("send", "http_request", method="POST", url="https://shop.invalid/"),
            step("end", "throw new Error('broken');", retryLimit=0),
        )
    )
    set_variable("PLACE", "here", is_secret=True)
    run = stored_run(
        workflow,
        ran("read", 3),
        ran("load", "there"),
        ran("send", {"status": 200}, failures=1),
        ran("end", None, fails=True),
        params={"n": 2},
        error={"name": "Error", "message": "broken"},
    )

    test = from_run(run, name="broken")

    assert test["payload"] == {"n": 2}
    assert test["pins"] == {
        "load": {"output": "there"},
        "send": {"output": {"status": 200}, "failures": {"times": 1, "message": "Error: busy"}},
    }
    assert test["requests"] == []
    assert test["variables"] == {"PLACE": "test-PLACE"}
    assert test["expect"]["outputs"] == {"read": {"value": 3}}
    result = run_test(Runnable.draft(workflow), read_test(test), by=SYSTEM)
    assert result.differences == []


def test_pins_whose_outputs_are_hidden_are_named() -> None:
    workflow = import_document(
        chain(
            node("login", "http_request", url="https://shop.invalid/", sensitive=True),
            node("send", "http_request", url="https://shop.invalid/"),
        )
    )
    run = stored_run(workflow, ran("login", "[REDACTED]"), ran("send", 1), status="complete")
    assert sensitive_pins(workflow, from_run(run, name="sent")) == ["login"]


def test_a_wait_that_timed_out_times_out_in_the_test() -> None:
    workflow = import_document(
        chain(node("answer", "wait_for_event", eventType="answer", timeout="1 day"))
    )
    wait = waiting_step(name="answer-1", finished=True, success=False, error={"message": "late"})
    test = from_run(stored_run(workflow, wait, error={"message": "late"}), name="late")
    assert test["pins"] == {"answer": {"failures": {"times": None, "message": None}}}


def test_a_decision_and_the_last_check_of_a_wait_are_pinned() -> None:
    workflow = import_document(
        chain(
            node("ready", "wait_until", check="request", url="https://shop.invalid/"),
            node("asked", "human_approval", title="Really?", timeout="1 day"),
            node("again", "human_approval", title="Sure?", timeout="1 day", onTimeout="continue"),
        )
    )
    checked = {"value": {"status": 200}, "checks": 2, "timedOut": False}
    decision = {"approved": True, "outcome": "approved", "by": "ada"}
    late: dict[str, Any] = {"finished": True, "success": False, "error": {"message": "late"}}
    names = ("ready", "ready: wait", "asked: request", "asked", "asked: decision")
    first, pause, request, wait, decided = (f"{name}-1" for name in names)
    steps = [
        attempted_step((0, 1, True), name=first, output=json.dumps({"value": 1, "checks": 1})),
        waiting_step("sleep", name=pause, start=2, finished=True),
        attempted_step((3, 4, True), name="ready-2", output=json.dumps(checked)),
        attempted_step((5, 6, True), name=request, output='{"eventType": "approval-1"}'),
        waiting_step(name=wait, start=7, finished=True, output=json.dumps({"payload": {}})),
        attempted_step((8, 9, True), name=decided, output=json.dumps(decision)),
        waiting_step(name="again-1", start=10, **late),
        attempted_step((11, 12, True), name="again: decision-1", output='{"outcome": "timed_out"}'),
    ]

    test = from_run(stored_run(workflow, *steps, status="complete"), name="decided")

    assert test["pins"] == {
        "ready": {"output": checked},
        "asked": {"output": decision},
        "again": {"failures": {"times": None, "message": None}},
    }


def test_a_run_that_has_not_ended_is_refused() -> None:
    workflow = import_document(chain(step("read", "return 1;")))
    with pytest.raises(Refused, match="Wait until the run has ended"):
        from_run(stored_run(workflow, ran("read", 1), status="running"), name="early")


def test_a_run_that_was_stopped_is_refused(shop: Workflow) -> None:
    run = services.start(shop, TestInput(until="read", payload={"id": 1}), by=SYSTEM)
    ended(run)
    with pytest.raises(Refused, match="ended on its own"):
        from_test_run(run, name="stopped", by=SYSTEM)


def test_a_renamed_node_keeps_its_tests(admin_user: User) -> None:
    workflow = import_document(chain(step("read", "return 1;"), step("end", "return read;")))
    expect = {"nodes": ["read", "end"], "outputs": {"read": {"value": 1}}}
    test = {"name": "one", "pins": {"read": {"output": 1}}, "expect": expect}
    saved.save_test(workflow, test, by=admin_user)
    rename = {"type": "set_id", "node": "read", "id": "load"}
    drafts.change_draft(workflow.pk, rename, revision=1, by=admin_user)
    workflow.refresh_from_db()
    assert [*workflow.tests[0]["pins"]] == ["load"]
    assert workflow.tests[0]["expect"]["nodes"] == ["load", "end"]
    drafts.undo(workflow.pk, by=admin_user)
    workflow.refresh_from_db()
    assert workflow.tests == [test]
