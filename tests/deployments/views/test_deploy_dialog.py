"""The deploy dialog: target, checks, plan and the confirmations that a target requires."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from deployments.models import Deployment
from deployments.pipeline.plan import Change, Plan
from deployments.services import plan as plan_service
from deployments.views import deploy_dialog
from targets.models import Target
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.local_cloudflare.support.control import Control
from tests.support.page_text import markup, text
from tests.support.platform_fixture import Platform
from tests.support.sessions import LogIn
from tests.targets.cloudflare.accounts import (
    account_target,
    deploy,
    edit_workflow,
    workflow_with_settings,
)
from workflows.models import Workflow
from workflows.services import save_draft, set_variable

DEPLOYER = ("deployments.add_deployment", "deployments.view_deployment")


def address(
    workflow: Workflow, target: Target | None = None, more: str = "", part: str = ""
) -> str:
    query = f"?target={target.pk}{more}" if target else ""
    return f"/workflows/{workflow.pk}/deploy/{part}{query}"


def frozen(**fields: Any) -> Target:
    since = timezone.now() - timedelta(hours=1)
    return make_target(frozen_from=since, frozen_reason="big sale", **fields)


def test_the_page_loads_checks_and_plan_afterwards(admin_client: Client) -> None:
    workflow, target = make_workflow(), make_target()

    page = markup(admin_client.get(address(workflow, target)))

    for part in ("preflight/", "plan/"):
        assert f'hx-get="{address(workflow, target, part=part)}"' in page
    assert f'<noscript><p class="empty"><a href="?target={target.pk}&amp;show=1">' in page
    assert f'id="target-{target.pk}" aria-current="true"' in page
    assert f"Deploy v1 to {target.name}" in page


def test_wrangler_starts_to_load_while_the_dialog_is_open(
    admin_client: Client, viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[str] = []
    monkeypatch.setattr(deploy_dialog, "prepare_next", lambda: prepared.append("once"))
    workflow, target = make_workflow(), make_target()

    for client in (viewer, admin_client):
        client.get(address(workflow, target))

    assert prepared == ["once"]


def test_without_a_choice_the_default_target_is_chosen(admin_client: Client) -> None:
    make_target()

    assert "Deploy v1 to local" in text(admin_client.get(address(make_workflow())))


@pytest.mark.parametrize("part", ["", "preflight/", "plan/"])
def test_an_unknown_target_or_workflow_is_not_found(admin_client: Client, part: str) -> None:
    workflow = make_workflow()

    assert admin_client.get(f"/workflows/{workflow.pk}/deploy/{part}?target=999").status_code == 404
    assert admin_client.get(f"/workflows/nothing/deploy/{part}").status_code == 404


@pytest.mark.parametrize("part", ["", "preflight/", "plan/"])
def test_the_dialog_requires_permission_to_deploy(viewer: Client, part: str) -> None:
    assert viewer.get(address(make_workflow(), make_target(), part=part)).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_a_first_deploy_is_all_new_and_every_check_passes(
    admin_client: Client, platform: Platform
) -> None:
    workflow, target = make_workflow(), account_target(platform)

    checks = text(admin_client.get(address(workflow, target, part="preflight/")))
    plan = text(admin_client.get(address(workflow, target, part="plan/")))

    assert checks.count("Passed") == 11
    assert "The Worker is not on account yet. A deploy would create all of this:" in plan
    assert "Added Code" in plan


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_workers")
def test_the_plan_lists_what_is_changed_removed_and_kept(
    admin_client: Client, platform: Platform
) -> None:
    workflow = workflow_with_settings({}, "return env.OLD + env.KEY + env.PIN;")
    target = account_target(platform)
    old = set_variable("OLD", "1", workflow=workflow)
    secret = set_variable("KEY", "s3cret", workflow=workflow, is_secret=True)
    set_variable("PIN", "s3cret-too", workflow=workflow, is_secret=True)
    deploy(workflow, target)
    old.delete()
    secret.delete()
    settings = {"cronTriggers": ["5 4 * * *"], "placement": {"mode": "smart"}}
    edit_workflow(workflow, settings=settings, code="return env.PIN;")

    plan = text(admin_client.get(address(workflow, target, "&show=1")))

    assert "Changed Code" in plan
    assert "Removed Variable OLD 1 removed" in plan
    assert "Kept Secret KEY secret unchanged" in plan
    assert "A deploy does not delete secrets" in plan
    assert "Changed Setting placement off smart" in plan
    assert "so they cannot be compared. A deploy sets PIN to the values stored here" in plan
    assert "Added Schedule \N{EN DASH} 5 4 * * *" in plan
    assert "s3cret" not in plan


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_workers")
def test_changes_by_others_are_only_overwritten_on_request(
    admin_client: Client, platform: Platform, control: Control
) -> None:
    workflow, target = make_workflow(), account_target(platform)
    first = deploy(workflow, target)
    control.dashboard_edit(first.worker_name)

    checks = admin_client.get(address(workflow, target, part="preflight/")).content.decode()
    plan = text(admin_client.get(address(workflow, target, part="plan/")))
    forced = text(admin_client.get(address(workflow, target, "&overwrite=1", "plan/")))

    assert "Failed</span>" in checks
    assert 'name="overwrite" value="1" id="overwrite" form="deploy-dialog"' in checks
    assert "A deploy would fail at" in plan
    assert "deploy with overwrite" in plan
    assert "Changed Code not from our records" in forced


def test_of_very_many_changes_the_first_are_listed(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = (Change(what="binding", name=f"N{number}", how="added") for number in range(8_000))
    plan = Plan(changes=tuple(changes))
    monkeypatch.setattr(plan_service, "plan", lambda *_, **__: plan)
    workflow, target = make_workflow(), make_target()

    page = text(admin_client.get(address(workflow, target, part="plan/")))

    assert page.count("Added Binding N") == 200
    assert "7,800 more changes are not listed." in page


def test_overwrite_is_kept_and_can_be_set_in_the_url(admin_client: Client) -> None:
    workflow, target = make_workflow(), make_target()
    page = markup(admin_client.get(address(workflow, target, "&overwrite=1")))
    assert 'form="deploy-dialog" checked' in page

    form = {"target": str(target.pk), "asked": "1", "overwrite": "1"}
    admin_client.post(address(workflow), form)

    assert Deployment.objects.get().overwrite


def test_an_unreachable_target_is_reported_in_checks_and_plan(admin_client: Client) -> None:
    workflow, target = make_workflow(), make_target()

    page = text(admin_client.get(address(workflow, target, "&show=1")))

    assert page.count("No response from http://127.0.0.1:9") == 2
    assert "Failed Token and account" in page
    assert "A deploy would fail at Initializing" in page


def test_a_deploy_that_would_fail_is_still_possible_and_says_so(admin_client: Client) -> None:
    workflow, target = make_workflow(), make_target()
    shown = admin_client.get(address(workflow, target, "&show=1"))
    loaded = admin_client.get(
        address(workflow, target, part="plan/"), headers={"HX-Request": "true"}
    )

    for answer in (shown, loaded):
        assert "This deploy would fail at Initializing" in text(answer)
        assert "Deploy v1 to account anyway" in text(answer)
        assert 'form="deploy-dialog" id="deploy" class="button secondary"' in markup(answer)
    assert 'id="decision" hx-swap-oob="true"' in loaded.content.decode()


def test_a_protected_target_asks_for_the_workflows_name(admin_client: Client) -> None:
    workflow, target = make_workflow(), make_target(protected=True)
    form = {"target": str(target.pk), "asked": "1"}

    assert "type the name of the workflow: One step" in text(
        admin_client.get(address(workflow, target))
    )
    wrong = text(admin_client.post(address(workflow), {**form, "name": "One"}))
    assert "Nothing was deployed The target account is protected" in wrong
    assert not Deployment.objects.exists()

    admin_client.post(address(workflow), {**form, "name": "One step"})
    assert Deployment.objects.get().target == target


def test_the_form_keeps_its_values_after_a_refusal(admin_client: Client) -> None:
    workflow, target = make_workflow(), frozen(protected=True)
    form = {"target": str(target.pk), "asked": "1", "name": "Two", "freeze_reason": "it burns"}

    page = markup(admin_client.post(address(workflow), {**form, "overwrite": "1"}))

    assert 'name="name" id="confirm_name" value="Two"' in page
    assert 'id="freeze_reason" value="it burns"' in page
    assert 'form="deploy-dialog" checked' in page


def test_a_user_outside_the_allowed_groups_has_no_button(log_in: LogIn) -> None:
    client, target = log_in(*DEPLOYER), make_target(protected=True)
    group = Group.objects.create(name="Release team")
    target.deployers.add(group)
    workflow = make_workflow()

    page = text(client.get(address(workflow, target)))
    assert "Only members of Release team and superusers can make changes there" in page
    assert "Deploy v1 to" not in page

    User.objects.get(username="somebody").groups.add(group)
    assert "Deploy v1 to" in text(client.get(address(workflow, target)))


def test_a_freeze_is_shown_with_its_reason_and_can_be_overridden_with_permission(
    admin_client: Client,
) -> None:
    workflow, target = make_workflow(), frozen()
    form = {"target": str(target.pk), "asked": "1"}
    shown = text(admin_client.get(address(workflow, target)))
    since = timezone.localtime(target.frozen_from)
    assert f"account is frozen from {since:%Y-%m-%d %H:%M} UTC until the freeze" in shown
    assert "is lifted: big sale." in shown

    assert "is frozen" in text(admin_client.post(address(workflow), form))
    admin_client.post(address(workflow), {**form, "freeze_reason": "it burns"})

    assert Deployment.objects.get().reason == "it burns"
    assert Entry.objects.get(action="freeze overridden").reason == "it burns"


def test_a_user_who_may_not_override_a_freeze_has_no_button(log_in: LogIn) -> None:
    client, workflow, target = log_in(*DEPLOYER), make_workflow(), frozen()

    page = text(client.get(address(workflow, target)))
    form = {"target": str(target.pk), "asked": "1", "freeze_reason": "please"}
    refused = text(client.post(address(workflow), form))

    assert "You do not have permission to override a freeze" in page
    assert "Deploy v1 to" not in page
    assert "You do not have permission to override a freeze" in refused
    assert not Deployment.objects.exists()


def test_a_waiting_rollback_is_not_superseded(admin_client: Client) -> None:
    waiting = make_deployment(action="rollback", status="queued")

    answer = admin_client.post(f"/workflows/{waiting.workflow_id}/deploy/")

    assert f"Nothing was deployed Rollback #{waiting.pk} is queued" in text(answer)


def test_an_editor_may_open_the_plan_and_sees_the_checks_of_the_code(log_in: LogIn) -> None:
    workflow, target = make_workflow("const size = 1;\nreturn sizeOf;"), make_target()
    editor = log_in("workflows.view_workflow", "workflows.change_workflow")

    page = text(editor.get(address(workflow, target)))

    assert "Cannot find name 'sizeOf'" in page
    assert "only" in page
    assert "line 2" in page
    assert "You do not have permission to deploy, so the target is not queried." in page
    assert "Deploy v1" not in page
    assert f'href="{address(workflow)}"' in markup(editor.get(workflow.get_absolute_url()))


def test_only_the_permission_to_deploy_leads_to_the_target(log_in: LogIn) -> None:
    workflow, target = make_workflow(), make_target()
    editor = log_in("workflows.view_workflow", "workflows.change_workflow")

    shown = [
        editor.get(address(workflow, target, part=part)).status_code
        for part in ("preflight/", "plan/")
    ]
    pressed = editor.post(address(workflow), {"target": target.pk})

    assert [*shown, pressed.status_code] == [403, 403, 403]
    assert not Deployment.objects.exists()


def test_the_plan_shows_what_differs_from_the_live_version(admin_client: Client) -> None:
    workflow, target = make_workflow("return 1;"), make_target()
    make_deployment(
        workflow=workflow, target=target, status="succeeded", finished_at=timezone.now()
    )
    workflow.ir = make_workflow("return 2;").ir
    save_draft(workflow)

    answer = admin_client.get(address(workflow, target, part="plan/"))

    assert "Changes in the workflow since v1, which is live" in text(answer)
    assert "1 node changed" in text(answer)
    assert "return 1; → return 2;" in text(answer)
    link = f"/workflows/{workflow.pk}/versions/compare/?from=live-{target.pk}&amp;to=v2"
    assert link in answer.content.decode()


def test_the_plan_lists_no_nodes_for_users_who_may_not_view_versions(log_in: LogIn) -> None:
    workflow, target = make_workflow(), make_target()
    make_deployment(
        workflow=workflow, target=target, status="succeeded", finished_at=timezone.now()
    )

    answer = log_in(*DEPLOYER).get(address(workflow, target, part="plan/"))

    assert "Changes in the workflow" not in text(answer)
