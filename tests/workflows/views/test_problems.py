"""The problems of a draft: their fields, their fixes, and who can fix them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from tests.support.page_text import text
from tests.support.sessions import LogIn
from tests.workflows.ir.documents import branch, chain, document, node
from workflows import services
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


def problems_of(client: Client, workflow: Workflow) -> Any:
    return client.get(f"/workflows/{workflow.pk}/draft/problems/").json()


def posted_form(html: str) -> dict[str, str]:
    """Return the hidden fields of the first form in a list of problems."""
    form = html.partition("<form")[2].partition("</form>")[0]
    return {
        name: unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    }


def test_a_button_fixes_a_misspelled_name_and_undo_reverts_it(
    admin_client: Client,
) -> None:
    code = "const amount = 1;\nreturn amuont + 1;"
    workflow = Workflow(ir=chain(node("a", code=code)))
    services.save_draft(workflow)
    address = f"/workflows/{workflow.pk}/draft"

    html = problems_of(admin_client, workflow)["html"]
    assert "Use <code>amount</code>" in html
    admin_client.post(f"{address}/change/", posted_form(html))

    workflow.refresh_from_db()
    assert workflow.ir["nodes"][0]["data"]["code"] == "const amount = 1;\nreturn amount + 1;"
    assert "No problems" in problems_of(admin_client, workflow)["html"]
    admin_client.post(f"{address}/undo/")
    workflow.refresh_from_db()
    assert workflow.ir["nodes"][0]["data"]["code"] == code


def test_a_warning_about_an_output_that_may_be_missing_has_a_button(admin_client: Client) -> None:
    parts = [
        branch("paid", yes="event.payload.ok"),
        node("charge"),
        node("a", code="return charge.from;"),
    ]
    workflow = Workflow(ir=document(parts, "paid charge yes", "paid a then"))
    services.save_draft(workflow)

    found = problems_of(admin_client, workflow)

    assert found["nodes"]["a"]["severity"] == "warning"
    assert "Use <code>charge?.</code>" in found["html"]
    admin_client.post(f"/workflows/{workflow.pk}/draft/change/", posted_form(found["html"]))
    workflow.refresh_from_db()
    assert workflow.ir["nodes"][2]["data"]["code"] == "return charge?.from;"
    assert "No problems" in problems_of(admin_client, workflow)["html"]


def test_a_viewer_gets_no_fixes(log_in: LogIn) -> None:
    workflow = Workflow(ir=chain(node("a", code="const amount = 1; return amuont;")))
    services.save_draft(workflow)

    html = problems_of(log_in("workflows.view_workflow"), workflow)["html"]

    assert "Did you mean" in html
    assert "<form" not in html


def test_a_variable_that_is_not_set_is_a_problem_with_a_link_to_set_it(
    log_in: LogIn, admin_client: Client
) -> None:
    workflow = Workflow(ir=chain(node("a", code="return env.API_KEY;"), node("b")))
    services.save_draft(workflow)
    form = f"/admin/workflows/environmentvariable/add/?workflow={workflow.pk}&name=API_KEY"
    editor = log_in("workflows.view_workflow", "workflows.change_workflow")

    shown = problems_of(admin_client, workflow)
    assert shown["nodes"]["a"]["severity"] == "warning"
    assert shown["fields"][0]["field"] == "data.code"
    assert form in unescape(shown["html"])
    assert 'value="API_KEY"' in admin_client.get(form).content.decode()
    for_editor = problems_of(editor, workflow)["html"]
    assert "env.API_KEY is not set" in for_editor
    assert "Set variable" not in for_editor

    services.set_variable("API_KEY", "x", workflow=workflow)
    assert "No problems" in problems_of(admin_client, workflow)["html"]


def test_a_problem_names_the_field_and_the_arm_that_it_is_in(admin_client: Client) -> None:
    workflow = Workflow(ir=document([branch("c", yes="missing > 1", no=""), node("z")], "c z then"))
    services.save_draft(workflow)

    (field,) = problems_of(admin_client, workflow)["fields"]

    assert (field["node"], field["field"]) == ("c", "data.branches.0.condition")
    assert field["region"] == 0
    assert "Cannot find name" in field["text"]


def test_each_problem_and_each_field_links_to_its_documentation(admin_client: Client) -> None:
    workflow = Workflow(ir=document([branch("c", yes="missing > 1", no=""), node("z")], "c z then"))
    services.save_draft(workflow)
    place = "/docs/nodes/branch/#branch-branches-condition"

    problems = problems_of(admin_client, workflow)["html"]
    panel = admin_client.get(f"/workflows/{workflow.pk}/draft/", {"node": "c", "part": "panel"})

    assert f'href="{place}"' in problems
    assert 'href="/docs/nodes/branch/#branch-branches"' in panel.json()["parts"]["editor-panel"]
    assert f"/docs/nodes/branch/?workflow={workflow.pk}" in panel.json()["parts"]["editor-panel"]


def test_a_problem_of_the_trigger_links_to_the_trigger(admin_client: Client) -> None:
    workflow = Workflow(ir=chain(node("a")))
    services.save_draft(workflow)
    trigger = {"type": "cron", "expression": "never"}
    Workflow.objects.filter(pk=workflow.pk).update(ir={**workflow.ir, "trigger": trigger})

    shown = problems_of(admin_client, workflow)

    assert shown["fields"][0]["field"] == "trigger.expression"
    assert 'data-problem-node="" data-problem-field="trigger.expression"' in " ".join(
        shown["html"].split()
    )


def test_the_problems_are_listed_without_scripts(admin_client: Client) -> None:
    workflow = Workflow(ir=chain(node("a", code="return missing;")))
    services.save_draft(workflow)

    answer = admin_client.get(f"{workflow.get_absolute_url()}?check")

    assert "Cannot find name" in text(answer)


@pytest.mark.parametrize(
    ("type_", "data"), [("sub_workflow", {}), ("start_many", {"items": "[1]"})]
)
def test_a_called_workflow_that_does_not_exist_is_a_problem(
    admin_client: Client, type_: str, data: dict[str, str]
) -> None:
    called = Workflow(ir=chain(node("a")))
    services.save_draft(called)
    call = {"type": type_, "data": data | {"workflowId": "your-workflow"}}
    workflow = Workflow(ir=chain(node("a") | call))
    services.save_draft(workflow)

    shown = problems_of(admin_client, workflow)
    assert shown["nodes"]["a"]["text"] == 'there is no workflow with the id "your-workflow"'
    assert shown["fields"][0]["field"] == "data.workflowId"

    call["data"] = data | {"workflowId": called.pk}
    workflow.ir = chain(node("a") | call)
    services.save_draft(workflow)
    assert problems_of(admin_client, workflow)["nodes"] == {}


def test_a_sub_workflow_that_always_calls_its_own_workflow_is_a_problem(
    admin_client: Client,
) -> None:
    workflow = Workflow(ir=chain(node("a")))
    services.save_draft(workflow)
    call = node("call", "sub_workflow", workflowId=workflow.pk)

    workflow.ir = chain(node("a"), call)
    services.save_draft(workflow)
    assert "never end" in problems_of(admin_client, workflow)["nodes"]["call"]["text"]

    for first in (branch("if", yes="event.payload.n"), node("if", "break", condition="env.X")):
        label = " yes" if first["type"] == "branch" else ""
        workflow.ir = document([first, call], f"if call{label}")
        services.save_draft(workflow)
        assert "call" not in problems_of(admin_client, workflow)["nodes"]


def test_a_sub_workflow_is_chosen_among_the_workflows_and_a_sub_script_among_the_scripts(
    admin_client: Client,
) -> None:
    called, script = (
        Workflow(ir=chain(node("a"))),
        Workflow(ir=chain(node("a"), kind="script", trigger={"type": "http"})),
    )
    called.ir["metadata"]["name"], script.ir["metadata"]["name"] = "Bill <it>", "Resize"
    calls = chain(
        node("flow", "sub_workflow", workflowId="typed"),
        node("fetch", "sub_script", workerName="own"),
    )
    workflow = Workflow(ir=calls)
    for each in (called, script, workflow):
        services.save_draft(each)
    address = workflow.get_absolute_url()

    pages = {id_: admin_client.get(f"{address}?node={id_}") for id_ in ("flow", "fetch")}

    of_workflow = f'<option value="{called.pk}">Bill &lt;it&gt;</option>'
    of_script = f'<option value="{script.pk}">Resize</option>'
    flow, fetch = (page.content.decode() for page in pages.values())
    assert of_workflow in flow
    assert of_script not in flow
    assert of_script in fetch
    assert of_workflow not in fetch
    assert re.search(r'value="typed"[^>]*list="field-flow-data-workflowId-suggestions"', flow)
