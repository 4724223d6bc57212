"""The pages of a workflow: their common heading and tabs, its code and variables."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client
from django.utils import timezone

from tests.deployments.factories import make_deployment, make_workflow
from tests.support.page_text import text
from tests.support.sessions import LogIn
from tests.workflows.ir.documents import chain, node
from workflows.models import Workflow
from workflows.services import save_draft, set_variable

pytestmark = pytest.mark.django_db
PAGES = (
    "/admin/workflows/workflow/{pk}/change/",
    "/admin/workflows/workflow/{pk}/history/",
    "/workflows/{pk}/code/",
    "/workflows/{pk}/variables/",
    "/workflows/{pk}/settings/",
    "/workflows/{pk}/versions/",
    "/workflows/{pk}/deployments/",
    "/runs/?workflow={pk}",
    "/runs/overview/?workflow={pk}",
    "/runs/logs/{pk}/",
    "/workflows/{pk}/live/",
    "/workflows/{pk}/tests/",
    "/workflows/{pk}/tests/edit/",
    "/workflows/{pk}/deploy/",
)
TABS = [
    "Editor",
    "Code",
    "Variables",
    "Settings",
    "Tests",
    "Versions",
    "Deployments",
    "Runs",
    "Logs",
    "Live",
]


def head_of(content: str) -> str:
    return content.partition("workflow-head")[2].partition("</header>")[0]


@pytest.mark.parametrize("address", PAGES)
def test_every_page_of_a_workflow_has_its_heading_and_tabs(
    admin_client: Client, address: str
) -> None:
    live = make_deployment(status="succeeded", finished_at=timezone.now())
    workflow = live.workflow
    assert workflow
    content = admin_client.get(address.format(pk=workflow.pk)).content.decode()

    head, nav = head_of(content), content.partition("workflow-nav")[2].partition("</nav>")[0]

    assert f"<h1>{workflow.name}</h1>" in head
    assert f'title="{workflow.pk}"' in head
    assert "live: v1 on" in re.sub(r"\s+", " ", head)
    assert re.findall(r">([A-Z]\w+)</a>", nav) == TABS
    assert content.count('id="deploy"') <= 1


def test_the_heading_shows_that_the_newest_version_is_not_live(admin_client: Client) -> None:
    live = make_deployment(status="succeeded", finished_at=timezone.now())
    workflow = live.workflow
    assert workflow
    workflow.entry_code = "export default {};"
    save_draft(workflow)

    answer = admin_client.get(f"/workflows/{workflow.pk}/versions/")

    assert "v2 is saved but not deployed" in text(answer)
    assert 'name="version" value="2"' in re.sub(r"\s+", " ", answer.content.decode())


def test_while_a_deployment_runs_the_main_action_is_to_watch_it(admin_client: Client) -> None:
    busy = make_deployment(status="running", stage="DEPLOYING")
    address = f"/workflows/{busy.workflow_id}/versions/"

    head = " ".join(head_of(admin_client.get(address).content.decode()).split())

    watch = f'<a class="button default" id="watch" href="{busy.get_absolute_url()}">'
    assert f"{watch}Watch deployment #{busy.pk}</a>" in head
    assert 'id="deploy" class="button secondary"' in head


def test_only_users_with_the_permission_see_a_tab_and_the_button(log_in: LogIn) -> None:
    workflow = make_workflow()
    client = log_in("workflows.view_workflow")

    content = client.get(f"/workflows/{workflow.pk}/code/").content.decode()

    nav = content.partition("workflow-nav")[2].partition("</nav>")[0]
    assert re.findall(r">([A-Z]\w+)</a>", nav) == ["Editor", "Code", "Tests"]
    assert 'id="deploy"' not in content


@pytest.mark.parametrize(
    ("part", "file_name", "expected"),
    [
        ("typescript", "worker.ts", "extends WorkflowEntrypoint<Env"),
        ("javascript", "worker.js", "extends WorkflowEntrypoint {"),
        ("wrangler-json", "wrangler.json", '"compatibility_date"'),
        ("document", "workflow.json", '"metadata"'),
    ],
)
def test_each_part_of_the_code_is_shown_and_downloaded(
    admin_client: Client, part: str, file_name: str, expected: str
) -> None:
    workflow = make_workflow()
    address = f"/workflows/{workflow.pk}/code/{part}/"

    shown, download = admin_client.get(address), admin_client.get(f"{address}?download")

    assert expected in text(shown)
    assert expected in download.content.decode()
    disposition = download.headers["Content-Disposition"]
    assert disposition == f'attachment; filename="{workflow.pk}-{file_name}"'


def test_code_that_cannot_be_generated_shows_the_problems(admin_client: Client) -> None:
    workflow = make_workflow()
    Workflow.objects.filter(pk=workflow.pk).update(ir={"metadata": {}})

    pages = [
        text(admin_client.get(f"/workflows/{workflow.pk}/code/{part}/"))
        for part in ("typescript", "javascript", "wrangler-json")
    ]

    assert all("This cannot be generated from the draft" in page for page in pages)
    assert "metadata.name" in pages[0]


def test_a_type_error_is_shown_above_the_code_with_a_link_to_its_node(
    admin_client: Client,
) -> None:
    workflow = make_workflow("const x: number = 'a'; return x;")

    answer = admin_client.get(f"/workflows/{workflow.pk}/code/")

    assert "A deploy would fail" in text(answer)
    assert "is not assignable to type" in text(answer)
    assert f"{workflow.get_absolute_url()}?node=only" in answer.content.decode()
    assert "WorkflowEntrypoint" in text(answer)


def test_a_part_that_does_not_exist_is_not_found(admin_client: Client) -> None:
    workflow = make_workflow()

    assert admin_client.get(f"/workflows/{workflow.pk}/code/python/").status_code == 404


def test_wrangler_json_is_only_for_users_who_can_see_variables(log_in: LogIn) -> None:
    workflow = make_workflow()
    client = log_in("workflows.view_workflow")

    assert client.get(f"/workflows/{workflow.pk}/code/wrangler-json/").status_code == 403


def test_variables_are_the_workflows_own_and_those_that_the_code_uses(admin_client: Client) -> None:
    workflow = make_workflow("return [env.API_KEY, env.REGION, env.OWN];")
    set_variable("API_KEY", "s3cret", is_secret=True)
    set_variable("UNUSED", "unused")
    set_variable("OWN", "mine", workflow=workflow)

    answer = admin_client.get(f"/workflows/{workflow.pk}/variables/")

    page = text(answer)
    assert "uses 1 variable that is not set" in page
    assert 'href="?name=REGION#variable-form"' in answer.content.decode()
    assert "API_KEY secret all workflows used" in page
    assert "OWN mine this workflow used" in page
    assert "UNUSED" not in page
    assert "s3cret" not in answer.content.decode()


def test_deployments_are_those_of_the_workflow_with_the_newest_first(
    admin_client: Client,
) -> None:
    failed = make_deployment(status="failed", stage="FAILED")
    other = make_deployment(status="succeeded")

    page = text(admin_client.get(f"/workflows/{failed.workflow_id}/deployments/"))

    assert f"#{failed.pk} v1 Failed" in page
    assert f"#{other.pk} " not in page


def test_empty_lists_say_what_they_will_contain(admin_client: Client) -> None:
    workflow = make_workflow()
    workflow.versions.all().delete()

    pages = [
        text(admin_client.get(f"/workflows/{workflow.pk}/{name}/"))
        for name in ("variables", "versions", "deployments")
    ]

    assert "such as API keys, are listed here" in pages[0]
    assert "version that is saved is listed here" in pages[1]
    assert "Each deployment of this workflow is listed here" in pages[2]


def test_the_downloaded_document_can_be_imported(admin_client: Client) -> None:
    workflow = make_workflow()

    download = admin_client.get(f"/workflows/{workflow.pk}/code/document/?download")

    assert json.loads(download.content) == workflow.ir


def test_the_lines_of_a_node_are_marked_and_link_to_it_in_the_editor(admin_client: Client) -> None:
    workflow = Workflow(ir=chain(node("load", name="Load order"), node("next")))
    save_draft(workflow)

    html = admin_client.get(f"/workflows/{workflow.pk}/code/?node=load").content.decode()

    lines = re.findall(r'<span class="line.*?\n</span>', html, re.DOTALL)
    marked = [line for line in lines if "is-marked" in line]
    assert any("from: &#x27;load&#x27;" in line for line in marked)
    assert all(f'href="{workflow.get_absolute_url()}?node=load"' in line for line in marked)
    assert len([line for line in marked if 'id="code-marked"' in line]) == 1
    assert len([line for line in marked if 'aria-label="Edit Load order"' in line]) == 1
    assert any("?node=next" in line for line in lines)
    assert "WorkflowEntrypoint" in "".join(line for line in lines if "line-source" not in line)


def test_the_panel_of_a_node_links_to_its_code(admin_client: Client) -> None:
    workflow = Workflow(ir=chain(node("load"), node("next")))
    save_draft(workflow)

    html = admin_client.get(f"{workflow.get_absolute_url()}?node=next").content.decode()

    assert f'href="/workflows/{workflow.pk}/code/?node=next#code-marked"' in html
