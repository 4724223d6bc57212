"""The page of a rollback shows beforehand that the Worker's secrets prevent it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import Deployment
from deployments.pipeline.secret_changes import SecretChanges
from deployments.services import rollback_check
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.support.page_text import text
from workflows.models import EnvironmentVariable
from workflows.services import set_variable

pytestmark = pytest.mark.django_db


def two_deployments() -> Deployment:
    """Return the first of two deployments; their secret was saved between them."""
    workflow, target, now = make_workflow(), make_target(), timezone.now()
    set_variable("TOKEN", "another-value", workflow=workflow, is_secret=True)
    EnvironmentVariable.objects.update(updated_at=now - timedelta(minutes=5))
    first, _ = (
        make_deployment(
            workflow=workflow,
            target=target,
            status="succeeded",
            stage="COMPLETED",
            version_id=f"v-{minutes}",
            secret_names=["TOKEN"],
            started_at=now - timedelta(minutes=minutes),
            finished_at=now - timedelta(minutes=minutes),
        )
        for minutes in (9, 1)
    )
    return first


def page(client: Client, to: Deployment) -> str:
    return text(client.get(f"/deployments/{to.pk}/rollback/"))


def test_a_rollback_that_cloudflare_will_refuse_is_not_offered_but_the_snapshot_is(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = SecretChanges(added=("KEY", "TOKEN"), deleted=("OLD",))
    monkeypatch.setattr(rollback_check, "_changes", lambda _to, _target: changes)
    first = two_deployments()

    shown = page(admin_client, first)

    assert "You cannot roll back to this deployment" in shown
    assert "since this version, KEY, TOKEN were added, OLD was deleted." in shown
    assert f"Deploy the snapshot of #{first.pk}" in shown
    assert f"Roll back to #{first.pk}" not in shown


def test_a_secret_that_was_saved_since_is_a_warning(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollback_check, "_changes", lambda _to, _target: SecretChanges())
    first = two_deployments()

    shown = page(admin_client, first)

    assert "TOKEN was saved and deployed since." in shown
    assert f"Deploy the snapshot of #{first.pk}" in shown
    assert f"Roll back to #{first.pk}" in shown
    EnvironmentVariable.objects.update(name="OTHER")
    assert "saved and deployed since" not in page(admin_client, first)


def test_a_target_that_does_not_respond_does_not_prevent_the_page(admin_client: Client) -> None:
    first = two_deployments()

    shown = page(admin_client, first)

    assert "The secrets could not be compared with the target" in shown
    assert f"Roll back to #{first.pk}" in shown
