"""Starting runs from the pages: one run, an earlier run again, and many from lines."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from audit.models import Entry
from audit.trail import Actor
from deployments.models import Deployment
from runs.bulk import tasks
from runs.models import BulkChange, Run, RunText
from runs.services import control
from runs.sync.poller import Poller
from tests.deployments.factories import make_workflow
from tests.runs.examples import live_deployment, make_run, workflow_of
from tests.runs.fake_api import FakeApi
from tests.support.page_text import text
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target, deploy
from workflows.services import set_variable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]


@pytest.fixture
def live(platform: Platform) -> Deployment:
    return deploy(make_workflow("return event.payload;"), account_target(platform))


@pytest.fixture
def recorded(fake_api: FakeApi) -> Deployment:
    """A deployment that is live according to the record, with a fake API that records its calls."""
    return live_deployment()


def start(client: Client, live: Deployment, **fields: Any) -> Any:
    form = {"workflow": live.workflow_public_id, "payload": "{}", **fields}
    return client.post("/runs/start/", form, follow=True)


def test_a_run_is_started_with_the_entered_payload_and_shown(
    admin_client: Client, live: Deployment
) -> None:
    page = start(admin_client, live, payload='{"order": 7}', instance_id="order-7")

    run = Run.objects.get()
    assert page.redirect_chain == [(f"/runs/{run.pk}/", 302)]
    assert "The run was started." in text(page)
    assert "order 7" in text(page)
    assert Entry.objects.get(action="run started").actor_name == "admin"
    for address in (f"/runs/{run.pk}/", "/runs/"):
        assert "by admin on this site" in text(admin_client.get(address))


def test_a_run_is_started_with_a_retention_and_a_location(
    admin_client: Client, recorded: Deployment, fake_api: FakeApi
) -> None:
    options = {"success_retention": "3d", "error_retention": "90 minutes", "location": "weur"}

    start(admin_client, recorded, **options)

    body = fake_api.bodies[0]
    assert body["instance_retention"] == {
        "success_retention": 259_200_000,
        "error_retention": 5_400_000,
    }
    assert body["location_hint"] == "weur"
    detail = Entry.objects.get(action="run started").detail
    assert detail["kept"] == "3 days if completed, 1 hour 30 minutes if failed"
    assert detail["location"] == "weur"


def test_an_id_that_is_used_twice_redirects_to_the_existing_run(
    admin_client: Client, live: Deployment
) -> None:
    start(admin_client, live, instance_id="order-7")

    page = start(admin_client, live, instance_id="order-7")

    assert "A run with the id order-7 already exists" in text(page)
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"payload": "{"}, "The payload is not JSON"),
        ({"payload": '{"a": NaN}'}, "The payload is not JSON"),
        ({"payload": '{"a": 1, "a": 2}'}, 'an object has the key "a" twice'),
        ({"payload": '{"a": [9007199254740993]}'}, "a.0 in the payload is 9007199254740993"),
        ({"payload": '{"a": "\\ud800"}'}, "a in the payload contains a lone surrogate"),
        ({"payload": "[" * 600 + "]" * 600}, "must not nest values more than 500 levels deep"),
        ({"payload": "1e999"}, "The payload is a number that is too large"),
        ({"payload": f'"{"x" * 1024 * 1024}"'}, "the limit is 1,048,576 bytes"),
        ({"instance_id": "has blank"}, "The id of a run must have"),
        ({"target": "nowhere"}, "There is no target nowhere"),
        ({"success_retention": "31 days"}, "for a duration of up to 30 days"),
        ({"error_retention": "soon"}, "for a duration of up to 30 days"),
        ({"success_retention": "0"}, "for a duration of up to 30 days"),
    ],
)
def test_an_error_is_shown_and_the_input_is_kept(
    admin_client: Client,
    recorded: Deployment,
    fake_api: FakeApi,
    fields: dict[str, str],
    message: str,
) -> None:
    page = start(admin_client, recorded, **fields)

    assert "Nothing was started" in text(page)
    assert message in text(page)
    for value in fields.values():
        assert page.context.get("payload") == value or value in page.content.decode()
    assert fake_api.bodies == []


def test_a_workflow_that_is_not_live_links_to_its_deploy_page(admin_client: Client) -> None:
    workflow = make_workflow()

    page = admin_client.get(f"/runs/start/?workflow={workflow.pk}")

    assert "is not live. Deploy it first" in text(page)
    assert f"/workflows/{workflow.pk}/deploy/" in page.content.decode()


def test_without_a_workflow_the_live_ones_are_offered(
    admin_client: Client, recorded: Deployment
) -> None:
    make_workflow()

    page = admin_client.get("/runs/start/")

    assert [pk for pk, _name in page.context["choices"]] == [recorded.workflow_public_id]


def test_the_choice_of_a_workflow_for_many_runs_has_its_own_title(
    admin_client: Client, recorded: Deployment
) -> None:
    page = admin_client.get("/runs/batch/").content.decode()

    assert "<title>Start many runs | AwaitStep</title>" in page
    assert "&rsaquo; Start many\n" in page


def test_a_run_is_run_again_with_its_payload(admin_client: Client, live: Deployment) -> None:
    run = control.trigger(live, {"order": 7}, by=Actor(None, "ada")).run

    page = admin_client.get(f"/runs/start/?again={run.pk}")

    assert page.context["payload"] == '{\n  "order": 7\n}'
    assert page.context["workflow"] == live.workflow


def test_a_payload_with_a_masked_secret_is_not_started(
    admin_client: Client, fake_api: FakeApi
) -> None:
    live = live_deployment()
    set_variable("TOKEN", "sentinel-of-payloads", workflow=live.workflow, is_secret=True)
    fake_api.params = {"token": "sentinel-of-payloads"}

    again = admin_client.get(f"/runs/start/?again={make_run(live).pk}")
    fake_api.bodies.clear()
    page = start(admin_client, live, payload=again.context["payload"])

    assert "A secret is masked" in text(again)
    assert "The payload is incomplete" in text(page)
    assert fake_api.bodies == []


def test_each_of_the_last_payloads_is_offered_once(admin_client: Client) -> None:
    run = make_run()
    for number, params in enumerate(['{"a": 1}', '{"a": 1}', '{"b": 2}']):
        earlier = make_run(run.deployment, instance_id=f"old-{number}")
        RunText.objects.create(run=earlier, params=params)

    page = admin_client.get(f"/runs/start/?workflow={workflow_of(run).pk}")

    assert [params for _, params in page.context["last_payloads"]] == ['{"b": 2}', '{"a": 1}']


def test_a_payload_is_checked_while_it_is_entered(admin_client: Client) -> None:
    headers = {"HX-Request": "true"}

    good = admin_client.post("/runs/start/check/", {"payload": '{"a": 1}'}, headers=headers)
    bad = admin_client.post("/runs/start/check/", {"payload": '{"a": }'}, headers=headers)

    assert "Valid JSON" in text(good)
    assert "line 1, column 7" in text(bad)


def test_each_line_starts_a_run_and_payloads_are_deleted_afterwards(
    admin_client: Client, live: Deployment
) -> None:
    file = SimpleUploadedFile("lines.jsonl", b'{"id": "b-1", "params": {"n": 1}}\n')
    form = {"workflow": live.workflow_public_id, "lines": '{"n": 0}\n\n', "file": file}

    waiting = admin_client.post("/runs/batch/", form, follow=True)
    change = BulkChange.objects.get()
    tasks.perform.func(change.pk)
    Poller().turn()

    assert "0 started, 2 remaining" in text(waiting)
    change.refresh_from_db()
    assert (change.done, change.failed, change.starts) == (2, 0, [])
    assert Run.objects.filter(workflow=live.workflow).count() == 2
    assert Run.objects.filter(instance_id="b-1").exists()


def test_options_apply_to_each_line(
    admin_client: Client, recorded: Deployment, fake_api: FakeApi
) -> None:
    form = {"workflow": recorded.workflow_public_id, "lines": "1\n2", "location": "sam"}

    refused = admin_client.post("/runs/batch/", form | {"location": "moon"})
    admin_client.post("/runs/batch/", form | {"success_retention": "1 hour"})

    assert 'There is no location "moon"' in text(refused)
    tasks.perform.func(BulkChange.objects.get().pk)
    (bodies,) = fake_api.bodies
    assert [body["location_hint"] for body in bodies] == ["sam", "sam"]
    assert {body["instance_retention"]["success_retention"] for body in bodies} == {3_600_000}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("", "There are no lines"),
        ("{}\n{", "Line 2: The payload is not JSON"),
        ('{"id": "a b", "params": 1}', "Line 1: An id must have"),
        ("{\n\n[NaN]", "Line 3: The payload is not JSON"),
        ('{"id": "a", "param": 1}', 'not "param"'),
        ('{"id": null, "params": 1}', "Line 1: An id must have"),
        ("[NaN]", "NaN is not a JSON value"),
        (f'{{}}\n"{"x" * 1024 * 1024}"', "Line 2: The payload has"),
    ],
)
def test_invalid_lines_start_nothing_and_are_kept(
    admin_client: Client, recorded: Deployment, lines: str, message: str
) -> None:
    form = {"workflow": recorded.workflow_public_id, "lines": lines}

    page = admin_client.post("/runs/batch/", form)

    assert message in text(page)
    assert text(page).count("Nothing was started") == 1
    assert page.context["lines"] == lines
    assert not BulkChange.objects.exists()


def test_a_binary_file_is_refused(admin_client: Client, recorded: Deployment) -> None:
    form = {"workflow": recorded.workflow_public_id, "file": BytesIO(b"\xff\xfe\x00")}

    assert "The file is not UTF-8 text" in text(admin_client.post("/runs/batch/", form))
