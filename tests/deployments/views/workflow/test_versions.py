"""The versions of a workflow: their list, their pages, their notes and their locks."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.support.audit_entries import entries
from tests.support.page_text import markup, text
from tests.support.sessions import LogIn
from workflows.models import Workflow, WorkflowVersion
from workflows.services import save_draft

pytestmark = pytest.mark.django_db


def with_versions(count: int) -> Workflow:
    """A workflow with several versions, which differ in their entry code."""
    workflow = make_workflow()
    for number in range(2, count + 1):
        workflow.entry_code = f"export default {{}}; // {number}"
        save_draft(workflow)
    return workflow


def test_the_list_shows_where_versions_are_live(admin_client: Client) -> None:
    live = make_deployment(
        status="succeeded", finished_at=timezone.now(), target=make_target(name="prod")
    )
    workflow = live.workflow
    assert workflow
    workflow.entry_code = "export default {};"
    newest = save_draft(workflow)

    page = text(admin_client.get(f"/workflows/{workflow.pk}/versions/"))

    assert f"v{newest.number}" in page
    assert re.search(r"v1 \S+ \S+ (just now|\d+ \w+ ago) prod", page)


def test_the_list_has_pages(admin_client: Client) -> None:
    workflow = with_versions(1)
    (first,) = workflow.versions.all()
    WorkflowVersion.objects.bulk_create(
        WorkflowVersion(workflow=workflow, number=number, **first.content)
        for number in range(2, 53)
    )

    pages = [admin_client.get(f"/workflows/{workflow.pk}/versions/?page={n}") for n in (1, 2, "x")]

    assert [len(re.findall(r">v\d+</a>", page.content.decode())) for page in pages] == [50, 2, 50]
    assert "?page=2" in pages[0].content.decode()


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("", "Picture of"),
        ("picture/", "Picture of"),
        ("typescript/", "// the first"),
        ("document/", '"metadata"'),
        ("settings/", "All defaults."),
    ],
)
def test_a_page_shows_each_part_of_its_own_version(
    admin_client: Client, part: str, expected: str
) -> None:
    workflow = make_workflow("return 1; // the first")
    workflow.ir = make_workflow("return 2; // the second").ir
    save_draft(workflow)

    answer = admin_client.get(f"/workflows/{workflow.pk}/versions/1/{part}")

    assert expected in answer.content.decode().replace("&quot;", '"')
    assert "// the second" not in text(answer)
    assert "Next: v2" in text(answer)


def test_a_version_whose_code_cannot_be_generated_says_why(admin_client: Client) -> None:
    workflow = make_workflow()
    workflow.versions.update(ir={"metadata": {}})

    page = text(admin_client.get(f"/workflows/{workflow.pk}/versions/1/typescript/"))

    assert "The code of this version cannot be generated now" in page
    assert "metadata.name" in page


@pytest.mark.parametrize("address", ["2/", "1/nothing/", "0/"])
def test_a_version_or_a_part_that_does_not_exist_is_not_found(
    admin_client: Client, address: str
) -> None:
    workflow = make_workflow()

    assert admin_client.get(f"/workflows/{workflow.pk}/versions/{address}").status_code == 404


def test_where_a_version_is_live_is_only_shown_to_those_who_may_see_deployments(
    log_in: LogIn,
) -> None:
    live = make_deployment(status="succeeded", finished_at=timezone.now())
    client = log_in("workflows.view_workflowversion")

    page = text(client.get(f"/workflows/{live.workflow_id}/versions/1/"))

    assert "live" not in page.partition("saved")[2]
    assert "Lock" not in page


def test_the_note_is_changed_with_an_audit_entry(admin_client: Client) -> None:
    workflow = make_workflow()
    address = f"/workflows/{workflow.pk}/versions/1/"

    posted = {"note": " Sends\r\na mail ", "before": ""}
    answer = admin_client.post(f"{address}note/", posted, follow=True)

    assert workflow.newest_version.note == "Sends\na mail"
    assert "The note of v1 was saved" in text(answer)
    entry = entries().first()
    assert entry
    assert (entry.action, entry.detail["version"], entry.detail["note"]) == (
        "version note changed",
        1,
        "Sends\na mail",
    )
    assert "Sends a mail" in text(admin_client.get(f"/workflows/{workflow.pk}/versions/"))


def test_a_note_that_someone_else_has_changed_is_not_replaced(admin_client: Client) -> None:
    workflow = make_workflow()
    workflow.versions.update(note="Theirs")

    posted = {"note": "Mine", "before": ""}
    answer = admin_client.post(f"/workflows/{workflow.pk}/versions/1/note/", posted, follow=True)

    assert workflow.newest_version.note == "Theirs"
    assert "Someone else has changed this note" in text(answer)
    assert ">\nMine</textarea>" in answer.content.decode()


def test_a_note_that_is_too_long_is_refused(admin_client: Client) -> None:
    workflow = make_workflow()

    posted = {"note": "x" * 1_001, "before": ""}
    answer = admin_client.post(f"/workflows/{workflow.pk}/versions/1/note/", posted, follow=True)

    assert workflow.newest_version.note == ""
    assert "at most 1,000 characters" in text(answer)


def test_versions_are_locked_and_unlocked_with_audit_entries(admin_client: Client) -> None:
    workflow = make_workflow()
    address = f"/workflows/{workflow.pk}/versions/1/lock/"
    before = entries().count()

    locked = admin_client.post(address, {"locked": "yes"}, follow=True)
    admin_client.post(address, {"locked": "yes"})
    was_locked = workflow.newest_version.locked
    unlocked = admin_client.post(address, {"locked": "no", "list": "1"}, follow=True)

    assert (was_locked, workflow.newest_version.locked) == (True, False)
    assert ">Unlock</button>" in markup(locked)
    assert unlocked.redirect_chain[-1][0] == f"/workflows/{workflow.pk}/versions/"
    added = entries().count() - before
    actions = [entry.action for entry in entries()[:added]]
    assert actions == ["version unlocked", "version locked"]


def test_a_draft_is_saved_with_a_note(admin_client: Client) -> None:
    workflow = make_workflow()
    Workflow.objects.filter(pk=workflow.pk).update(entry_code="export default {};")

    admin_client.post(f"/workflows/{workflow.pk}/draft/save/", {"note": "Own handler"})

    assert [version.note for version in workflow.versions.all()] == ["Own handler", ""]


def test_a_note_without_changes_is_offered_for_the_newest_version(admin_client: Client) -> None:
    workflow = make_workflow()

    answer = admin_client.post(f"/workflows/{workflow.pk}/draft/save/", {"note": "Same"})

    assert workflow.versions.count() == 1
    assert workflow.newest_version.note == ""
    assert "Nothing has changed since v1" in text(answer)
    assert "Use as the note of v1" in text(answer)
    assert f'action="/workflows/{workflow.pk}/versions/1/note/"' in markup(answer)
    assert re.search(r"<textarea[^>]*>Same</textarea>", markup(answer))


def test_a_draft_is_not_saved_with_a_note_that_is_too_long(admin_client: Client) -> None:
    workflow = make_workflow()
    Workflow.objects.filter(pk=workflow.pk).update(entry_code="export default {};")

    posted = {"note": "x" * 1_001}
    answer = admin_client.post(f"/workflows/{workflow.pk}/draft/save/", posted, follow=True)

    assert workflow.versions.count() == 1
    assert "at most 1,000 characters" in text(answer)


def test_only_the_newest_version_can_be_deployed(admin_client: Client) -> None:
    workflow = with_versions(2)
    Workflow.objects.filter(pk=workflow.pk).update(entry_code="// edited")

    pages = [
        markup(admin_client.get(f"/workflows/{workflow.pk}/versions/{number}/"))
        for number in (1, 2)
    ]

    button = f'<a class="button secondary" href="/workflows/{workflow.pk}/deploy/">Deploy v'
    assert [button in page for page in pages] == [False, True]
    assert "How to deploy v1" in pages[0]
