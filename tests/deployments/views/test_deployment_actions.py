"""The actions on a deployment's page: cancel, roll back, retry and redeploy its snapshot."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from deployments.models import Deployment
from deployments.pipeline.stages import Action
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.support.audit_entries import entries
from tests.support.page_text import markup, text
from tests.support.platform_fixture import Platform
from tests.support.sessions import LogIn
from tests.targets.cloudflare.accounts import account_target, deploy, edit_workflow, run_queue

HTMX = {"HX-Request": "true"}
PARTS = [
    {"kind": "code", "name": "", "done": True, "message": ""},
    {"kind": "route", "name": "a.example.com/*", "done": False, "message": "taken (10020)"},
]


def at(deployment: Deployment, what: str = "") -> str:
    return f"/deployments/{deployment.pk}/{what}"


def running(**fields: Any) -> Deployment:
    values = {"status": "running", "stage": "DEPLOYING", "started_at": timezone.now()}
    return make_deployment(**{**values, **fields})


def went_live(**fields: Any) -> Deployment:
    values = {"status": "succeeded", "stage": "COMPLETED", "version_id": "v-one"}
    return make_deployment(**{**values, "finished_at": timezone.now(), **fields})


def partial(**fields: Any) -> Deployment:
    return went_live(**{"status": "partial", "parts": PARTS, **fields})


def newest() -> Deployment:
    return Deployment.objects.order_by("-pk")[0]


def test_cancel_ends_a_waiting_deployment_and_returns_to_its_page(admin_client: Client) -> None:
    deployment = make_deployment()

    answer = admin_client.post(at(deployment, "cancel/"), follow=True)

    assert answer.redirect_chain == [(at(deployment), 302)]
    assert f"Deployment #{deployment.pk} has ended: cancelled." in text(answer)
    assert "Cancelled by admin before it started." in text(answer)
    assert text(answer).count("Nothing was uploaded") == 1


def test_cancelling_a_running_deployment_shows_who_requested_it(admin_client: Client) -> None:
    deployment = running()
    assert f'id="cancel-{deployment.pk}"' in admin_client.get(at(deployment)).content.decode()

    page = admin_client.post(at(deployment, "cancel/"), follow=True)

    assert "Cancellation requested by admin" in text(page)
    assert f'id="cancel-{deployment.pk}"' not in page.content.decode()
    assert "Cancellation requested by admin" in text(admin_client.get("/"))


def test_cancel_by_htmx_makes_the_page_reload(admin_client: Client) -> None:
    answer = admin_client.post(at(running(), "cancel/"), headers=HTMX)

    assert (answer.status_code, answer["HX-Trigger"]) == (204, "awaitstep:changed")


def test_cancelling_twice_or_too_late_has_the_same_response(admin_client: Client) -> None:
    late, twice = went_live(), running(workflow=make_workflow())

    for deployment in (late, twice, twice):
        answer = admin_client.post(at(deployment, "cancel/"))
        assert (answer.status_code, answer["Location"]) == (302, at(deployment))

    late.refresh_from_db()
    assert late.status == "succeeded"
    assert Entry.objects.filter(action="deployment cancelled").count() == 1


@pytest.mark.parametrize("what", ["cancel/", "retry/", "redeploy/"])
def test_a_get_request_does_nothing_and_redirects_to_the_page(
    admin_client: Client, what: str
) -> None:
    deployment = running()

    answer = admin_client.get(at(deployment, what))

    assert (answer.status_code, answer["Location"]) == (302, at(deployment))
    assert Deployment.objects.count() == 1
    assert admin_client.put(at(deployment, what)).status_code == 405


@pytest.mark.parametrize("what", ["cancel/", "rollback/", "retry/", "redeploy/"])
def test_each_action_requires_its_permission(viewer: Client, what: str) -> None:
    deployment = partial()

    assert viewer.post(at(deployment, what)).status_code == 403
    assert Deployment.objects.count() == 1
    assert entries().get().action == "access denied"


@pytest.mark.parametrize("what", ["cancel/", "rollback/", "retry/", "redeploy/"])
def test_an_unknown_deployment_is_not_found(admin_client: Client, what: str) -> None:
    assert admin_client.post(f"/deployments/999/{what}").status_code == 404


def test_a_viewer_has_none_of_the_buttons(viewer: Client) -> None:
    for deployment in (running(), partial(workflow=make_workflow())):
        page = viewer.get(at(deployment)).content.decode()
        assert 'class="button' not in page


def test_a_deployment_that_can_be_rolled_back_to_links_to_the_dialog(admin_client: Client) -> None:
    old = went_live()
    new = went_live(workflow=old.workflow, version_id="v-two")

    assert f'href="{at(old, "rollback/")}"' in admin_client.get(at(old)).content.decode()
    assert at(new, "rollback/") not in admin_client.get(at(new)).content.decode()


def test_the_dialog_lists_what_is_restored_what_is_not_and_what_is_cancelled(
    admin_client: Client,
) -> None:
    config = '{"triggers": {"crons": ["5 4 * * *"]}}'
    old = went_live(wrangler_json=config, variables={"REGION": "eu"}, requested_by_name="grace")
    new = went_live(workflow=old.workflow, version_id="v-two", version_number=2)
    busy = running(workflow=old.workflow, version_number=3)

    page = text(admin_client.get(at(old, "rollback/")))

    assert f"live now: #{new.pk} , v2" in page
    assert "just now by grace" in page
    for each in ("v-one", "REGION", "5 4 * * *", "Data in KV, D1, R2 and queues stays"):
        assert each in page
    assert f"Deployment #{busy.pk} (v3) is running and will be cancelled." in page


def test_without_a_live_version_the_dialog_has_no_button(admin_client: Client) -> None:
    failed = make_deployment(status="failed")

    page = text(admin_client.get(at(failed, "rollback/")))
    answer = text(admin_client.post(at(failed, "rollback/")))

    assert "You cannot roll back to this deployment" in page
    assert "Roll back to" not in page
    assert "did not make a version live" in answer


def test_after_a_takedown_the_dialog_offers_the_snapshot(admin_client: Client) -> None:
    old = went_live()
    takedown = went_live(workflow=old.workflow, action="takedown", version_id="")

    page = admin_client.get(at(old, "rollback/"))

    assert f"The Worker has since been taken down by #{takedown.pk} , and its versions" in text(
        page
    )
    assert f'action="{at(old, "redeploy/")}"' in page.content.decode()
    assert 'id="roll-back"' not in page.content.decode()


def test_a_rollback_stores_its_reason_and_redirects_to_its_page(admin_client: Client) -> None:
    old = went_live()
    busy = running(workflow=old.workflow)

    answer = admin_client.post(at(old, "rollback/"), {"reason": "it charges twice"})

    made = newest()
    assert answer["Location"] == at(made)
    assert (made.work, made.about, made.reason) == (Action.ROLLBACK, old, "it charges twice")
    busy.refresh_from_db()
    assert busy.cancelled_by == "admin, for a rollback"
    page = text(admin_client.get(at(made)))
    assert f"Rollback to #{old.pk}" in page
    assert "Reason: it charges twice" in page


def test_a_rollback_on_a_protected_target_asks_for_the_name(admin_client: Client) -> None:
    old = went_live(target=make_target(protected=True))
    form = {"asked": "1", "reason": "because"}

    page = admin_client.post(at(old, "rollback/"), form)
    assert "Nothing was rolled back The target account is protected" in text(page)
    assert 'id="reason" value="because"' in page.content.decode()

    admin_client.post(at(old, "rollback/"), {**form, "name": "One step"})
    assert newest().work is Action.ROLLBACK


def test_a_retry_is_requested_from_the_page(admin_client: Client) -> None:
    deployment = partial()
    page = admin_client.get(at(deployment))
    assert f'formaction="{at(deployment, "retry/")}"' in page.content.decode()
    assert "failed Route a.example.com/* : taken (10020)" in text(page)

    answer = admin_client.post(at(deployment, "retry/"))

    assert (newest().work, newest().about) == (Action.RETRY, deployment)
    assert answer["Location"] == at(newest())


def test_the_parts_that_failed_come_first_and_long_reasons_fold(admin_client: Client) -> None:
    long = "wrangler said " * 40
    parts = [*PARTS, {"kind": "queue", "name": "jobs", "done": False, "message": long}]

    page = admin_client.get(at(partial(parts=parts)))

    shown = markup(page)
    assert shown.index("taken (10020)") < shown.index("done</span>Code")
    assert f'<summary>Full message</summary><p class="reason">{long.strip()}</p>' in shown


def test_a_retry_without_a_failed_part_is_refused_with_a_message(admin_client: Client) -> None:
    deployment = went_live()

    answer = admin_client.post(at(deployment, "retry/"), follow=True)

    assert "has no failed part to retry" in text(answer)
    assert Deployment.objects.count() == 1


def test_a_retry_is_not_offered_when_something_newer_is_live(admin_client: Client) -> None:
    deployment = partial()
    went_live(workflow=deployment.workflow, version_id="v-two")

    assert at(deployment, "retry/") not in admin_client.get(at(deployment)).content.decode()


def test_a_snapshot_is_redeployed(admin_client: Client) -> None:
    old = went_live(version_number=1, ir={"old": "document"})
    assert old.workflow
    edit_workflow(old.workflow, code="return 2;")
    assert "Deploy this snapshot (v1)" in text(admin_client.get(at(old)))

    admin_client.post(at(old, "redeploy/"))

    made = newest()
    assert (made.work, made.about, made.ir) == (Action.DEPLOY, old, {"old": "document"})
    assert f"Snapshot of #{old.pk}" in text(admin_client.get(at(made)))


def test_a_rollback_that_failed_offers_the_snapshot(admin_client: Client) -> None:
    old = went_live()
    failed = make_deployment(
        workflow=old.workflow, action="rollback", about=old, status="failed", stage="DEPLOYING"
    )

    page = admin_client.get(at(failed))

    assert f"Deploy the snapshot of #{old.pk}" in text(page)
    assert f'formaction="{at(old, "redeploy/")}"' in page.content.decode()


@pytest.mark.parametrize("what", ["retry/", "redeploy/"])
def test_a_protected_target_requires_the_name_first(admin_client: Client, what: str) -> None:
    deployment = partial(target=make_target(protected=True))

    unconfirmed = text(admin_client.post(at(deployment, what)))
    wrong = text(admin_client.post(at(deployment, what), {"asked": "1", "name": "x"}))
    assert "type the name of the workflow: One step" in unconfirmed
    assert "Nothing was changed The target account is protected" in wrong
    assert Deployment.objects.count() == 1

    admin_client.post(at(deployment, what), {"asked": "1", "name": "One step"})
    assert Deployment.objects.count() == 2


def test_a_user_who_may_only_cancel_has_only_that_button(log_in: LogIn) -> None:
    client = log_in("deployments.view_deployment", "deployments.cancel_deployment")

    page = markup(client.get(at(running())))

    assert page.count('class="button') == 1
    assert ">Cancel</button>" in page


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_workers")
def test_a_real_rollback_lists_its_parts(admin_client: Client, platform: Platform) -> None:
    workflow, target = make_workflow(), account_target(platform)
    first = deploy(workflow, target)
    second = deploy(edit_workflow(workflow, code="return 2;"), target)

    admin_client.post(at(first, "rollback/"))
    made = run_queue(newest())

    page = text(admin_client.get(at(made)))
    assert "✓ Succeeded" in page
    assert "The Worker is live done Code" in page
    assert f"This version is live again, by #{made.pk}" in text(admin_client.get(at(first)))
    assert f"It was live until #{made.pk} (v1) replaced it" in text(admin_client.get(at(second)))
