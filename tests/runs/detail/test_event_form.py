"""Answers to waiting runs: the form from the node's schema, and payloads that it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from audit.trail import Actor
from runs.detail.event_form import Form, form_of, read_form
from runs.models import Run
from runs.services import control, event_schemas
from runs.services.control import Refused
from tests.deployments.factories import make_workflow
from tests.runs.examples import live_deployment, make_run, waiting_step
from tests.runs.fake_api import FakeApi
from tests.support.page_text import text
from workflows.models import Workflow
from workflows.nodes.documents import parse

SCHEMA = {
    "type": "object",
    "required": ["approved", "amount"],
    "additionalProperties": False,
    "properties": {
        "approved": {"type": "boolean"},
        "amount": {"type": "integer", "minimum": 1, "title": "Amount in EUR"},
        "rate": {"type": "number"},
        "note": {"type": "string", "description": "For the books."},
        "size": {"enum": ["s", "l"], "default": "l"},
        "lines": {"type": "array"},
    },
}
ADA = Actor(None, "ada")


def form(schema: Any = SCHEMA) -> Form:
    result = form_of(schema)
    assert result is not None
    return result


def form_data(**values: str) -> dict[str, str]:
    return {field.id: values[field.name] for field in form().fields if field.name in values}


def test_each_property_has_a_field_of_its_kind() -> None:
    found = [(field.label, field.kind, field.is_required) for field in form().fields]

    assert found == [
        ("approved", "choice", True),
        ("Amount in EUR", "integer", True),
        ("rate", "number", False),
        ("note", "text", False),
        ("size", "choice", False),
        ("lines", "json", False),
    ]
    assert form().fields[4].initial == '"l"'


def test_the_payload_has_only_the_fields_that_were_filled_in() -> None:
    posted = form_data(approved="true", amount="7", rate="0.5", note="ok", lines="[1]", size="")

    payload = read_form(form(), posted)

    assert payload == {"approved": True, "amount": 7, "rate": 0.5, "note": "ok", "lines": [1]}


@pytest.mark.parametrize(
    ("posted", "message"),
    [
        (form_data(amount="7"), "approved is missing"),
        (form_data(approved="true", amount="many"), "Amount in EUR is not a number"),
        (form_data(approved="true", amount="7", lines="["), "lines is not JSON"),
        (
            form_data(approved="true", amount="9007199254740993"),
            "Amount in EUR is 9007199254740993, a whole number",
        ),
        (
            form_data(approved="true", amount="7", lines='["\\ud800"]'),
            "0 in lines contains a lone surrogate",
        ),
    ],
)
def test_an_error_names_its_field(posted: dict[str, str], message: str) -> None:
    with pytest.raises(Refused, match=message):
        read_form(form(), posted)


def test_an_answer_may_be_a_single_value() -> None:
    assert read_form(form({"type": "string"}), {"field-0": "yes"}) == "yes"
    assert form_of({}) is form_of("odd") is None


def waiting_workflow(**data: Any) -> Workflow:
    workflow = make_workflow()
    (step,) = workflow.ir["nodes"]
    wait = step | {"type": "wait_for_event", "data": {"eventType": "go", **data}}
    workflow.ir = {**workflow.ir, "nodes": [wait]}
    workflow.save()
    return workflow


@pytest.fixture
def waiting(db: None, fake_api: FakeApi) -> Run:
    workflow = waiting_workflow(schema=SCHEMA)
    (node,) = workflow.ir["nodes"]
    fake_api.steps = [waiting_step(name=f"{node['name']}-1")]
    live = live_deployment(workflow=workflow, ir=workflow.ir)
    return make_run(live, status="waiting", waits_for="go")


def sent_payloads(fake_api: FakeApi) -> list[Any]:
    return [body for body in fake_api.bodies if body is not None]


def test_the_form_of_a_wait_is_on_the_page_and_sends_its_payload(
    admin_client: Client, waiting: Run, fake_api: FakeApi
) -> None:
    page = admin_client.get(f"/runs/{waiting.pk}/")
    key = form().key
    posted = {"type": "go", "form": key, **form_data(approved="true", amount="7")}

    admin_client.post(f"/runs/{waiting.pk}/event/", posted)

    assert "Amount in EUR" in text(page)
    assert "Approve Reject" not in text(page)  # neither would be allowed
    assert f'name="form" value="{key}"' in page.content.decode()
    assert sent_payloads(fake_api) == [{"approved": True, "amount": 7}]


@pytest.mark.parametrize("answer", ['{"approved": true}', '{"approved": 1, "amount": 7}', "[]"])
def test_an_answer_that_the_schema_does_not_allow_is_not_sent(
    admin_client: Client, waiting: Run, fake_api: FakeApi, answer: str
) -> None:
    page = admin_client.post(f"/runs/{waiting.pk}/event/", {"type": "go", "payload": answer})

    assert "The payload is not valid for go" in text(page)
    assert sent_payloads(fake_api) == []


def test_an_error_next_to_an_answer_looks_like_any_other(
    admin_client: Client, waiting: Run
) -> None:
    headers = {"HX-Request": "true"}

    part = admin_client.post(
        f"/runs/{waiting.pk}/event/", {"type": "go", "payload": "{"}, headers=headers
    )

    assert 'class="panel tone-bad" role="alert"' in part.content.decode()
    assert "#as-cross" in part.content.decode()
    assert "The payload is not JSON" in text(part)


def test_entered_values_are_kept_after_an_error(
    admin_client: Client, waiting: Run, fake_api: FakeApi
) -> None:
    posted = {"type": "go", "form": form().key, **form_data(approved="true", amount="0")}

    page = admin_client.post(f"/runs/{waiting.pk}/event/", posted)

    assert "amount: 0 is less than the minimum of 1" in text(page)
    assert '"amount": 0' in page.context["payload"]
    assert sent_payloads(fake_api) == []


def test_an_event_of_another_type_does_not_answer_the_wait(waiting: Run, fake_api: FakeApi) -> None:
    result = control.send_event(waiting, "other", {}, by=ADA)

    assert sent_payloads(fake_api) == [{}]
    assert "No step has waited for other yet" in result.note
    assert "The run is now waiting for go." in result.note


def test_the_page_notes_an_event_that_no_step_waits_for(admin_client: Client, waiting: Run) -> None:
    wrong = admin_client.post(f"/runs/{waiting.pk}/event/", {"type": "og"}, follow=True)
    posted = {"type": "go", "payload": '{"approved": true, "amount": 7}'}
    right = admin_client.post(f"/runs/{waiting.pk}/event/", posted, follow=True)

    assert "g was sent with {} to the run run-0 of One step." in text(wrong)
    assert "No step has waited for og yet" in text(wrong)
    assert f'<a href="/runs/{waiting.pk}/">run-0</a>' in right.content.decode()
    assert "has waited for" not in text(right)


def test_an_answer_on_an_open_page_says_what_was_sent_to_which_run(
    admin_client: Client, waiting: Run
) -> None:
    posted = {"type": "go", "payload": '{"approved": true, "amount": 7}'}

    answer = admin_client.post(f"/runs/{waiting.pk}/event/", posted, headers={"HX-Request": "true"})

    triggers = json.loads(answer["HX-Trigger"])
    assert (answer.status_code, set(triggers)) == (
        204,
        {"awaitstep:changed", "awaitstep:message"},
    )
    assert triggers["awaitstep:message"] == {
        "text": 'The event go was sent with {"approved": true, "amount": 7} to the run',
        "url": f"/runs/{waiting.pk}/",
        "link": "run-0",
        "after": "of One step.",
        "level": "success",
    }


@pytest.mark.parametrize(
    "schema", [{"type": 5}, {"$ref": "http://127.0.0.1:9/elsewhere.json"}, "odd", None]
)
def test_an_invalid_schema_accepts_everything_and_fetches_nothing(db: None, schema: Any) -> None:
    workflow = waiting_workflow(schema=schema)
    run = make_run(live_deployment(workflow=workflow, ir=workflow.ir))

    assert event_schemas.payload_problem(run, "go", {}) == ""


@pytest.mark.parametrize("schema", [{"type": 5}, "odd"])
def test_an_invalid_schema_is_a_warning_in_the_workflow(db: None, schema: Any) -> None:
    def problems(document: dict[str, Any]) -> list[str]:
        return [str(problem) for problem in parse(document).problems]

    assert not any("schema" in text for text in problems(waiting_workflow(schema=SCHEMA).ir))
    assert any(
        "payloads are not checked" in text for text in problems(waiting_workflow(schema=schema).ir)
    )
