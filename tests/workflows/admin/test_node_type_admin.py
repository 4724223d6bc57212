from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.deployments.factories import make_workflow
from tests.support.page_text import text
from tests.support.sessions import LogIn
from tests.workflows.admin.test_workflow_admin import change, form
from tests.workflows.ir.documents import chain, node
from tests.workflows.ir.node_jsons import TEMPLATE, node_json, with_fields
from workflows.models import NodeType, Workflow
from workflows.services import import_document

pytestmark = pytest.mark.django_db

LIST = reverse("admin:workflows_nodetype_changelist")
KEY = {"type": "secret", "envVarName": "API_KEY", "label": "The key", "required": True}


def loaded(value: dict[str, Any], template: str = TEMPLATE) -> NodeType:
    return NodeType.objects.create(
        type_id=value["id"],
        version=value["version"],
        name=value["name"],
        definition=value,
        template=template,
        loaded_by="ada",
    )


def page(client: Client, node_type: NodeType) -> str:
    return text(client.get(reverse("admin:workflows_nodetype_change", args=[node_type.pk])))


def using(*nodes: dict[str, Any]) -> Workflow:
    return import_document(chain(*nodes) | {"trigger": {"type": "manual"}})


def test_the_list_finds_types_by_name(admin_client: Client) -> None:
    loaded(node_json(category="Manners"))
    loaded(node_json("bill", name="Bill", deprecated=True, replacedBy="charge"))

    both = text(admin_client.get(LIST))
    search = text(admin_client.get(LIST, {"q": "gree"}))

    assert "Greet greet 1.0.0 Manners current" in both
    assert "bill 1.0.0 is deprecated: use charge instead" in both
    assert "Greet" in search
    assert "Bill" not in search


def test_the_code_of_a_type_can_be_scrolled_with_the_keyboard(admin_client: Client) -> None:
    address = reverse("admin:workflows_nodetype_change", args=[loaded(with_fields()).pk])

    shown = admin_client.get(address).content.decode()

    assert '<pre class="code-block" tabindex="0" role="region" aria-label=' in shown


def test_the_page_describes_the_type(admin_client: Client) -> None:
    value = with_fields(key=KEY, size={"type": "select", "options": ["s"], "default": "s"})
    row = loaded(value | {"dependencies": {"zod": "4.1.0"}, "docsUrl": "https://x.test/docs"})

    shown = page(admin_client, row)

    for words in (
        "Greets somebody. https://x.test/docs",
        "key secret: the variable API_KEY yes The key",
        'size select no; "s" by default size',
        "zod 4.1.0",
        "used by: no workflow",
        "return ctx.config;",
        '"envVarName": "API_KEY"',
    ):
        assert words.lower() in shown.lower()


def test_the_page_lists_the_workflows_that_use_this_version(admin_client: Client) -> None:
    row, newer = loaded(node_json()), loaded(node_json(version="2.0.0"))
    using(node("a", "greet"))
    make_workflow("return 'greet';")

    assert "Used by: test " in page(admin_client, row)
    assert "Used by: no workflow" in page(admin_client, newer)


def test_a_type_cannot_be_changed_in_the_admin(admin_client: Client, log_in: LogIn) -> None:
    row = loaded(node_json())
    url = reverse("admin:workflows_nodetype_change", args=[row.pk])

    answers = [admin_client.post(url, {"name": "x"}), admin_client.get(f"{LIST}add/")]
    answers += [admin_client.post(url.replace("change", "delete"), {"post": "yes"})]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert log_in("workflows.view_nodetype").get(url).status_code == 200


def test_using_a_deprecated_type_is_a_warning(admin_client: Client) -> None:
    loaded(node_json(deprecated=True, deprecationMessage="Misspells.", replacedBy="hello"))
    workflow = using(node("a", "greet"))

    saved = admin_client.post(change(workflow), form(workflow.ir), follow=True)

    expected = "Warning: nodes.a.type: greet 1.0.0 is deprecated: Misspells: use hello instead"
    assert expected in text(saved)


def test_the_form_checks_nodes_of_loaded_types(admin_client: Client) -> None:
    loaded(with_fields(key=KEY))
    workflow = using(node("a", "greet"))
    workflow.ir["nodes"][0]["data"]["key"] = "hunter2"

    refused = admin_client.post(change(workflow), form(workflow.ir))

    assert "nodes.a.data.key: is a secret and must not be in the document" in text(refused)
    assert workflow.versions.count() == 1
