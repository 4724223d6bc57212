"""The page of an unsuccessful deployment: cause, remote outcome and advice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import Deployment
from tests.deployments.factories import make_deployment
from tests.deployments.views.test_deployment_page import failed, page, reached, succeeded, words
from tests.support.sessions import LogIn


def test_the_cause_decides_the_advice(admin_client: Client) -> None:
    deployment = failed("DEPLOYING", cause="permission")

    shown = words(admin_client, deployment)

    assert "Failed at Deploying · Missing permission" in shown
    assert "Give the token the missing permission" in shown
    assert f"/admin/targets/target/{deployment.target_id}/change/" in page(admin_client, deployment)


@pytest.mark.parametrize("cause", ["routing", "taken"])
def test_a_settings_problem_links_to_the_settings(admin_client: Client, cause: str) -> None:
    deployment = failed("INITIALIZING", cause=cause)

    link = f'href="/workflows/{deployment.workflow_id}/settings/"'

    assert f'{link} id="next-1">Change the settings of' in page(admin_client, deployment)


def test_a_viewer_gets_no_links_to_change_anything(viewer: Client) -> None:
    for cause in ("routing", "environment", "code", "changed"):
        problems = [{"path": "MAIL_KEY", "message": "is not set", "node_id": ""}]
        shown = page(viewer, failed("INITIALIZING", cause=cause, problems=problems))
        for offered in ("/settings/", ">Edit ", ">Set MAIL_KEY", "overwrite=1"):
            assert offered not in shown


def test_changes_by_others_can_be_viewed_or_overwritten(admin_client: Client) -> None:
    deployment = failed("INITIALIZING", cause="changed")

    shown = page(admin_client, deployment)

    query = f"?target={deployment.target_id}"
    assert f'href="/workflows/{deployment.workflow_id}/live/{query}"' in shown
    assert f'href="/workflows/{deployment.workflow_id}/deploy/{query}&amp;overwrite=1"' in shown


def test_a_finding_shows_its_fix(admin_client: Client) -> None:
    finding = {"message": "The route is taken.", "path": "a/*", "fix": "Take another pattern."}

    shown = words(admin_client, failed(problems=[finding], cause="taken"))

    assert "a/* : The route is taken. Take another pattern." in shown


def test_a_deployment_refused_by_a_busy_target_links_to_its_retry(admin_client: Client) -> None:
    bad = failed("DEPLOYING", cause="rate_limit", attempt=2)
    later = timezone.now() + timedelta(minutes=5)
    again = make_deployment(workflow=bad.workflow, attempt=3, not_before=later)

    assert f"deployment #{again.pk} is attempt 3 of 5" in words(admin_client, bad)
    waiting = words(admin_client, again)
    assert "Waiting until" in waiting
    assert "as requested by Cloudflare (attempt 3 of 5)" in waiting


def test_the_page_shows_until_when_the_target_asked_to_wait(admin_client: Client) -> None:
    until = timezone.now() + timedelta(minutes=5)

    shown = words(admin_client, reached("DEPLOYING", waits_until=until))

    assert f"Cloudflare is busy. Continues at {timezone.localtime(until):%H:%M:%S}" in shown


def test_a_takedown_lists_what_was_removed_and_kept(admin_client: Client) -> None:
    parts = [{"kind": "route", "name": "a.example/*", "done": True, "message": ""}]
    deployment = reached(
        "COMPLETED", status="succeeded", action="takedown", parts=parts, worker_name="awaitstep-x"
    )

    shown = words(admin_client, deployment)

    assert "Takedown Succeeded" in shown
    assert "The Worker awaitstep-x was removed from local" in shown
    assert "done Route a.example/*" in shown
    assert "The Worker is live" not in shown


def test_a_deployment_that_was_taken_down_says_so(admin_client: Client) -> None:
    live = succeeded(type="manual")
    takedown = make_deployment(workflow=live.workflow, status="succeeded", action="takedown")

    assert f"It was live until #{takedown.pk} took it down" in words(admin_client, live)


def test_deleted_secrets_are_named(admin_client: Client) -> None:
    deployment = reached(
        "COMPLETED", status="succeeded", action="delete_secrets", secret_names=["OLD_KEY"]
    )

    assert ": OLD_KEY . Its code has not changed." in words(admin_client, deployment)


def undone(action: str, **fields: Any) -> tuple[Deployment, Deployment]:
    """A live deployment, and an interrupted action on it."""
    live = succeeded(type="manual")
    values: dict[str, Any] = {"status": "interrupted", "stage": "UPDATING_WORKFLOW", **fields}
    return live, make_deployment(workflow=live.workflow, about=live, action=action, **values)


@pytest.mark.parametrize("status", ["interrupted", "cancelled"])
def test_an_unsuccessful_rollback_offers_a_rollback_first(
    admin_client: Client, status: str
) -> None:
    live, back = undone("rollback", status=status)

    shown = page(admin_client, back)

    again = f'href="/deployments/{live.pk}/rollback/">Roll back to #{live.pk} again</a>'
    assert f'class="button default" id="repeat" {again}' in shown
    assert 'class="button secondary" form="deploy-form" id="deploy-again"' in shown
    assert "What to do: Roll back again" in words(admin_client, back)


def test_other_unsuccessful_actions_can_be_repeated(admin_client: Client) -> None:
    for action, address, message in (
        ("takedown", "/workflows/{0.workflow_id}/live/takedown/?target={0.target_id}", "Take it"),
        ("delete_secrets", "/workflows/{0.workflow_id}/live/secrets/?target={0.target_id}", "See"),
        ("retry", "/deployments/{0.about_id}/", "Retry failed parts of"),
    ):
        _live, deployment = undone(action)
        shown = page(admin_client, deployment)
        link = f'id="repeat" href="{address.format(deployment)}">{message}'
        assert link in shown, action
        assert "What to do:</strong> Deploy again" not in shown


def test_a_rollback_is_only_offered_with_permission(log_in: LogIn) -> None:
    client = log_in("deployments.view_deployment", "deployments.add_deployment")

    _live, back = undone("rollback")

    assert 'id="repeat"' not in page(client, back)
