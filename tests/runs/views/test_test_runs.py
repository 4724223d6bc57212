"""Test runs from the editor: what the panel shows, the pins, and who sees what."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from runs.models import TestRun, TestSetup
from tests.runs.test_runs.drafts import campaign, step
from tests.support.page_text import markup, text
from tests.support.patience import PATIENCE
from tests.support.platform_fixture import Platform
from tests.workflows.ir.documents import chain, document, node
from workflows import drafts
from workflows.models import Workflow
from workflows.services import import_document

pytestmark = pytest.mark.django_db
JSON = {"accept": "application/json"}


@pytest.fixture(autouse=True)
def here(platform: Platform, settings: Settings) -> None:
    changes = {"local_cloudflare_port": platform.port, "data_dir": platform.data_dir}
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update=changes)


def post(client: Client, workflow: Workflow, path: str, **fields: Any) -> Any:
    response = client.post(f"/runs/tests/{workflow.pk}/{path}/", fields, headers=JSON)
    assert response.status_code == 200, response.content
    return response.json()


def progress(client: Client, workflow: Workflow, node: str = "") -> Any:
    return client.get(f"/runs/tests/{workflow.pk}/progress/", {"node": node}, headers=JSON).json()


def start(client: Client, workflow: Workflow, **fields: Any) -> Any:
    return post(client, workflow, "start", **{"payload": "{}", "speed": "", **fields})


def ended(client: Client, workflow: Workflow, node: str = "") -> Any:
    """Wait until the test run has ended, and return what the panel shows."""
    deadline = time.monotonic() + PATIENCE
    while (answer := progress(client, workflow, node))["running"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return answer


def test_the_panel_shows_what_the_selected_node_did(admin_client: Client) -> None:
    workflow = campaign()
    post(admin_client, workflow, "pin", node="answer", output='{"name": "Ada"}')

    answer = start(admin_client, workflow, payload='{"email": "a@b.c"}', node="greet")
    assert answer["run"] == TestRun.objects.get().pk
    shown = ended(admin_client, workflow, "greet")

    assert shown["label"] == "Complete"
    assert "greet" in shown["parts"]["test-progress"]
    assert "a@b.c" in shown["parts"]["test-progress"]
    assert "thank:Done" in shown["states"]
    assert shown["outputs"]["trigger"] == {"email": "a@b.c"}
    assert shown["outputs"]["greet"] == {"to": "a@b.c"}
    assert shown["outputs"]["answer"]["payload"] == {"name": "Ada"}
    page = admin_client.get(workflow.get_absolute_url()).content.decode()
    assert '<script id="test-outputs" type="application/json">{"trigger"' in page


def test_the_picture_shows_the_states_of_the_run(admin_client: Client) -> None:
    workflow = campaign()
    run = start(admin_client, workflow, node="greet", until_selected="1")["run"]
    ended(admin_client, workflow)

    address = f"/workflows/{workflow.pk}/draft/?part=picture"
    plain = admin_client.get(address).json()["parts"]["editor-picture"]
    shown = admin_client.get(f"{address}&test_run={run}").json()["parts"]["editor-picture"]

    assert "pic-done" not in plain
    assert shown.count("pic-node pic-done") == 1
    assert "pic-node pic-not_reached" in shown


def test_the_payload_and_the_speed_are_remembered_for_each_user_and_draft(
    admin_client: Client,
) -> None:
    workflow = import_document(chain(step("only", "return 1;")))
    start(admin_client, workflow, payload='{"a": 1}', speed="3600")

    page = text(admin_client.get(workflow.get_absolute_url()))

    assert '{"a": 1}' in page
    setup = TestSetup.objects.get()
    assert (setup.user.get_username(), setup.speed) == ("admin", 3600.0)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"payload": "{"}, "The payload is not JSON"),
        ({"speed": "12"}, "Choose how fast time passes."),
        ({"until_selected": "1"}, "Select the node after which the run stops."),
    ],
)
def test_an_input_that_cannot_be_used_is_refused_in_the_panel(
    admin_client: Client, fields: dict[str, str], message: str
) -> None:
    answer = start(admin_client, campaign(), **fields)

    assert message in answer["parts"]["test-progress"]
    assert not TestRun.objects.exists()


def test_a_payload_that_is_too_large_is_not_remembered(admin_client: Client) -> None:
    answer = start(admin_client, campaign(), payload=json.dumps("x" * 2_200_000))
    assert "The payload is too large." in answer["parts"]["test-progress"]
    assert not TestSetup.objects.exists()


def test_the_problems_of_the_draft_link_to_their_nodes(admin_client: Client) -> None:
    workflow = import_document(chain(step("only", "return 1;")))
    workflow.ir = chain(step("only", "const x: number = 'text'; return x;"))
    workflow.save()

    answer = start(admin_client, workflow)["parts"]["test-progress"]

    assert f'href="{workflow.get_absolute_url()}?node=only"' in answer
    assert "is not assignable to type" in answer


@pytest.mark.parametrize("document", [[], {}, {"nodes": None}, {"nodes": [1]}])
def test_a_draft_that_is_not_a_document_cannot_be_tested(
    admin_client: Client, document: object
) -> None:
    workflow = campaign()
    Workflow.objects.update(ir=document)

    address = f"/runs/tests/{workflow.pk}/start/"
    page = admin_client.post(address, {"payload": "{}", "speed": ""}, follow=True)

    assert page.status_code == 200
    assert not TestRun.objects.exists()


def test_an_output_becomes_a_pin_that_can_be_removed(admin_client: Client) -> None:
    long = "x" * 3000
    workflow = import_document(chain(step("only", f"return {json.dumps(long)};")))
    start(admin_client, workflow)
    assert "only" not in ended(admin_client, workflow)["outputs"]  # the API has only its beginning

    pinned = post(admin_client, workflow, "pin", node="only", use_output="1")

    assert TestSetup.objects.get().pins == {"only": {"output": long}}
    assert "has an output" in pinned["parts"]["test-pin"]
    post(admin_client, workflow, "pin", node="only", remove="1")
    assert TestSetup.objects.get().pins == {}


def test_an_iteration_of_a_loop_is_chosen(admin_client: Client) -> None:
    loop = node("each", "loop", loopType="times", count=3, indexVar="i")
    parts = [loop, step("work", "return { index: i * 11 };")]
    workflow = import_document(document(parts, "each work body"))
    start(admin_client, workflow)
    last = ended(admin_client, workflow, "work")["parts"]["test-progress"]
    numbers = re.findall(r'<option value="(\d+)"', last)

    address = f"/runs/tests/{workflow.pk}/progress/"
    query = {"node": "work", "step": numbers[1]}
    chosen = admin_client.get(address, query, headers=JSON).json()["parts"]["test-progress"]

    assert len(numbers) == 3
    assert "22" in last
    assert f'<option value="{numbers[1]}" selected>' in chosen
    assert "11" in chosen
    post(admin_client, workflow, "pin", **query, use_output="1")
    assert TestSetup.objects.get().pins == {"work": {"output": {"index": 11}}}


def test_the_hidden_output_of_a_sensitive_node_is_not_pinned(admin_client: Client) -> None:
    workflow = import_document(chain(step("login", "return { key: 1 };", sensitive=True)))
    start(admin_client, workflow)
    shown = ended(admin_client, workflow, node="login")
    assert "use_output" not in shown["parts"]["test-progress"]

    answer = post(admin_client, workflow, "pin", node="login", use_output="1")

    assert "The output of this node is not shown." in answer["parts"]["test-pin"]
    assert not TestSetup.objects.filter(pins__has_key="login").exists()


def test_a_pin_stays_with_a_node_that_gets_another_name_in_code(
    admin_client: Client, admin_user: User
) -> None:
    workflow = import_document(chain(step("pay", "return 1;"), step("ship", "return 1;")))
    for pinned in ("pay", "ship"):
        post(admin_client, workflow, "pin", node=pinned, output="7")
    rename = {"type": "set_id", "node": "pay", "id": "charge"}

    drafts.change_draft(workflow.pk, rename, revision=0, by=admin_user)
    assert TestSetup.objects.get().pins == {"charge": {"output": 7}, "ship": {"output": 7}}

    drafts.undo(workflow.pk, by=admin_user)
    assert TestSetup.objects.get().pins == {"pay": {"output": 7}, "ship": {"output": 7}}


def test_pinned_failures_are_described(admin_client: Client) -> None:
    workflow = import_document(chain(step("pay", "return 1;"), step("ship", "return 1;")))
    fails = {"failure": "fail", "times": "2", "message": "declined", "output": "7"}
    post(admin_client, workflow, "pin", node="pay", **fails)

    answer = post(admin_client, workflow, "pin", node="ship", failure="time_out")

    assert "fails twice, then has an output" in answer["parts"]["test-pin"]
    assert "always times out" in answer["parts"]["test-pin"]
    assert TestSetup.objects.get().pins["pay"]["failures"] == {"times": 2, "message": "declined"}


@pytest.mark.parametrize(
    ("node", "fields", "message"),
    [
        ("pause", {"output": "1"}, "This node cannot be pinned."),
        ("gone", {"output": "1"}, "This node cannot be pinned."),
        ("greet", {"output": "{"}, "is not JSON"),
        ("greet", {"failure": "fail", "times": "-1"}, "must be a whole number"),
        ("greet", {"failure": "fail", "times": "9" * 5000}, "must be a whole number"),
        ("greet", {"failure": "fail", "times": "10001"}, "a whole number from 1 to 10,000"),
        ("greet", {"failure": "fail", "message": "m" * 1001}, "can have at most 1,000 characters"),
        ("greet", {"use_output": "1"}, "has no output in your last test run"),
        ("answer", {"failure": "fail"}, "let it time out"),
    ],
)
def test_a_pin_that_cannot_be_applied_is_refused(
    admin_client: Client, node: str, fields: dict[str, str], message: str
) -> None:
    answer = post(admin_client, campaign(), "pin", node=node, **fields)

    assert message in answer["parts"]["test-pin"]
    assert not TestSetup.objects.exists()


def test_the_pins_of_a_draft_have_a_limit_together(admin_client: Client) -> None:
    workflow = import_document(chain(*(step(f"n{number}", "return 1;") for number in range(11))))
    large = json.dumps("x" * 1_000_000)
    for number in range(10):
        answer = post(admin_client, workflow, "pin", node=f"n{number}", output=large)
    assert "at most 10 MB in total" in answer["parts"]["test-pin"]
    assert len(TestSetup.objects.get().pins) == 9


def test_users_do_not_see_each_others_test_runs(admin_client: Client, client: Client) -> None:
    workflow = campaign()
    run = start(admin_client, workflow, until_selected="1", node="greet")["run"]
    client.force_login(User.objects.create_superuser("other"))

    address = f"/workflows/{workflow.pk}/draft/?part=picture&test_run={run}"
    picture = client.get(address).json()["parts"]["editor-picture"]

    assert progress(client, workflow)["run"] is None
    assert "pic-done" not in picture


def test_a_run_can_be_stopped_from_the_panel(admin_client: Client) -> None:
    workflow = campaign()
    start(admin_client, workflow, speed="1")

    post(admin_client, workflow, "stop")

    assert ended(admin_client, workflow)["label"] == "Stopped"


def test_without_scripts_the_forms_lead_back_to_the_editor(admin_client: Client) -> None:
    workflow = campaign()

    response = admin_client.post(
        f"/runs/tests/{workflow.pk}/start/",
        {"payload": "{}", "speed": "", "node": "greet", "until_selected": "1"},
        follow=True,
    )

    address = f"{workflow.get_absolute_url()}?node=greet&test_run={TestRun.objects.get().pk}"
    assert response.redirect_chain == [(address, 302)]
    refused = admin_client.post(f"/runs/tests/{workflow.pk}/start/", {"payload": "{"}, follow=True)
    assert "The payload is not JSON" in text(refused)
    assert 'spellcheck="false">{</textarea>' in markup(refused)
    pin = {"node": "greet", "output": "{oops", "message": "Sold out"}
    refused = admin_client.post(f"/runs/tests/{workflow.pk}/pin/", pin, follow=True)
    assert ">{oops</textarea>" in markup(refused)
    assert 'value="Sold out"' in markup(refused)


def test_the_panel_says_how_to_turn_the_embedded_platform_on(
    admin_client: Client, settings: Settings
) -> None:
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"local_cloudflare": False})

    page = text(admin_client.get(campaign().get_absolute_url()))

    assert "AWAITSTEP_LOCAL_CLOUDFLARE=true" in page


def test_the_panel_says_that_the_embedded_platform_does_not_respond(
    admin_client: Client, settings: Settings
) -> None:
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"local_cloudflare_port": 9})

    answer = start(admin_client, campaign())

    assert "No response from http://127.0.0.1:9/test-runs" in answer["parts"]["test-progress"]
    assert not TestRun.objects.exists()
