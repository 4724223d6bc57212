"""Workflows in the admin: the document's problems, versions, and what is deployed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.deployments.fakes import document
from tests.support.page_text import text
from tests.support.sessions import LogIn
from tests.workflows.ir.documents import document as drawn
from tests.workflows.ir.documents import node
from workflows import services
from workflows.compilation import typescript
from workflows.models import Workflow, WorkflowVersion
from workflows.services import save_draft

LIST = "/admin/workflows/workflow/"
ADD = "/admin/workflows/workflow/add/?form"


INVALID_NAMES = ["\0", "a\x07b", "\u200b", "\x7f"]


def change(workflow: Workflow) -> str:
    return f"/admin/workflows/workflow/{workflow.pk}/change/?form"


def form(ir: Any, **more: str) -> dict[str, str]:
    document_text = ir if isinstance(ir, str) else json.dumps(ir)
    bindings = {"declared_bindings-TOTAL_FORMS": "0", "declared_bindings-INITIAL_FORMS": "0"}
    return {"name": "Orders", "ir": document_text, "dependencies": "{}", **bindings, **more}


def errors(client: Client, ir: Any, **more: str) -> dict[str, list[str]]:
    """Post an invalid form and return its errors by field."""
    answer = client.post(ADD, form(ir, **more))
    assert answer.status_code == 200
    assert not Workflow.objects.exists()
    form_errors: dict[str, list[str]] = answer.context["adminform"].form.errors
    return form_errors


@pytest.mark.parametrize("name", ["", "  ", *INVALID_NAMES])
def test_a_workflow_without_a_visible_name_is_not_created(admin_client: Client, name: str) -> None:
    page = admin_client.post(ADD.removesuffix("?form"), {"name": name})

    assert re.search("Give the workflow a name|The name must ", text(page))
    assert not Workflow.objects.exists()


@pytest.mark.parametrize("name", INVALID_NAMES)
def test_the_form_refuses_names_that_cannot_be_shown(admin_client: Client, name: str) -> None:
    assert set(errors(admin_client, document("return 1;"), name=name)) == {"name"}


@pytest.mark.parametrize("name", INVALID_NAMES)
def test_a_copy_needs_a_name_that_can_be_shown(admin_client: Client, name: str) -> None:
    workflow = make_workflow()

    page = admin_client.post(f"/workflows/{workflow.pk}/duplicate/", {"name": name})

    assert "Nothing was created." in text(page)
    assert Workflow.objects.count() == 1


def test_an_unknown_template_creates_no_workflow(admin_client: Client) -> None:
    page = admin_client.post(ADD.removesuffix("?form"), {"name": "A", "example": "unknown"})

    assert "There is no such template. Choose one of those below." in text(page)
    assert not Workflow.objects.exists()


def test_saving_creates_the_first_version(admin_client: Client) -> None:
    answer = admin_client.post(ADD, form(document()))

    version = WorkflowVersion.objects.get()
    assert answer.status_code == 302
    assert (version.workflow.name, version.number) == ("Orders", 1)
    assert version.created_by
    assert version.created_by.username == "admin"


def test_the_initial_document_can_be_saved(admin_client: Client) -> None:
    initial = admin_client.get(ADD).context["adminform"].form["ir"].value()

    admin_client.post(ADD, form(initial, name=""))

    assert Workflow.objects.get().name == "My workflow"


def test_every_problem_in_the_document_is_an_error_of_its_field(admin_client: Client) -> None:
    broken = document()
    broken["nodes"][0]["data"] = {}
    broken["edges"] = [{"id": "e", "source": broken["nodes"][0]["id"], "target": "ghost"}]

    problems = errors(admin_client, broken)["ir"]

    assert len(problems) >= 2
    assert any("data.code" in problem for problem in problems)
    assert any("ghost" in problem for problem in problems)


def test_invalid_json_is_reported_with_line_and_column(admin_client: Client) -> None:
    assert "line 2, column 1" in errors(admin_client, '{"a": 1,\n]')["ir"][0]


@pytest.mark.parametrize("text", ["", "null", "[]", '"x"', "NaN", '{"a": 1, "a": 2}', "[" * 9000])
def test_any_text_that_is_not_a_document_is_an_error_of_the_field(
    admin_client: Client, text: str
) -> None:
    assert errors(admin_client, text)["ir"]


@pytest.mark.parametrize(
    "packages",
    ['{"zod": "file:/etc"}', '{"zod": "../x"}', '{"../zod": "1.0.0"}', "[1]", '{"zod": 1}'],
)
def test_a_package_can_only_come_from_the_registry(admin_client: Client, packages: str) -> None:
    assert errors(admin_client, document(), dependencies=packages)["dependencies"]


def test_a_document_of_the_largest_size_can_be_saved_by_form(admin_client: Client) -> None:
    large = document()
    large["metadata"]["description"] = "x" * 3_900_000

    answer = admin_client.post(ADD, form(large), follow=True)

    assert "changed successfully" in text(answer) or "added successfully" in text(answer)


def test_a_refused_form_keeps_what_was_typed(admin_client: Client) -> None:
    answer = admin_client.post(ADD, form('{"mine": '))

    assert "{&quot;mine&quot;: " in answer.content.decode()


def test_code_that_cannot_be_deployed_is_saved_with_a_warning(admin_client: Client) -> None:
    answer = admin_client.post(ADD, form(document("return {{{;")), follow=True)

    assert WorkflowVersion.objects.exists()
    assert "A deploy would fail" in text(answer)
    assert "only" in text(answer)


def test_code_that_does_not_compile_is_saved_and_each_error_is_on_its_node_and_line(
    admin_client: Client,
) -> None:
    code = "const size = 1;\nreturn sizeOf + 1;"

    answer = admin_client.post(ADD, form(document(code), _continue="yes"), follow=True)

    assert WorkflowVersion.objects.exists()
    assert "A deploy would fail: 1 problem" in text(answer)
    assert "only data.code : line 2, column 8: Cannot find name 'sizeOf'" in text(answer)
    assert '<a href="#node=only">only</a>' in answer.content.decode()
    assert 'class="pic-node pic-problem"' in answer.content.decode()


def test_saving_and_leaving_also_reports_code_that_does_not_compile(admin_client: Client) -> None:
    answer = admin_client.post(ADD, form(document("return sizeOf;")), follow=True)

    assert "A deploy would fail: nodes.only.data.code: line 1, column 8:" in text(answer)


def test_the_draft_is_compiled_once_until_it_changes(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = make_workflow("return sizeOf;")
    first = text(admin_client.get(change(workflow)))
    monkeypatch.setattr(typescript, "TSC", "/nowhere/tsc")

    assert "Cannot find name 'sizeOf'" in first
    assert "Cannot find name 'sizeOf'" in text(admin_client.get(change(workflow)))


def test_the_page_shows_errors_and_warnings_of_the_draft(
    admin_client: Client,
) -> None:
    broken = make_workflow("return {{{;")
    loop = node("each", "loop", loopType="times", count=2000)
    long = make_workflow(**drawn([loop, node("a")], "each a body"))

    errors_page, warnings_page = (
        text(admin_client.get(change(workflow))) for workflow in (broken, long)
    )

    assert "A deploy would fail: 1 problem" in errors_page
    assert "only data.code : line 1" in errors_page
    assert "correct the error" not in errors_page
    assert "1 warning about the draft" in warnings_page
    assert "2,000 steps" in warnings_page


def test_a_refused_form_shows_no_problems_of_the_saved_draft(admin_client: Client) -> None:
    workflow = make_workflow()
    row = {"declared_bindings-TOTAL_FORMS": "1", "declared_bindings-0-name": "lower kv"}

    answer = text(admin_client.post(change(workflow), form(document(), **row)))

    assert "correct the error" in answer
    assert "A deploy would fail" not in answer


def test_saving_without_a_change_creates_no_version(admin_client: Client) -> None:
    workflow = make_workflow()
    current = admin_client.get(change(workflow)).context["adminform"].form["ir"].value()

    admin_client.post(change(workflow), form(current, name="Another name"))

    workflow.refresh_from_db()
    assert workflow.name == "Another name"
    assert workflow.versions.count() == 1


def opened_at(client: Client, workflow: Workflow) -> str:
    return str(client.get(change(workflow)).context["adminform"].form["opened_at"].value())


@pytest.mark.parametrize("code", ["export default {\n};\n", "export default {\r\n};\r\n"])
def test_opening_and_saving_a_workflow_leaves_its_code(admin_client: Client, code: str) -> None:
    workflow = make_workflow()
    workflow.entry_code = code
    version = save_draft(workflow)
    shown = admin_client.get(change(workflow)).context["adminform"].form
    sent = {name: shown[name].value() for name in ("name", "ir", "entry_code", "opened_at")}
    lines = {name: re.sub(r"\r\n|\n", "\r\n", text) for name, text in sent.items()}

    admin_client.post(change(workflow), form(lines.pop("ir"), **lines))

    workflow.refresh_from_db()
    assert (workflow.entry_code, workflow.newest_version) == (code, version)


def test_line_endings_that_a_browser_sends_are_stored_as_they_were_typed(
    admin_client: Client,
) -> None:
    code = "export default {\r\n};\r\n"

    admin_client.post(ADD, form(document(), entry_code=code, description="one\r\ntwo"))

    workflow = Workflow.objects.get()
    assert workflow.entry_code == "export default {\n};\n"
    assert workflow.description == "one\ntwo"


def test_overwriting_somebody_elses_change_needs_a_confirmation(admin_client: Client) -> None:
    workflow = make_workflow()
    first_opened = opened_at(admin_client, workflow)
    admin_client.post(change(workflow), form(document("return 2;"), opened_at=first_opened))

    answer = admin_client.post(
        change(workflow), form(document("return 3;"), opened_at=first_opened)
    )

    assert "Someone else saved this workflow" in text(answer)
    assert workflow.versions.count() == 2
    again = str(answer.context["adminform"].form["opened_at"].value())
    admin_client.post(change(workflow), form(document("return 3;"), opened_at=again))
    assert workflow.versions.count() == 3


def test_the_change_page_shows_what_is_live_and_a_deploy_button(admin_client: Client) -> None:
    deployment = make_deployment(
        status="succeeded", worker_url="http://w.localhost:1", finished_at=timezone.now()
    )
    assert deployment.workflow

    answer = admin_client.get(change(deployment.workflow))

    assert "live: v1 on local" in text(answer)
    assert "http://w.localhost:1" in text(answer)
    assert f'action="/workflows/{deployment.workflow_id}/deploy/"' in answer.content.decode()
    assert f'href="/workflows/{deployment.workflow_id}/versions/"' in answer.content.decode()


def test_the_change_page_lists_targets_with_links_to_settings_live_page_and_plan(
    admin_client: Client,
) -> None:
    now = timezone.now()
    live = make_deployment(status="succeeded", target=make_target(name="prod"), finished_at=now)
    workflow = live.workflow
    assert workflow
    make_deployment(workflow=workflow, status="succeeded", action="takedown", finished_at=now)

    answer = admin_client.get(change(workflow))

    page, content = text(answer), answer.content.decode()
    assert "live: v1 on prod , just now Not checked" in page
    assert "not deployed to local : taken down just now" in page
    assert f'href="/workflows/{workflow.pk}/settings/"' in content
    assert f'href="/workflows/{workflow.pk}/live/?target={live.target_id}"' in content
    assert f'href="/workflows/{workflow.pk}/deploy/"' in content


def test_the_list_shows_the_version_that_is_live_until_its_takedown(
    admin_client: Client,
) -> None:
    workflow = make_workflow()
    succeeded: dict[str, Any] = {"workflow": workflow, "status": "succeeded"}
    other = make_target()
    make_deployment(**succeeded, version_number=3, target=other)
    make_deployment(**succeeded, version_number=4)
    make_deployment(**succeeded, version_number=4, action="takedown")

    assert "v3" in text(admin_client.get(LIST))
    make_deployment(**succeeded, version_number=3, action="takedown", target=other)
    assert "not deployed" in text(admin_client.get(LIST))


def test_a_viewer_reads_the_document_and_the_code_in_lines(log_in: LogIn) -> None:
    workflow = make_workflow("return {\n  a: 1 };")
    workflow.entry_code = "export default {\n  fetch() {} };"
    save_draft(workflow)
    viewer = log_in("workflows.view_workflow", "workflows.view_workflowversion")

    page = viewer.get(change(workflow)).content.decode()
    pk = workflow.versions.get(number=2).pk
    version = viewer.get(f"/admin/workflows/workflowversion/{pk}/change/")

    focusable = '<pre class="code-block" tabindex="0" role="region" aria-label="{}">'
    for name, line in (
        ("document", "  &quot;metadata&quot;: {\n"),
        ("entry code", "  fetch() {} }"),
    ):
        block = page.split(focusable.format(name))[1].split("</pre>")[0]
        assert line in block
        assert focusable.format(name) in version.content.decode()


def test_a_user_who_may_not_deploy_sees_no_deploy_button(log_in: LogIn) -> None:
    client = log_in("workflows.view_workflow", "workflows.change_workflow")
    workflow = make_workflow()

    pages = [client.get(change(workflow)), client.get("/admin/workflows/workflow/")]

    assert all('id="deploy"' not in page.content.decode() for page in pages)
    assert all("formaction" not in page.content.decode() for page in pages)


def test_the_list_has_a_deploy_button_for_each_workflow(admin_client: Client) -> None:
    deployment = make_deployment(status="failed", finished_at=timezone.now())

    page = admin_client.get("/admin/workflows/workflow/")

    assert f'formaction="/workflows/{deployment.workflow_id}/deploy/"' in page.content.decode()
    assert "Failed" in text(page)


def test_the_number_of_queries_does_not_grow_with_the_list(admin_client: Client) -> None:
    counts = []
    for _ in range(2):
        for _ in range(4):
            make_deployment(status="succeeded")
        with CaptureQueriesContext(connection) as captured:
            admin_client.get("/admin/workflows/workflow/")
        counts.append(len(captured))

    assert counts[0] == counts[1] <= 8


def test_deleting_a_workflow_explains_what_stays_and_deletes_its_versions(
    admin_client: Client,
) -> None:
    deployment = make_deployment(status="succeeded")
    address = f"/admin/workflows/workflow/{deployment.workflow_id}/delete/"
    assert "What stays: the history" in text(admin_client.get(address))

    admin_client.post(address, {"post": "yes"})

    deployment.refresh_from_db()
    assert deployment.workflow is None
    assert not WorkflowVersion.objects.exists()


def test_deleting_a_live_workflow_links_to_its_takedown(admin_client: Client) -> None:
    deployment = make_deployment(status="succeeded", worker_url="http://w.localhost:1")

    answer = admin_client.get(f"/admin/workflows/workflow/{deployment.workflow_id}/delete/")

    page, content = text(answer), answer.content.decode()
    assert "This workflow is live and keeps running" in page
    assert "keeps running at http://w.localhost:1" in page
    url = f"/workflows/{deployment.workflow_id}/live/takedown/?target={deployment.target_id}"
    assert f'href="{url}"' in content


def test_deleting_several_workflows_warns_that_live_workers_keep_running(
    admin_client: Client,
) -> None:
    form = {"action": "delete_selected", "_selected_action": make_workflow().pk}

    assert "what is live keeps running" in text(admin_client.post(LIST, form))


def test_a_workflow_with_a_locked_version_cannot_be_deleted(admin_client: Client) -> None:
    workflow = make_workflow()
    workflow.versions.update(locked=True)

    admin_client.post(f"/admin/workflows/workflow/{workflow.pk}/delete/", {"post": "yes"})

    assert Workflow.objects.exists()


def test_versions_are_read_only(admin_client: Client) -> None:
    version = make_workflow().newest_version
    address = f"/admin/workflows/workflowversion/{version.pk}/change/"

    assert "v1" in text(admin_client.get("/admin/workflows/workflowversion/"))
    assert "Deploy settings: defaults" in text(admin_client.get(address))
    assert admin_client.post(address, {"number": "7"}).status_code == 403
    assert admin_client.get("/admin/workflows/workflowversion/add/").status_code == 403


def test_a_draft_that_was_saved_during_the_check_is_not_overwritten(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = make_workflow()
    opened_at = workflow.updated_at.isoformat()
    check_draft = services.check_draft

    def check_slowly(checked: Workflow) -> services.CheckedDraft:
        other = Workflow.objects.get(pk=checked.pk)
        other.description = "saved by someone else"
        other.save()
        return check_draft(checked)

    monkeypatch.setattr(services, "check_draft", check_slowly)

    answer = admin_client.post(change(workflow), form(document(), opened_at=opened_at))

    workflow.refresh_from_db()
    assert workflow.description == "saved by someone else"
    assert "Someone else saved this workflow" in text(answer)


def test_a_posted_draft_without_a_token_is_refused(admin_user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)

    assert client.post(ADD, form(document())).status_code == 403


@pytest.mark.parametrize(
    "packages",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"zod": "\\ud800"}',
        '{"\\ud800": "1"}',
        '{"a": ' + "7" * 5_000 + "}",
        '{"zod": "\u0664.0.0"}',
        '{"z\u00f6d": "4.0.0"}',
    ],
    ids=[
        "lists",
        "objects",
        "a surrogate",
        "a surrogate as a key",
        "digits",
        "other digits",
        "other letters",
    ],
)
def test_invalid_packages_are_an_error_of_their_field(admin_client: Client, packages: str) -> None:
    assert list(errors(admin_client, document(), dependencies=packages)) == ["dependencies"]
