"""Choosing a workflow by typing: suggestions, forms, and filters of lists."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from runs.models import Retention
from tests.deployments.factories import make_deployment, make_workflow
from tests.support.page_text import text
from workflows.models import EnvironmentVariable, Workflow
from workflows.picker.field import WorkflowField
from workflows.picker.matching import MAX_MATCHES, label_of

pytestmark = pytest.mark.django_db
OPTIONS = "/workflows/options/"


def named(name: str) -> Workflow:
    workflow = make_workflow()
    Workflow.objects.filter(pk=workflow.pk).update(name=name)
    workflow.name = name
    return workflow


def test_suggestions_contain_the_text_in_their_name_or_start_with_it_as_id(
    admin_client: Client,
) -> None:
    orders, mails = named("Send orders"), named("Mails")

    by_name = admin_client.get(OPTIONS, {"workflow": "ORDER"}).content.decode()
    by_id = admin_client.get(OPTIONS, {"workflow": mails.pk[:9]}).content.decode()

    assert label_of(orders) in by_name
    assert label_of(mails) not in by_name
    assert label_of(mails) in by_id


@pytest.mark.parametrize("workflows", [1, 30])
def test_suggestions_are_few_and_need_the_same_queries(
    admin_client: Client, django_assert_num_queries: DjangoAssertNumQueries, workflows: int
) -> None:
    for number in range(workflows):
        named(f"Orders {number}")

    with django_assert_num_queries(3):  # with the session and the user
        shown = admin_client.get(OPTIONS, {"q": "orders"}).content.decode()

    assert shown.count("<option") == min(workflows, MAX_MATCHES)


def test_suggestions_are_for_those_who_may_view_workflows(client: Client) -> None:
    client.force_login(User.objects.create_user("staff", is_staff=True))

    assert client.get(OPTIONS, {"q": ""}).status_code == 403


def test_a_field_takes_a_label_an_id_and_the_only_match() -> None:
    orders, field = named("Send orders"), WorkflowField()
    named("Mails")

    for typed in (label_of(orders), orders.pk, "send ORD", " Send orders "):
        assert field.clean(typed) == orders


def test_a_field_names_what_an_ambiguous_text_may_mean() -> None:
    first, second = named("Orders of shop 1"), named("Orders of shop 2")

    with pytest.raises(ValidationError) as several:
        WorkflowField().clean("orders")
    with pytest.raises(ValidationError, match="No workflow has “mails”"):
        WorkflowField().clean("mails")

    assert label_of(first) in several.value.messages[0]
    assert label_of(second) in several.value.messages[0]


def test_an_exact_name_is_chosen_among_longer_ones() -> None:
    named("Orders of a shop")
    orders = named("Orders")

    assert WorkflowField().clean("Orders") == orders


def test_forms_choose_a_workflow_by_its_name(admin_client: Client) -> None:
    orders = named("Send orders")

    admin_client.post("/admin/runs/retention/add/", {"workflow": "send", "days": "7"})
    variable = {"name": "API_KEY", "new_value": "1", "workflow": "send"}
    admin_client.post("/admin/workflows/environmentvariable/add/", variable)

    assert Retention.objects.get().workflow == orders
    assert EnvironmentVariable.objects.get().workflow == orders


@pytest.mark.parametrize("model", ["deployments/deployment", "workflows/workflowversion"])
def test_lists_are_filtered_by_a_typed_text_and_by_an_id(admin_client: Client, model: str) -> None:
    orders, mails = named("Send orders"), named("Mails")
    for workflow in (orders, mails):
        make_deployment(workflow=workflow)

    for typed in ("orders", orders.pk):
        address = f"/admin/{model}/?workflow__id__exact={typed}"
        shown = admin_client.get(address).context["cl"]

        assert {row.workflow for row in shown.result_list} == {orders}


@pytest.mark.long
@pytest.mark.parametrize("workflows", [2, 40])
@pytest.mark.parametrize(
    "address",
    [
        "/admin/deployments/deployment/",
        "/admin/workflows/workflowversion/",
        "/admin/workflows/environmentvariable/",
        "/admin/workflows/environmentvariable/add/",
        "/admin/runs/retention/add/",
        "/runs/",
        "/runs/overview/",
    ],
)
def test_no_page_offers_all_workflows(admin_client: Client, address: str, workflows: int) -> None:
    for number in range(workflows):
        named(f"Orders of shop {number}")

    shown = admin_client.get(address).content.decode()

    assert "<option" not in shown or "Orders of shop" not in shown.partition("<select")[2]


@pytest.mark.parametrize("address", ["/runs/", "/runs/overview/"])
def test_a_typed_text_leads_to_the_page_of_the_workflow(admin_client: Client, address: str) -> None:
    orders = named("Send orders")
    named("Send mails")

    found = admin_client.get(address, {"workflow": "orders", "hours": "24"})
    several = admin_client.get(address, {"workflow": "send"})
    nothing = admin_client.get(address, {"workflow": "invoices"})

    assert found["Location"] == f"{address}?workflow={orders.pk}&hours=24"
    assert "Send orders" in text(several)
    assert "Send mails" in text(several)
    assert nothing.status_code == 404


def test_a_run_is_started_after_a_search_for_its_workflow(admin_client: Client) -> None:
    for name in ("Send orders", "Send mails", "Not live"):
        status = "failed" if name == "Not live" else "succeeded"
        make_deployment(workflow=named(name), status=status, version_id="v")

    everything = text(admin_client.get("/runs/start/"))
    found = text(admin_client.get("/runs/start/", {"q": "orders"}))

    assert "Send mails" in everything
    assert "Not live" not in everything
    assert "Send orders" in found
    assert "Send mails" not in found
