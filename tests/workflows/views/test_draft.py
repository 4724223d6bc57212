"""The requests of the editor, with and without scripts."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.support.page_text import markup, text
from tests.support.sessions import LogIn
from tests.workflows.editing.editing import after, outline
from tests.workflows.ir.documents import branch, chain, document, node
from workflows import services
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow() -> Workflow:
    workflow = Workflow(ir=chain(node("a"), node("b")))
    services.save_draft(workflow)
    return workflow


def post(client: Client, workflow: Workflow, path: str = "change", **body: Any) -> Any:
    address = f"/workflows/{workflow.pk}/draft/{path}/"
    answer = client.post(address, json.dumps(body), content_type="application/json")
    workflow.refresh_from_db()
    return answer


def operate(client: Client, workflow: Workflow, type_: str, **arguments: Any) -> Any:
    workflow.refresh_from_db()
    operation = {"type": type_, **arguments}
    return post(client, workflow, revision=workflow.draft_revision, operation=operation)


def test_an_operation_returns_the_changed_parts(admin_client: Client, workflow: Workflow) -> None:
    answer = operate(admin_client, workflow, "add", node_type="sleep", slot=after("a"))

    assert outline(workflow.ir) == "a sleep b"
    assert answer.json()["revision"] == 1
    assert answer.json()["selected"] == "sleep"
    assert 'data-node="sleep"' in answer.json()["parts"]["editor-outline"]
    assert 'data-node="sleep"' in answer.json()["parts"]["editor-picture"]


def test_a_page_that_someone_else_opened_in_the_browser_changes_nothing(
    admin_client: Client, admin_user: User, workflow: Workflow
) -> None:
    operation = {"type": "rename", "node": "a", "name": "First"}
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("change", {"revision": 0, "operation": operation}),
        ("undo", {}),
        ("redo", {}),
    ]
    other, own = admin_user.pk + 1, str(admin_user.pk)

    answers = [post(admin_client, workflow, path, **body, user=other) for path, body in bodies]
    answers.append(admin_client.get(f"/workflows/{workflow.pk}/draft/", {"user": other}))

    assert {answer.status_code for answer in answers} == {409}
    assert {answer.json()["other_user"] for answer in answers} == {True}
    assert "logged in as admin" in answers[0].json()["error"]
    assert post(admin_client, workflow, **bodies[0][1], user=own).status_code == 200
    assert workflow.draft_revision == 1


def test_the_picture_has_the_folded_containers_of_the_page(
    admin_client: Client, workflow: Workflow
) -> None:
    operate(admin_client, workflow, "wrap", nodes=["a"], node_type="loop")
    address = f"/workflows/{workflow.pk}/draft/?folded=loop"

    picture = admin_client.get(f"{address}&part=picture").json()["parts"]
    whole = admin_client.get(address).json()["parts"]["editor-picture"]
    operation = {"type": "set_id", "node": "loop", "id": "each"}
    renamed = post(admin_client, workflow, revision=1, operation=operation, folded=["loop", 5])

    assert list(picture) == ["editor-picture"]
    assert picture["editor-picture"] == whole
    for html in (whole, renamed.json()["parts"]["editor-picture"]):
        assert "1 node inside" in html
        assert 'data-node="a"' not in html


def test_entry_code_is_saved_without_scripts_with_line_feeds(
    admin_client: Client, workflow: Workflow
) -> None:
    shown = admin_client.get(workflow.get_absolute_url()).content.decode()
    form = {"operation": json.dumps({"type": "set_entry_code"}), "argument": "value"}
    assert "Save entry code" in shown

    body = {**form, "revision": "0", "value": "// one\r\n// two"}
    admin_client.post(f"/workflows/{workflow.pk}/draft/change/", body)

    workflow.refresh_from_db()
    assert workflow.entry_code == "// one\n// two"
    assert "// one" in text(admin_client.get(workflow.get_absolute_url()))


def test_a_request_that_is_sent_again_changes_nothing_the_second_time(
    admin_client: Client, workflow: Workflow
) -> None:
    posted = {"posted": {"data.code": ["return 1;"]}}
    requests: list[tuple[str, dict[str, Any]]] = [
        ("change", {"operation": {"type": "duplicate", "nodes": ["a"]}, "id": "one"}),
        ("change", {"operation": {"type": "set_id", "node": "a2", "id": "copy"}, "id": "two"}),
        ("change", {"operation": {"type": "fill_form", "node": "copy", **posted}, "id": "three"}),
        ("undo", {"id": "four"}),
        ("redo", {"id": "five"}),
    ]

    for revision, (path, body) in enumerate(requests):
        first = post(admin_client, workflow, path, revision=revision, **body).json()
        again = post(admin_client, workflow, path, revision=revision, **body).json()
        for answer in (first, again):  # the token of each form differs
            answer["parts"] = answer["parts"]["editor-outline"]
        assert again == first
        assert (again["revision"], workflow.draft_revision) == (revision + 1, revision + 1)

    assert outline(workflow.ir) == "a copy b"
    repeated = post(admin_client, workflow, revision=0, **requests[0][1])
    assert (repeated.status_code, repeated.json()["revision"]) == (200, 5)
    assert post(admin_client, workflow, "undo", id=5).status_code == 422


def test_a_refusal_is_reported_in_a_sentence(admin_client: Client, workflow: Workflow) -> None:
    answer = operate(admin_client, workflow, "delete", nodes=["gone"])

    assert answer.status_code == 422
    assert "no longer exists" in answer.json()["error"]


def test_a_conflict_has_the_other_value(admin_client: Client, workflow: Workflow) -> None:
    operation = {"type": "configure", "node": "a", "field": "data.code", "value": "return 1;"}
    post(admin_client, workflow, revision=0, operation=operation)

    answer = post(admin_client, workflow, revision=0, operation={**operation, "value": "return 2;"})

    assert answer.status_code == 409
    assert answer.json()["current"] == "return 1;"


@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"{",
        b"[]",
        b"[" * 10_000,
        b'{"revision": -1}',
        b'{"revision": true, "operation": {}}',
        b'{"revision": 0}',
        b'{"revision": 0, "id": "\\ud800", "operation": {"type": "rename", "node": "a", "name": "x"}}',
        b'{"revision": 0, "operation": {"type": "fill_form", "node": "a", "posted": 3}}',
        b'{"revision": 0, "operation": {"type": "fill_form", "node": "a", "posted": {"data.code": "x"}}}',
        b'{"revision": 0, "operation": {"type": "set_trigger_type", "trigger_type": []}}',
        b'{"revision": 0, "operation": {"type": "configure", "node": "a", "field": "data.x", "value": 1e999}}',
        b'{"revision": 0, "operation": {"type": "configure", "node": "a", "field": "data.x", "value": 9007199254740993.0}}',
        b"\xff",
    ],
)
def test_a_malformed_request_is_refused_and_changes_nothing(
    admin_client: Client, workflow: Workflow, body: bytes
) -> None:
    address = f"/workflows/{workflow.pk}/draft/change/"

    answer = admin_client.post(address, body, content_type="application/json")

    assert answer.status_code == 422
    workflow.refresh_from_db()
    assert workflow.draft_revision == 0


def test_a_field_is_posted_as_in_its_form(admin_client: Client, workflow: Workflow) -> None:
    posted = {"data.retryLimit": ["7"]}

    operate(admin_client, workflow, "fill_form", node="a", posted=posted)

    assert workflow.ir["nodes"][0]["data"]["retryLimit"] == 7


def test_an_invalid_input_is_reported_next_to_it(admin_client: Client, workflow: Workflow) -> None:
    answer = operate(
        admin_client, workflow, "fill_form", node="a", posted={"data.retryLimit": ["x"]}
    )

    assert answer.status_code == 422
    assert "data.retryLimit" in answer.json()["errors"]


def test_arms_are_posted_as_a_list(admin_client: Client) -> None:
    workflow = Workflow(ir=document([branch("c", yes="true", no=""), node("z")], "c z then"))
    services.save_draft(workflow)

    operate(admin_client, workflow, "fill_form", node="c", posted={"data.branches.0.label": ["good"],
            "data.branches.0.condition": ["true"], "data.branches.1.label": ["no"],
            "data.branches.1.condition": [""]})  # fmt: skip

    assert outline(workflow.ir) == "c(good: | no:) z"


def test_the_trigger_is_chosen_and_configured(admin_client: Client, workflow: Workflow) -> None:
    operate(admin_client, workflow, "set_trigger_type", trigger_type="cron")
    posted = {"trigger.expression": ["0 3 * * *"]}
    operate(admin_client, workflow, "fill_form", node="", posted=posted)

    assert workflow.ir["trigger"] == {"type": "cron", "expression": "0 3 * * *"}


def test_everything_works_without_scripts(admin_client: Client, workflow: Workflow) -> None:
    add = {"type": "add", "slot": after("a")}
    fields = {
        "revision": "0",
        "operation": json.dumps(add),
        "argument": "node_type",
        "value": "sleep",
    }

    answer = admin_client.post(f"/workflows/{workflow.pk}/draft/change/", fields, follow=True)

    assert "Sleep" in text(answer)
    assert markup(answer).count(">Undo</button>") == 1
    workflow.refresh_from_db()
    assert outline(workflow.ir) == "a sleep b"
    admin_client.post(f"/workflows/{workflow.pk}/draft/undo/")
    workflow.refresh_from_db()
    assert outline(workflow.ir) == "a b"


def test_a_refusal_without_scripts_is_a_message(admin_client: Client, workflow: Workflow) -> None:
    fields = {"revision": "0", "operation": '{"type": "delete", "nodes": ["gone"]}'}

    answer = admin_client.post(f"/workflows/{workflow.pk}/draft/change/", fields, follow=True)

    assert "no longer exists" in text(answer)


def test_what_is_typed_into_a_form_that_is_refused_without_scripts_is_shown(
    admin_client: Client, workflow: Workflow
) -> None:
    fill = {"type": "fill_form", "node": "gone"}
    fields = {"revision": "0", "operation": json.dumps(fill), "data.code": "return 'mine';\n// <"}

    answer = admin_client.post(f"/workflows/{workflow.pk}/draft/change/", fields)

    assert "Your input was not saved" in text(answer)
    assert "return &#x27;mine&#x27;; // &lt;</textarea>" in markup(answer)


def test_an_up_to_date_page_gets_nothing(admin_client: Client, workflow: Workflow) -> None:
    address = f"/workflows/{workflow.pk}/draft/"

    assert admin_client.get(address, {"revision": "0"}).status_code == 204
    operate(admin_client, workflow, "rename", node="a", name="First")
    newer = admin_client.get(address, {"revision": "0"}).json()

    assert newer["revision"] == 1
    assert "Renamed" in newer["by"]


def test_slots_are_those_that_a_move_can_use(admin_client: Client) -> None:
    workflow = Workflow(ir=chain(node("a"), node("b", code="return a;"), node("c")))
    services.save_draft(workflow)

    answer = admin_client.get(f"/workflows/{workflow.pk}/draft/slots/", {"node": "b"})

    assert answer.json()["slots"] == [after("a"), after("b"), after("c")]


def test_copied_nodes_are_a_document(admin_client: Client, workflow: Workflow) -> None:
    answer = admin_client.get(f"/workflows/{workflow.pk}/draft/fragment/", {"node": "b"})

    assert outline(answer.json()) == "b"


@pytest.mark.parametrize(
    ("path", "name"), [("slots/", "node"), ("fragment/", "node"), ("", "folded")]
)
def test_ids_that_are_too_many_for_an_address_are_in_the_body(
    admin_client: Client, workflow: Workflow, path: str, name: str
) -> None:
    address = f"/workflows/{workflow.pk}/draft/{path}"

    def posted(ids: object) -> Any:
        return admin_client.post(address, {name: ids}, content_type="application/json")

    read = admin_client.get(address, {name: "b"})
    assert (read.status_code, posted(["b"]).json().keys()) == (200, read.json().keys())
    for invalid in ("b", [1], None):
        assert posted(invalid).status_code == 422
        assert posted(invalid).json()["error"] == f"{name} must be a list of ids."


def test_problems_name_their_nodes(admin_client: Client) -> None:
    workflow = Workflow(ir=chain(node("a", code="return missing;")))
    services.save_draft(workflow)

    answer = admin_client.get(f"/workflows/{workflow.pk}/draft/problems/").json()

    assert answer["nodes"]["a"]["severity"] == "error"
    assert "Cannot find name" in answer["html"]


def test_saving_creates_a_version_and_an_audit_entry(
    admin_client: Client, workflow: Workflow
) -> None:
    operate(admin_client, workflow, "delete", nodes=["b"])

    answer = admin_client.post(f"/workflows/{workflow.pk}/draft/save/", follow=True)

    assert "Saved as v2." in text(answer)
    assert outline(workflow.newest_version.ir) == "a"


def test_a_draft_can_be_saved_from_its_plan_and_leads_back_to_the_plan(
    admin_client: Client, workflow: Workflow
) -> None:
    plan, save = f"/workflows/{workflow.pk}/deploy/", f"/workflows/{workflow.pk}/draft/save/"
    operate(admin_client, workflow, "delete", nodes=["b"])

    assert "Save and plan v2" in text(admin_client.get(plan))
    assert admin_client.post(save, {"next": plan}).headers["Location"] == plan
    assert "Save and plan" not in text(admin_client.get(plan))
    elsewhere = admin_client.post(save, {"next": "https://example.com/"})
    assert elsewhere.headers["Location"] == workflow.get_absolute_url()


def test_a_draft_with_errors_is_not_saved(admin_client: Client, workflow: Workflow) -> None:
    operate(admin_client, workflow, "configure", node="a", field="data.code", value="")

    save = f"/workflows/{workflow.pk}/draft/save/"
    answer = admin_client.post(save, {"note": "Why"}, follow=True)

    assert "Nothing was saved." in text(answer)
    assert re.search(r'id="new-version-note"[^>]*>Why</textarea>', markup(answer))
    assert workflow.newest_version.number == 1


def test_a_new_workflow_is_created_from_its_name(admin_client: Client) -> None:
    answer = admin_client.post("/admin/workflows/workflow/add/", {"name": "Orders"}, follow=True)

    workflow = Workflow.objects.get()
    assert workflow.name == "Orders"
    assert outline(workflow.ir) == "emptyStep"
    assert "Empty step" in text(answer)


def test_a_viewer_sees_the_editor_and_changes_nothing(log_in: LogIn, workflow: Workflow) -> None:
    client = log_in("workflows.view_workflow")

    shown = client.get(workflow.get_absolute_url())
    answer = operate(client, workflow, "rename", node="a", name="x")

    assert "data-may-change" not in shown.content.decode()
    chosen = text(client.get(f"{workflow.get_absolute_url()}?node=a"))
    assert "Name a Name in code a" in " ".join(chosen.split())
    assert answer.status_code == 403


def test_a_document_without_a_tree_says_what_to_do(
    admin_client: Client, workflow: Workflow
) -> None:
    Workflow.objects.filter(pk=workflow.pk).update(ir={"nodes": []})

    shown = admin_client.get(workflow.get_absolute_url())

    assert "cannot be shown as a workflow" in text(shown)
    assert operate(admin_client, workflow, "rename", node="a", name="x").status_code == 409
    for path, status in (("", 409), ("slots/", 422), ("fragment/?node=a", 422), ("problems/", 200)):
        answer = admin_client.get(f"/workflows/{workflow.pk}/draft/{path}")
        assert answer.status_code == status, path


def test_a_button_repairs_connections_that_do_not_form_a_tree(
    admin_client: Client, workflow: Workflow, log_in: LogIn
) -> None:
    broken = document([node("a"), node("l", "loop", loopType="times", count=2)], "a l", "a gone")
    Workflow.objects.filter(pk=workflow.pk).update(ir=broken)
    repairs = "Add the missing arm \u201cbody\u201d to \u201cl\u201d"

    page = text(admin_client.get(workflow.get_absolute_url()))
    assert repairs in page
    assert "Edge from a to gone \u203a target: no node has the id" in page
    viewer = log_in("workflows.view_workflow")
    assert repairs not in text(viewer.get(workflow.get_absolute_url()))
    form = {"revision": "0", "operation": json.dumps({"type": "repair_connections"})}
    shown = admin_client.post(f"/workflows/{workflow.pk}/draft/change/", form, follow=True)

    workflow.refresh_from_db()
    assert outline(workflow.ir) == "a l(body: emptyStep1)"
    assert "Repaired the connections" in text(shown)
    operate(admin_client, workflow, "repair_connections")
    assert workflow.draft_revision == 1
    undone = post(admin_client, workflow, "undo", revision=1)
    assert "no longer be connected" in undone.json()["error"]


def test_settings_that_cannot_be_used_prevent_saving(
    admin_client: Client, workflow: Workflow
) -> None:
    Workflow.objects.filter(pk=workflow.pk).update(deploy_settings={"routes": 5})

    answer = admin_client.post(f"/workflows/{workflow.pk}/draft/save/", follow=True)

    assert "Nothing was saved. routes: must be a list" in text(answer)


def test_a_node_whose_id_has_special_characters_stays_selected_after_a_form(
    admin_client: Client,
) -> None:
    workflow = Workflow(ir=chain(node("a&b#c")))
    services.save_draft(workflow)
    operation = json.dumps({"type": "rename", "node": "a&b#c"})
    fields = {"revision": "0", "operation": operation, "argument": "name", "value": "New"}

    answer = admin_client.post(f"/workflows/{workflow.pk}/draft/change/", fields)

    assert answer.headers["Location"].endswith("?node=a%26b%23c")


def test_saving_a_document_as_text_creates_the_next_revision(
    admin_client: Client, workflow: Workflow
) -> None:
    document_ = chain(node("c"))
    fields = {"name": "x", "ir": json.dumps(document_), "entry_code": "", "dependencies": "{}"}
    inlines = {f"declared_bindings-{key}_FORMS": "0" for key in ("TOTAL", "INITIAL")}
    address = f"{workflow.get_absolute_url()}?form"

    admin_client.post(address, {**fields, **inlines})

    workflow.refresh_from_db()
    assert outline(workflow.ir) == "c"
    assert workflow.draft_revision == 1
    answer = admin_client.get(f"/workflows/{workflow.pk}/draft/?revision=0")
    assert answer.json()["revision"] == 1


def test_the_changes_since_the_last_version_are_listed_newest_first(
    admin_client: Client, workflow: Workflow
) -> None:
    assert "Changes since" not in text(admin_client.get(workflow.get_absolute_url()))

    operate(admin_client, workflow, "rename", node="a", name="First")
    operate(admin_client, workflow, "delete", nodes=["b"])

    shown = text(admin_client.get(workflow.get_absolute_url()))
    listed = shown.partition("Changes since v1")[2]
    assert listed.index("Deleted") < listed.index("Renamed")
    assert "admin, " in listed
    admin_client.post(f"/workflows/{workflow.pk}/draft/save/")
    assert "Changes since" not in text(admin_client.get(workflow.get_absolute_url()))


@pytest.mark.long
def test_at_most_50_changes_are_listed(admin_client: Client, workflow: Workflow) -> None:
    for number in range(51):
        field = {"node": "a", "field": "data.retryLimit", "value": number}
        operate(admin_client, workflow, "configure", **field)

    shown = text(admin_client.get(workflow.get_absolute_url()))

    assert shown.count("Changed retries of") == 50
    assert "Older changes are not listed." in shown


def test_the_schedule_of_a_trigger_is_shown_in_words(
    admin_client: Client, workflow: Workflow
) -> None:
    operate(admin_client, workflow, "set_trigger_type", trigger_type="cron")

    page = text(admin_client.get(workflow.get_absolute_url()))

    assert "At 08:00, every day (UTC). Next:" in page


def test_a_secret_that_is_not_set_links_to_the_form_that_sets_it(admin_client: Client) -> None:
    workflow = Workflow(ir=chain(node("a"), node("b")))
    services.save_draft(workflow)
    operate(admin_client, workflow, "add", node_type="slack", slot=after("a"))

    page = markup(admin_client.get(f"{workflow.get_absolute_url()}?node=slack"))

    link = re.search(r'<a href="([^"]+)">Set SLACK_BOT_TOKEN</a>', page)
    assert link
    form = markup(admin_client.get(link[1].replace("&amp;", "&")))
    assert 'name="name" value="SLACK_BOT_TOKEN"' in form
    chosen = re.search(r'<input[^>]* name="workflow"[^>]*>', form)
    assert chosen
    assert f'({workflow.pk})"' in chosen[0]


def test_a_form_says_why_an_output_is_hidden(admin_client: Client) -> None:
    workflow = Workflow(ir=chain(node("a", code="return env.API_KEY + env.REGION;"), node("b")))
    services.save_draft(workflow)
    services.set_variable("API_KEY", "sentinel", is_secret=True)
    services.set_variable("REGION", "sentinel", is_secret=True)
    services.set_variable("REGION", "eu", workflow=workflow)

    panel = admin_client.get(f"/workflows/{workflow.pk}/draft/?node=a&part=panel").json()
    marked = admin_client.get(f"/workflows/{workflow.pk}/draft/?node=b&part=panel").json()

    reason = "Hidden, because the code reads the secret &quot;API_KEY&quot;."
    assert reason in str(panel)
    assert "Hidden, because" not in str(marked)
