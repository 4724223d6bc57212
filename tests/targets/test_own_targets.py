"""Snapshots and rollbacks always go to the target of the original deployment."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from deployments.models import Deployment
from targets.models import Target
from tests.deployments.factories import make_deployment, make_target

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]


@pytest.fixture
def earlier() -> Deployment:
    """A deployment to a target that is not the default one."""
    make_target(name="prod")
    staging = make_target(name="staging", frozen_from=timezone.now(), frozen_reason="Fair.")
    return make_deployment(target=staging, status="succeeded", version_id="v1")


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("deploy_workflow", ("--snapshot",)),
        ("deploy_workflow", ("--plan", "--snapshot")),
        ("rollback_workflow", ("--to",)),
    ],
)
def test_another_target_is_refused(
    earlier: Deployment, command: str, options: tuple[str, ...]
) -> None:
    arguments = (*options, str(earlier.pk), "--target", "prod")

    with pytest.raises(CommandError, match="can only go to staging again: omit"):
        call_command(command, earlier.workflow_public_id, *arguments)

    assert Deployment.objects.count() == 1


def test_the_plan_of_a_snapshot_follows_the_rules_of_its_own_target(earlier: Deployment) -> None:
    out = io.StringIO()
    arguments = ("--plan", "--snapshot", str(earlier.pk))

    with pytest.raises(SystemExit):
        call_command("deploy_workflow", earlier.workflow_public_id, *arguments, stdout=out)

    assert "staging is frozen: Fair." in out.getvalue()


def test_its_own_target_may_be_named(earlier: Deployment) -> None:
    Target.objects.update(frozen_from=None)
    out = io.StringIO()
    arguments = ("--plan", "--snapshot", str(earlier.pk), "--target", "staging")

    with pytest.raises(SystemExit):
        call_command("deploy_workflow", earlier.workflow_public_id, *arguments, stdout=out)

    assert "No response from http://127.0.0.1:9" in out.getvalue()
