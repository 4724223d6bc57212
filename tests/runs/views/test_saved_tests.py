"""The pages and calls of saved tests: the list, running, results, editing, and saving runs as tests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from audit.models import Entry
from runs.models import TestResult
from tests.runs.test_runs.drafts import step
from tests.support.page_text import markup, text
from tests.support.platform_fixture import Platform
from tests.workflows.ir.documents import chain
from workflows import drafts
from workflows.models import Workflow
from workflows.services import import_document, save_draft, set_variable

pytestmark = pytest.mark.django_db
SECRET = "sentinel-of-test-pages-51ad"
RIGHT: dict[str, Any] = {
    "name": "right",
    "payload": {"n": 2},
    "expect": {"outputs": {"read": {"value": 3}}},
}
WRONG: dict[str, Any] = {**RIGHT, "name": "wrong", "expect": {"outputs": {"read": {"value": 4}}}}


@pytest.fixture(autouse=True)
def here(platform: Platform, settings: Settings) -> None:
    """Use the platform of the tests."""
    changes = {"local_cloudflare_port": platform.port, "data_dir": platform.data_dir}
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update=changes)


@pytest.fixture
def workflow() -> Workflow:
    created = import_document(chain(step("read", "return event.payload.n + 1;")))
    created.tests = [RIGHT, WRONG]
    created.save()
    return created


def url(name: str, workflow: Workflow, *args: Any) -> str:
    return reverse(f"saved_tests:{name}", args=[workflow.pk, *args])


def test_the_list_says_how_to_get_a_first_test(admin_client: Client) -> None:
    empty = import_document(chain(step("read", "return 1;")))
    shown = text(admin_client.get(url("list", empty)))
    assert "or open a failed run and save that. Open the editor" in shown


def test_all_tests_run_without_scripts(admin_client: Client, workflow: Workflow) -> None:
    response = admin_client.post(url("run", workflow), {"all": "1"}, follow=True)
    shown = text(response)
    assert "1 passed, 1 failed." in shown
    assert 'The output of "read" is 3, not 4.' in shown


def test_with_scripts_each_row_asks_for_its_own_result(
    admin_client: Client, workflow: Workflow
) -> None:
    address, headers = url("run", workflow), {"HX-Request": "true"}
    rows = admin_client.post(address, {"all": "1"}, headers=headers).content.decode()
    assert rows.count('hx-trigger="load"') == 2
    assert not TestResult.objects.exists()
    row = text(admin_client.post(address, {"test": "right"}, headers=headers))
    assert row.startswith("right Passed")


def test_a_request_that_names_no_test_runs_none(admin_client: Client, workflow: Workflow) -> None:
    assert admin_client.post(url("run", workflow)).status_code == 400
    assert admin_client.post(url("run", workflow), {"test": "none"}).status_code == 404


@pytest.mark.parametrize("version", ["x", "-1", "٣", "9" * 30])
def test_a_version_that_does_not_exist_is_not_the_draft(
    admin_client: Client, workflow: Workflow, version: str
) -> None:
    sent = {"test": "right", "version": version}
    assert admin_client.get(url("list", workflow), sent).status_code == 404
    assert admin_client.post(url("run", workflow), sent).status_code == 404


def test_a_result_shows_the_difference_and_can_be_accepted_and_undone(
    admin_client: Client, admin_user: Any, workflow: Workflow
) -> None:
    admin_client.post(url("run", workflow), {"test": "wrong"})
    result = TestResult.objects.get()
    page = admin_client.get(url("result", workflow, result.pk))
    assert 'The output of "read" is 3, not 4. Open the node' in text(page)
    assert "Problem" in page.content.decode()
    admin_client.post(url("accept", workflow, result.pk))
    workflow.refresh_from_db()
    assert workflow.tests[1]["expect"]["outputs"] == {"read": {"value": 3}}
    drafts.undo(workflow.pk, by=admin_user)
    workflow.refresh_from_db()
    assert workflow.tests == [RIGHT, WRONG]


def test_a_result_that_is_no_longer_stored_leads_to_the_list(
    admin_client: Client, workflow: Workflow
) -> None:
    answer = admin_client.get(url("result", workflow, 404), follow=True)

    assert answer.redirect_chain == [(url("list", workflow), 302)]
    assert "This result is no longer stored" in text(answer)


def test_a_test_is_written_as_json(admin_client: Client, workflow: Workflow) -> None:
    address = url("edit", workflow)
    refused = admin_client.post(address, {"text": '{"name": "x", "wanted": {}}'})
    assert 'wanted: "wanted" is unknown' in text(refused)
    admin_client.post(address, {"text": json.dumps({"name": " more  so "})})
    admin_client.post(f"{address}?test=wrong", {"text": json.dumps({**WRONG, "name": "other"})})
    workflow.refresh_from_db()
    assert [test["name"] for test in workflow.tests] == ["right", "other", "more so"]
    saved = Entry.objects.filter(action="test saved").values_list("detail__test", flat=True)
    assert set(saved) == {"more so", "other"}


def test_nobody_overwrites_what_someone_else_has_changed(
    admin_client: Client, workflow: Workflow
) -> None:
    address = url("edit", workflow) + "?test=wrong"
    opened = admin_client.get(address).context["before"]
    theirs, own = {**WRONG, "payload": {"n": "theirs"}}, {**WRONG, "payload": {"n": "own"}}
    admin_client.post(address, {"text": json.dumps(theirs), "before": opened})

    refused = admin_client.post(address, {"text": json.dumps(own), "before": opened})

    shown = text(refused)
    assert "Someone else has changed this test." in shown
    assert '"theirs"' in shown
    workflow.refresh_from_db()
    assert workflow.tests == [RIGHT, theirs]
    again = {"text": json.dumps(own), "before": refused.context["before"]}
    admin_client.post(address, again)
    workflow.refresh_from_db()
    assert workflow.tests == [RIGHT, own]


def test_a_test_that_was_deleted_in_the_meantime_cannot_be_changed(
    admin_client: Client, workflow: Workflow
) -> None:
    admin_client.post(url("run", workflow), {"test": "wrong"})
    result = TestResult.objects.get()
    admin_client.post(url("delete", workflow), {"test": "wrong"})
    admin_client.get(url("list", workflow))  # shows the message
    sent = {"text": json.dumps(WRONG)}
    gone = 'The test "wrong" has been deleted or renamed in the meantime.'
    for response in (
        admin_client.post(url("delete", workflow), {"test": "wrong"}, follow=True),
        admin_client.post(url("accept", workflow, result.pk), follow=True),
        admin_client.post(url("edit", workflow) + "?test=wrong", sent),
    ):
        assert gone in text(response)


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ("nothing", "This is not JSON"),
        ("[]", "must be an object"),
        ('{"name": "right"}', "is the name of another test"),
        (
            '{"name": "x", "requests": [{"url": "file:///etc/passwd", "answer": {}}]}',
            "must be a URL",
        ),
        ('{"name": "x", "pins": {"read": {}}}', 'must have "output", "outputs" or "failures"'),
        ('{"name": "x", "expect": {"output": {"schema": {"type": 1}}}}', "is not a JSON Schema"),
        ('{"name": "x", "speed": 0}', "must be 1 to 10,000,000"),
        ('{"name": "\\u0000"}', "NUL character"),
    ],
)
def test_a_bad_test_is_refused_with_its_place(
    admin_client: Client, workflow: Workflow, sent: str, problem: str
) -> None:
    response = admin_client.post(url("edit", workflow), {"text": sent})
    assert response.status_code == 200
    assert problem in text(response)
    workflow.refresh_from_db()
    assert len(workflow.tests) == 2


def test_a_test_with_the_value_of_a_secret_is_refused(
    admin_client: Client, workflow: Workflow
) -> None:
    set_variable("API_KEY", SECRET, workflow=workflow, is_secret=True)
    sent = json.dumps({"name": "x", "payload": {"key": f"Bearer {SECRET}"}})
    response = admin_client.post(url("edit", workflow), {"text": sent})
    assert "contains the value of a secret" in text(response)


def test_a_result_hides_what_has_become_a_secret_since(
    admin_client: Client, workflow: Workflow
) -> None:
    sent = {"text": json.dumps({**WRONG, "payload": {"n": f"{SECRET}-"}}), "before": ""}
    admin_client.post(url("edit", workflow) + "?test=wrong", sent)
    admin_client.post(url("run", workflow), {"test": "wrong"})
    workflow.tests = []
    workflow.save()
    set_variable("API_KEY", SECRET, workflow=workflow, is_secret=True)
    result = TestResult.objects.get()
    assert SECRET in json.dumps([result.differences, result.actual])
    page = admin_client.get(url("result", workflow, result.pk)).content.decode()
    assert SECRET not in page
    assert "•••-1" in page


def test_versions_keep_their_tests(admin_client: Client, workflow: Workflow) -> None:
    save_draft(workflow)
    admin_client.post(url("delete", workflow), {"test": "wrong"})
    number = workflow.newest_version.number
    admin_client.get(url("list", workflow))  # shows the message
    assert "wrong" not in text(admin_client.get(url("list", workflow)))
    shown = text(admin_client.get(url("list", workflow) + f"?version={number}"))
    assert "The tests that were saved with" in shown
    assert "wrong" in shown


def test_a_run_of_the_editor_is_saved_as_a_test(admin_client: Client, workflow: Workflow) -> None:
    admin_client.post(
        reverse("runs:start_test", args=[workflow.pk]), {"payload": '{"n": 5}', "speed": ""}
    )
    for _ in range(600):
        page = admin_client.get(
            reverse("runs:test_progress", args=[workflow.pk]),
            headers={"accept": "application/json"},
        )
        if not page.json()["running"]:
            break
    taken = {"name": workflow.tests[0]["name"]}
    refused = admin_client.post(url("save", workflow), taken, follow=True)
    assert "The test was not saved." in text(refused)
    assert f'autocomplete="off" value="{taken["name"]}">' in markup(refused)
    shown = admin_client.post(url("save", workflow), {"name": "five"}, follow=True)
    workflow.refresh_from_db()
    saved = workflow.tests[-1]
    assert (saved["name"], saved["payload"], saved["requests"]) == ("five", {"n": 5}, [])
    assert saved["expect"]["outputs"] == {"read": {"value": 6}}
    assert text(shown).count("Running again, to see which outputs vary") == 1
    assert markup(shown).count('hx-trigger="load"') == 1
    assert "Running" not in text(admin_client.get(url("list", workflow)))
    form = {"test": "five", "learns": "1"}
    row = admin_client.post(url("run", workflow), form, headers={"HX-Request": "true"})
    assert "five Passed" in text(row)


def test_without_a_run_there_is_nothing_to_save(admin_client: Client, workflow: Workflow) -> None:
    response = admin_client.post(url("save", workflow), follow=True)
    assert "Run the draft first, then save that run as a test." in text(response)


def test_the_api_returns_the_results(admin_client: Client, workflow: Workflow) -> None:
    address = f"/api/workflows/{workflow.pk}/test"
    answer = admin_client.post(address, "{}", content_type="application/json").json()
    assert answer["passed"] is False
    assert [(each["test"], each["passed"]) for each in answer["data"]] == [
        ("right", True),
        ("wrong", False),
    ]
    one = admin_client.post(address, '{"test": "right"}', content_type="application/json").json()
    assert one["passed"] is True


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"test": "none"}', 404),
        ('{"test": ["right"]}', 400),
        ('{"test": {}}', 400),
        ('{"version": 99}', 404),
        ('{"version": "1"}', 400),
        ("[]", 400),
    ],
)
def test_the_api_refuses_bad_bodies(
    admin_client: Client, workflow: Workflow, body: str, status: int
) -> None:
    address = f"/api/workflows/{workflow.pk}/test"
    assert admin_client.post(address, body, content_type="application/json").status_code == status


def test_the_tests_of_an_archived_workflow_do_not_run_and_have_no_result(
    admin_client: Client, workflow: Workflow
) -> None:
    workflow.archived_at = timezone.now()
    workflow.save()
    address = f"/api/workflows/{workflow.pk}/test"
    answer = admin_client.post(address, "{}", content_type="application/json")
    assert answer.status_code == 400
    assert "This workflow is archived." in answer.json()["error"]
    shown = text(admin_client.post(url("run", workflow), {"all": "1"}, follow=True))
    assert "This workflow is archived." in shown
    assert not TestResult.objects.exists()


def test_the_command_exits_with_1_if_a_test_fails(
    workflow: Workflow, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("test_workflow", workflow.pk)
    assert ended.value.code == 1
    printed = capsys.readouterr().out
    assert 'The output of "read" is 3, not 4.' in printed
    assert printed.endswith("1 passed, 1 failed.\n")


def test_the_command_runs_the_chosen_tests(
    workflow: Workflow, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("test_workflow", workflow.pk, "--test", "right", "--json")
    printed = json.loads(capsys.readouterr().out)
    assert (printed["test"], printed["passed"], printed["differences"]) == ("right", True, [])
    with pytest.raises(CommandError, match="There is no test 'none'"):
        call_command("test_workflow", workflow.pk, "--test", "none")


def test_a_workflow_without_tests_is_an_error_of_the_command() -> None:
    empty = import_document(chain(step("read", "return 1;")))
    with pytest.raises(CommandError, match="This workflow has no tests"):
        call_command("test_workflow", empty.pk)
