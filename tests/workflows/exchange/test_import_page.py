"""The import page: a preview before anything is saved, then one workflow, several, or a new draft."""

from __future__ import annotations

import base64
import json
import re
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from audit.trail import SYSTEM
from tests.support.audit_entries import entries
from tests.support.page_text import text
from tests.support.sessions import LogIn
from tests.workflows.documents.awaitstep import documents
from tests.workflows.exchange.test_round_trip import loaded_type, make
from tests.workflows.ir.documents import Document, chain, node
from workflows import drafts, services
from workflows.documents.archive.content import Archive, WorkflowContent
from workflows.documents.archive.writing import write
from workflows.exchange import candidates, imports
from workflows.exchange.candidates import Upload
from workflows.exchange.exports import export
from workflows.models import NodeType, Workflow

pytestmark = pytest.mark.django_db
ADDRESS = "/workflows/import/"


@pytest.fixture(autouse=True)
def _without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "module_problems", lambda module: list(module.problems))


def file(name: str, data: Any) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data if isinstance(data, bytes) else json.dumps(data).encode())


def named(name: str, **parts: Any) -> Document:
    document = chain(node("a"), **parts)
    return {**document, "metadata": {**document["metadata"], "name": name}}


def preview(client: Client, *files: SimpleUploadedFile, **fields: Any) -> Any:
    response = client.post(ADDRESS, {"files": list(files), **fields})
    assert response.status_code == 200
    return response


def confirm(client: Client, page: Any, **changes: Any) -> Any:
    """Post the form of a preview; None leaves a field out."""
    found = page.content.decode()
    form = re.search(r'<form method="post" class="import-preview">(.*?)</form>', found, re.S)
    assert form, found
    fields: dict[str, list[str]] = {"confirm": ["yes"]}
    for tag in re.findall(r"<input[^>]*>", form[1]):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        is_sent = attributes["type"] == "hidden" or re.search(r"\schecked", tag)
        if is_sent and attributes["name"] != "csrfmiddlewaretoken":
            fields.setdefault(attributes["name"], []).append(unescape(attributes["value"]))
    posted = {name: values for name, values in {**fields, **changes}.items() if values is not None}
    return client.post(ADDRESS, posted)


def test_a_document_is_shown_before_it_is_imported(admin_client: Client) -> None:
    order = documents.document("order")
    page = preview(admin_client, file("order.ir.json", order))

    shown = text(page)
    assert "Charge and ship" in shown
    assert "6 nodes" in shown
    assert "Charge card \u203a data.url : ${Load_order.id} {{ k2Xa.id }}" in shown
    assert "Variables to set: SHOP_API , SHOP_TOKEN" in shown
    assert "<svg" in page.content.decode()
    assert not Workflow.objects.exists()

    response = confirm(admin_client, page)

    workflow = Workflow.objects.get()
    assert response.url == workflow.get_absolute_url()
    assert workflow.ir["nodes"][1]["data"]["url"] == "{{ env.SHOP_API }}/charges/{{ k2Xa.id }}"
    entry = entries().get()
    assert (entry.action, entry.subject_id) == ("workflow imported", workflow.pk)
    assert entry.detail == {"version": 1, "source": "order.ir.json"}


def test_pasted_text_is_imported_with_entry_code(admin_client: Client) -> None:
    pasted = json.dumps(documents.document("queue-consumer"))
    entry_code = documents.entry_code("queue-consumer")
    page = preview(admin_client, text=pasted, entry_code=entry_code)

    assert "with entry code" in text(page)
    confirm(admin_client, page)

    workflow = Workflow.objects.get()
    assert "export { handler as fetch, consume as queue };" in workflow.entry_code
    assert workflow.deploy_settings["queueConsumers"][0]["queue"] == "stock-orders"


def test_pasted_text_with_errors_can_be_changed(admin_client: Client) -> None:
    page = preview(admin_client, text='{"name": "<ü>"', entry_code="export const a = 1")

    assert "Change the text" in text(page)
    again = confirm(admin_client, page, confirm=None, change=["yes"]).content.decode()

    assert "{&quot;name&quot;: &quot;&lt;ü&gt;&quot;</textarea>" in again
    assert "export const a = 1</textarea>" in again
    assert not Workflow.objects.exists()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "is not valid JSON"),
        (b"\xff", "is not valid UTF-8"),
        (b"[" * 5000, "levels deep"),
        ([1], "must be an object"),
        (chain(node("a", "teleport")), 'a \u203a type: "teleport" is not a node type'),
        (chain(node("a", "sleep")), "a \u203a data.duration: is missing"),
    ],
)
def test_a_document_with_errors_cannot_be_imported(
    admin_client: Client, data: Any, reason: str
) -> None:
    page = preview(admin_client, file("a.json", data))

    assert reason in text(page)
    assert "Nothing can be imported until the errors are fixed." in text(page)
    assert 'name="confirm"' not in page.content.decode()
    refused = confirm(admin_client, page)
    assert "Nothing was imported" in text(refused)
    assert not Workflow.objects.exists()


def test_entry_code_that_cannot_be_taken_over_prevents_the_import(admin_client: Client) -> None:
    page = preview(admin_client, file("a.json", named("A")), entry_code="@cron function a() {}")

    assert "@cron is not an annotation that can be imported" in text(page)
    assert 'name="confirm"' not in page.content.decode()


def test_code_that_does_not_compile_can_be_imported(admin_client: Client) -> None:
    page = preview(admin_client, file("a.json", chain(node("a", code="return )"))))

    assert "A deploy would fail a \u203a data.code: line 1" in text(page)
    confirm(admin_client, page)
    assert Workflow.objects.count() == 1


def test_code_is_compiled_only_for_a_while(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "COMPILING_SECONDS", 0.0)
    monkeypatch.setattr(candidates, "generate_from_document", lambda *_: pytest.fail("read"))

    page = preview(admin_client, file("a.json", named("A")), file("b.json", named("B")))

    assert text(page).count("The code is not compiled before the import.") == 2


def test_the_code_is_not_checked_again_after_the_preview(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = preview(admin_client, file("a.json", named("A")))
    monkeypatch.setattr(candidates, "generate_from_document", lambda *_: pytest.fail("read"))

    confirm(admin_client, page)

    assert Workflow.objects.get().name == "A"


def test_an_export_names_the_variables_of_code_that_is_not_checked(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow = make(chain(node("a", code="return env.API_KEY;")), bindings={"STORE": "kv"})
    data = export([workflow], by=SYSTEM).data
    monkeypatch.setattr(candidates, "MAX_COMPILED", 0)

    assert "Variables to set: API_KEY" in text(preview(admin_client, file("a.zip", data)))


def test_the_chosen_ones_of_several_are_imported(admin_client: Client) -> None:
    files = [file("a.json", named("A")), file("a.json", named("B")), file("c.json", named("C"))]
    page = preview(admin_client, *files)

    response = confirm(admin_client, page, chosen=["a.json (2)", "c.json"])

    assert [workflow.name for workflow in Workflow.objects.all()] == ["B", "C"]
    assert "Imported B C" in text(admin_client.get(response.url))


def test_one_that_cannot_be_imported_does_not_keep_others_out(admin_client: Client) -> None:
    page = preview(admin_client, file("a.json", named("A")), file("b.json", {"nodes": []}))

    assert "Some workflows have errors and cannot be imported. The others can." in text(page)
    both = confirm(admin_client, page, chosen=["a.json", "b.json"])
    assert not Workflow.objects.exists()
    assert "b.json: " in text(both)
    confirm(admin_client, page)
    assert Workflow.objects.get().name == "A"


def test_an_export_is_imported_with_its_node_types(admin_client: Client, log_in: LogIn) -> None:
    loaded_type()
    make(chain(node("a", "greet")), name="Tell", bindings={"S": "kv"})
    data = export(Workflow.objects.all(), by=SYSTEM).data
    Workflow.objects.all().delete()
    NodeType.objects.all().delete()

    editor = log_in("workflows.add_workflow")
    refused = preview(editor, file("a.zip", data))
    assert "You cannot load node types." in text(refused)
    assert 'name="confirm"' not in refused.content.decode()

    page = preview(admin_client, file("a.zip", data))
    assert "These node types are loaded: greet 1.0.0" in text(page)
    assert 'class="pic"' in page.content.decode()
    confirm(admin_client, page)

    assert Workflow.objects.get(name="Tell").bindings == {"S": "kv"}
    assert NodeType.objects.get().type_id == "greet"


def with_node_type() -> bytes:
    """An export of a workflow with a node type that this installation does not have."""
    loaded_type()
    make(chain(node("a", "greet")), name="Tell")
    data = export(Workflow.objects.all(), by=SYSTEM).data
    Workflow.objects.all().delete()
    NodeType.objects.all().delete()
    return data


def test_a_refused_import_loads_no_node_types(admin_client: Client, admin_user: Any) -> None:
    data = with_node_type()
    workflow = make(named("A"))
    page = preview(admin_client, file("a.zip", data), **into(workflow))
    rename = {"type": "rename", "node": "a", "name": "Other"}
    drafts.change_draft(workflow.pk, rename, revision=0, by=admin_user)

    response = confirm(admin_client, page)

    assert "changed this while you were editing it" in text(response)
    assert not NodeType.objects.exists()


def test_two_people_confirm_the_same_import_together(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = preview(admin_client, file("a.zip", with_node_type()))
    check_draft = services.check_draft

    def other_first(*args: Any) -> Any:
        monkeypatch.setattr(imports, "check_draft", check_draft)
        confirm(admin_client, page)
        return check_draft(*args)

    monkeypatch.setattr(imports, "check_draft", other_first)
    confirm(admin_client, page)

    assert Workflow.objects.filter(name="Tell").count() == 2
    assert NodeType.objects.count() == 1


def test_an_import_whose_node_type_was_loaded_with_other_content_is_refused(
    admin_client: Client,
) -> None:
    data = with_node_type()
    preparation = candidates.prepare([Upload(name="a.zip", data=data)], may_load_types=True)
    (outcome,) = preparation.new_types
    NodeType.objects.create(
        type_id=outcome.files.id, version=outcome.files.version, definition={}, template=""
    )

    with pytest.raises(imports.NotImported, match="already loaded with different content"):
        imports.import_new(preparation, by=SYSTEM)

    assert not Workflow.objects.exists()


def test_workflows_that_call_each_other_are_imported_together(admin_client: Client) -> None:
    child = make(named("Child"))
    make(chain(node("b", "sub_workflow", workflowId=child.pk)), name="Parent")
    data = export(Workflow.objects.all(), by=SYSTEM).data
    Workflow.objects.all().delete()
    page = preview(admin_client, file("a.zip", data))

    refused = confirm(admin_client, page, chosen=["parent"])

    assert 'parent calls "child": choose both or neither.' in text(refused)
    assert not Workflow.objects.exists()
    confirm(admin_client, page)
    assert Workflow.objects.count() == 2


@pytest.mark.parametrize(
    ("files", "fields", "reason"),
    [
        ([], {}, "Choose a file, or paste a document."),
        ([b"PK\x03\x04"], {}, "is not a zip file that can be read"),
        ([b"PK\x03\x04", b"{}"], {}, "An exported zip must be the only file."),
        ([b"{}"] * 51, {}, "Choose at most 50 files."),
        ([b" " * 21_000_000], {}, "larger than 20 MB"),
        ([b"{}", b"{}"], {"entry_code": "x"}, "Entry code belongs to one document."),
        ([b"PK\x03\x04"], {"entry_code": "x"}, "An exported zip contains its entry code."),
    ],
)
def test_files_that_cannot_be_read_together_are_refused(
    admin_client: Client, files: list[bytes], fields: dict[str, str], reason: str
) -> None:
    uploads = [file(f"{at}.json", data) for at, data in enumerate(files)]

    assert reason in text(preview(admin_client, *uploads, **fields))


def test_only_the_first_problems_are_shown(admin_client: Client) -> None:
    bindings = {f"b{number:03}": "kv" for number in range(205)}
    content = WorkflowContent(name="A", description="", document=named("A"), bindings=bindings)
    shown = text(preview(admin_client, file("a.zip", write(Archive(workflows={"a": content})))))
    assert '"b199" is not a name for a binding' in shown
    assert "b200" not in shown
    assert "and 5 more" in shown


def test_a_preview_that_arrives_damaged_imports_nothing(admin_client: Client) -> None:
    page = preview(admin_client, file("a.json", named("A")))

    response = confirm(admin_client, page, data=["%%%"])

    assert response.status_code == 200
    assert not Workflow.objects.exists()


def into(workflow: Workflow) -> dict[str, str]:
    return {"workflow": workflow.pk}


def test_an_import_into_a_workflow_is_one_change_that_can_be_undone(
    admin_client: Client, admin_user: Any
) -> None:
    workflow = make(named("A"), entry_code="// mine\n", dependencies={"zod": "4.1.0"})
    before = workflow.content
    archived = make(
        named("B"), entry_code="export function fetch() {}\n", bindings={"STORE": "kv"},
        deploy_settings={"logpush": True},
    )  # fmt: skip
    expected, data = archived.content, export([archived], by=SYSTEM).data
    page = preview(admin_client, file("b.zip", data), **into(workflow))

    assert "Replace the draft" in text(page)
    response = confirm(admin_client, page)

    assert response.url == workflow.get_absolute_url()
    workflow.refresh_from_db()
    assert (workflow.content, workflow.name) == (expected, "A")
    assert workflow.versions.count() == 1
    assert [change.summary for change in workflow.draft_changes.all()] == ["Imported b"]
    assert entries().get(action="workflow imported").subject_id == workflow.pk
    drafts.undo(workflow.pk, by=admin_user)
    workflow.refresh_from_db()
    assert workflow.content == before
    drafts.redo(workflow.pk, by=admin_user)
    workflow.refresh_from_db()
    assert workflow.content == expected


def test_a_document_keeps_what_it_does_not_contain(admin_client: Client) -> None:
    workflow = make(named("A"), entry_code="// mine\n", dependencies={"zod": "4.1.0"})

    confirm(admin_client, preview(admin_client, file("b.json", named("B")), **into(workflow)))

    workflow.refresh_from_db()
    assert workflow.ir["metadata"]["name"] == "B"
    assert (workflow.entry_code, workflow.dependencies) == ("// mine\n", {"zod": "4.1.0"})


def test_an_import_does_not_replace_what_others_changed_since_the_preview(
    admin_client: Client, admin_user: Any
) -> None:
    workflow = make(named("A"))
    page = preview(admin_client, file("b.json", named("B")), **into(workflow))
    rename = {"type": "rename", "node": "a", "name": "Other"}
    drafts.change_draft(workflow.pk, rename, revision=0, by=admin_user)

    response = confirm(admin_client, page)

    assert "changed this while you were editing it" in text(response)
    workflow.refresh_from_db()
    assert workflow.ir["nodes"][0]["name"] == "Other"


def test_only_one_workflow_can_replace_a_draft(admin_client: Client) -> None:
    workflow = make(named("A"))
    files = [file("b.json", named("B")), file("c.json", named("C"))]

    response = confirm(admin_client, preview(admin_client, *files, **into(workflow)))

    assert "Only one workflow can replace a draft" in text(response)
    assert Workflow.objects.count() == 1


def test_a_route_that_another_workflow_has_is_a_warning(admin_client: Client) -> None:
    settings = {
        "routes": [{"pattern": "shop.test/*", "zoneName": "shop.test"}],
        "customDomains": ["a.shop.test"],
    }
    data = export([make(named("A"), deploy_settings=settings)], by=SYSTEM).data

    shown = text(preview(admin_client, file("a.zip", data)))

    assert 'shop.test/* also belongs to "A"' in shown
    assert 'a.shop.test also belongs to "A"' in shown


def test_an_import_needs_the_permission_to_add_or_to_change(log_in: LogIn) -> None:
    workflow = make(named("A"))
    client = log_in("workflows.add_workflow", "workflows.view_workflow")

    assert client.get(ADDRESS).status_code == 200
    assert client.get(ADDRESS, into(workflow)).status_code == 403
    data = base64.b64encode(json.dumps(named("B")).encode()).decode()
    posted = {"name": "b", "data": data, "confirm": "yes", **into(workflow)}
    assert client.post(ADDRESS, posted).status_code == 403
    assert client.get(ADDRESS, {"workflow": "nobody"}).status_code == 404


def test_the_page_of_a_new_workflow_leads_to_the_import(admin_client: Client) -> None:
    page = admin_client.get("/admin/workflows/workflow/add/").content.decode()

    assert f'href="{ADDRESS}"' in page
