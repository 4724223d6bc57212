"""The resources of a target: listed, created, and used for a variable."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from django.test import Client

from audit.models import Entry
from audit.trail import Actor
from deployments.resources import services
from targets.cloudflare.resources import Resource
from targets.models import Target
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.deployments.views.live import live
from tests.local_cloudflare.support.control import Control, Fault, Token
from tests.support.page_text import text
from tests.support.platform_fixture import Platform
from tests.support.sessions import LogIn
from tests.targets.cloudflare.accounts import account_target, deploy
from workflows.ir.reading.bindings import BindingKind
from workflows.models import EnvironmentVariable
from workflows.services import effective_variables, set_variable

BY = Actor(None, "tester")
CHECK, CHANGE = "targets.check_target", "targets.change_target"
SET = "workflows.change_environmentvariable"
EXAMPLES = [
    ("kv", "Sessions of users"),
    ("d1", "Orders_1"),
    ("r2", "uploads-1"),
    ("queue", "jobs1"),
]


def address(target: Target, **query: object) -> str:
    return f"/targets/{target.pk}/resources/?{urlencode(query)}"


def picker_query(workflow_id: str, **more: object) -> dict[str, object]:
    return {"kind": "kv", "variable": "MY_KV_BINDING_ID", "workflow": workflow_id, **more}


def made(target: Target, name: str, kind: BindingKind = BindingKind.KV) -> Resource:
    return services.create(target, kind, name, by=BY)


@pytest.mark.parametrize(("kind", "name"), EXAMPLES)
def test_a_created_resource_is_listed_and_recorded_in_the_audit_trail(
    admin_client: Client, platform: Platform, kind: str, name: str
) -> None:
    target = account_target(platform)

    answer = admin_client.post(address(target, kind=kind), {"name": name}, follow=True)

    assert f"{name} was created" in text(answer)
    assert f"Use {name}" not in answer.content.decode()
    assert re.search(rf'<th scope="row"[^>]*>{name}</th>', answer.content.decode())
    entry = Entry.objects.get(action="resource created")
    assert (entry.actor_name, entry.detail["name"]) == ("admin", name)
    assert platform.token not in answer.content.decode() + str(entry.detail)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("kv", " "), ("d1", "-x"), ("r2", "UP"), ("queue", "a_b"), ("queue", "x" * 64)],
)
def test_an_invalid_name_is_refused_before_cloudflare_is_called(
    admin_client: Client, kind: str, name: str
) -> None:
    answer = admin_client.post(address(make_target(), kind=kind), {"name": name})

    assert answer.status_code == 200
    assert answer.context["form"].errors["name"]


def test_the_targets_refusal_is_shown_and_the_name_is_kept(
    admin_client: Client, platform: Platform
) -> None:
    target = account_target(platform)
    made(target, "taken twice")

    answer = admin_client.post(address(target, kind="kv"), {"name": "taken twice"})

    assert "already exists [code 10014]" in text(answer)
    assert 'value="taken twice"' in answer.content.decode()


def test_a_creation_without_a_response_says_that_it_may_have_worked(
    admin_client: Client,
) -> None:
    answer = admin_client.post(address(make_target(), kind="kv"), {"name": "lost"})

    assert "It may have been created anyway" in text(answer)


def test_a_resource_names_the_variables_that_use_it(
    admin_client: Client, platform: Platform
) -> None:
    target, workflow = account_target(platform), make_workflow()
    one = made(target, "used by two")
    set_variable("MY_KV_BINDING_ID", one.id, workflow=workflow)
    set_variable("CACHE_BINDING_ID", one.id)
    set_variable("MY_QUEUE_BINDING_ID", one.id, workflow=workflow)

    page = text(admin_client.get(address(target, kind="kv", q="used by two")))

    assert f"{workflow.name} MY_KV_BINDING_ID" in page
    assert "all workflows CACHE_BINDING_ID" in page
    assert "MY_QUEUE_BINDING_ID" not in page


def test_a_resource_names_the_live_workers_bound_to_it(
    admin_client: Client, platform: Platform
) -> None:
    target, workflow = account_target(platform), make_workflow()
    one = made(target, "bound by itself")
    bound = {"name": "MY_KV", "kind": "kv", "resource": one.id}
    live(workflow, target=target, resources=[bound])
    removed, _ = live(target=target, resources=[{**bound, "name": "TAKEN_DOWN"}])
    make_deployment(workflow=removed, target=target, action="takedown", status="succeeded")

    page = text(admin_client.get(address(target, kind="kv", q="bound by itself")))

    assert f"{workflow.name} (live) env.MY_KV" in page
    assert "TAKEN_DOWN" not in page


def test_an_account_without_resources_says_how_to_create_one(
    admin_client: Client, platform: Platform, control: Control
) -> None:
    control.faults(Fault(path="nothing-at-all", status=500))

    page = text(admin_client.get(address(account_target(platform), kind="kv", q="no such thing")))

    assert "has “no such thing” in its name or id" in page


@pytest.mark.parametrize("kind", [kind for kind, _name in EXAMPLES])
def test_a_token_without_permission_is_reported_with_the_missing_permission(
    admin_client: Client, platform: Platform, control: Control, kind: str
) -> None:
    control.tokens(Token(token="few", permissions=("Workers Scripts Write",)))
    target = account_target(platform, token="few")

    answer = admin_client.get(address(target, kind=kind))

    assert answer.status_code == 200
    assert "could not be listed" in text(answer)
    assert "lacks the permission" in text(answer)


def test_an_unreachable_target_is_reported(admin_client: Client) -> None:
    page = text(admin_client.get(address(make_target())))

    assert "No response from" in page
    assert "Check the target account" in page


def test_an_unknown_kind_or_workflow_is_not_found(admin_client: Client) -> None:
    target, workflow = make_target(), make_workflow()
    wrong: list[dict[str, object]] = [
        {"kind": "ai"},
        picker_query("nobody"),
        picker_query(workflow.pk, variable="MY_KV"),
        picker_query(workflow.pk, variable="<b>_BINDING_ID"),
    ]

    assert {admin_client.get(address(target, **query)).status_code for query in wrong} == {404}


def test_a_page_opened_for_a_variable_says_so_and_offers_every_resource(
    admin_client: Client, platform: Platform
) -> None:
    target, workflow = account_target(platform), make_workflow()
    made(target, "offered")

    answer = admin_client.get(address(target, **picker_query(workflow.pk)))

    assert f"Choose the KV namespace for env.MY_KV of {workflow.name}" in text(answer)
    assert 'aria-label="Use offered"' in answer.content.decode()
    assert "Create and use" in text(answer)


def test_using_a_resource_sets_the_variable_and_returns_to_the_deployment(
    admin_client: Client, platform: Platform
) -> None:
    target, workflow = account_target(platform), make_workflow()
    failed = make_deployment(workflow=workflow, target=target, status="failed")
    one = made(target, "chosen")
    url = address(target, **picker_query(workflow.pk, deployment=failed.pk)).replace("?", "use/?")

    answer = admin_client.post(url, {"id": one.id, "name": "chosen"}, follow=True)

    assert answer.redirect_chain == [(f"/deployments/{failed.pk}/", 302)]
    assert "env.MY_KV will be the KV namespace chosen" in text(answer)
    assert effective_variables(workflow)["MY_KV_BINDING_ID"].value == one.id
    entry = Entry.objects.get(action="variable set")
    assert entry.detail["resource"] == one.id


def test_without_a_deployment_it_returns_to_the_variables(
    admin_client: Client, platform: Platform
) -> None:
    target, workflow = account_target(platform), make_workflow()
    one = made(target, "for the workflow")

    url = address(target, **picker_query(workflow.pk)).replace("?", "use/?")
    answer = admin_client.post(url, {"id": one.id})

    assert answer["Location"] == f"/workflows/{workflow.pk}/variables/"


def test_a_new_resource_can_be_used_immediately(admin_client: Client, platform: Platform) -> None:
    target, workflow = account_target(platform), make_workflow()
    page = address(target, **picker_query(workflow.pk))

    admin_client.post(page, {"name": "only made"})
    assert not EnvironmentVariable.objects.exists()

    answer = admin_client.post(page, {"name": "made and used", "then": "use"}, follow=True)
    variable = EnvironmentVariable.objects.get()
    assert (variable.name, variable.workflow) == ("MY_KV_BINDING_ID", workflow)
    assert "made and used was created" in text(answer)


def test_a_deleted_resource_is_not_used(admin_client: Client, platform: Platform) -> None:
    target, workflow = account_target(platform), make_workflow()
    url = address(target, **picker_query(workflow.pk)).replace("?", "use/?")

    for resource_id in ("f" * 32, "", "../../x"):
        answer = admin_client.post(url, {"id": resource_id}, follow=True)
        assert "was not set. The KV namespace" in text(answer)

    assert not EnvironmentVariable.objects.exists()


def test_a_missing_binding_id_is_two_clicks_from_the_failed_deployment(
    admin_client: Client, platform: Platform, no_workers: None
) -> None:
    target, workflow = account_target(platform), make_workflow("return await env.MY_KV.get('x');")
    failed = deploy(workflow, target)
    assert failed.stage == "DETECTING_BINDINGS"
    one = made(target, "two clicks")

    page = admin_client.get(failed.get_absolute_url()).content.decode()
    link = re.search(r'href="(/targets/[^"]+)"[^>]*>Choose the KV namespace for env.MY_KV', page)
    assert link
    choosing = link[1].replace("&amp;", "&")
    assert "two clicks" in text(admin_client.get(choosing))
    admin_client.post(choosing.replace("?", "use/?"), {"id": one.id})

    assert deploy(workflow, target).status == "succeeded"


def test_each_action_has_its_own_permission(log_in: LogIn, platform: Platform) -> None:
    target, workflow = account_target(platform), make_workflow()
    made(target, "looked at")
    page, client = address(target, **picker_query(workflow.pk)), log_in(CHECK)

    shown = client.get(page)

    assert shown.status_code == 200
    assert "Use looked at" not in shown.content.decode()
    assert "Create a KV" not in text(shown)
    assert client.post(page, {"name": "mine"}).status_code == 403
    assert client.post(page.replace("?", "use/?"), {"id": "x"}).status_code == 403


def test_the_page_requires_a_permission(log_in: LogIn) -> None:
    target = make_target()
    client = log_in(CHANGE, SET, "targets.view_target")

    assert client.get(address(target)).status_code == 403
    assert client.post(address(target), {"name": "x"}).status_code == 403


def test_a_user_who_may_not_set_variables_can_only_create(
    log_in: LogIn, platform: Platform
) -> None:
    target, workflow = account_target(platform), make_workflow()
    page, client = address(target, **picker_query(workflow.pk)), log_in(CHECK, CHANGE)

    assert "Create and use" not in text(client.get(page))
    assert client.post(page, {"name": "not used", "then": "use"}).status_code == 403
    assert not EnvironmentVariable.objects.exists()
