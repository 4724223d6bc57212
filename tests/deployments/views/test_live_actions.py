"""The actions on live Workers: each asks for confirmation and has its own permission."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from deployments.models import Deployment
from deployments.pipeline.stages import Action
from tests.deployments.factories import make_target
from tests.deployments.views.live import address, live
from tests.support.page_text import text
from tests.support.sessions import LogIn

pytestmark = pytest.mark.usefixtures("no_workers")


def test_deleting_secrets_asks_first_and_is_then_queued(
    admin_client: Client,
) -> None:
    workflow, made = live(secret_names=["USED"])
    names = {"target": str(made.target_id), "secret": ["OLD_A", "OLD_B"]}

    confirmation = text(admin_client.get(address(workflow, "secrets/delete/"), names))
    answer = admin_client.post(address(workflow, "secrets/delete/"), names)

    assert "Delete 2 secrets from local?" in confirmation
    assert "OLD_A" in confirmation
    waiting = Deployment.objects.get(action=Action.DELETE_SECRETS.value)
    assert answer["Location"] == waiting.get_absolute_url()
    assert waiting.secret_names == ["OLD_A", "OLD_B"]


@pytest.mark.parametrize(
    ("names", "message"), [(["USED"], "The live version uses USED"), ([], "select at least one")]
)
def test_a_secret_in_use_is_never_deleted(
    admin_client: Client, names: list[str], message: str
) -> None:
    workflow, made = live(secret_names=["USED"])
    form = {"target": made.target_id, "secret": names}

    answer = admin_client.post(address(workflow, "secrets/delete/"), form, follow=True)

    assert message in text(answer)
    assert Deployment.objects.count() == 1


def test_taking_down_lists_what_is_removed_and_kept(admin_client: Client) -> None:
    workflow, made = live()

    page = text(admin_client.get(address(workflow, "takedown/", made.target)))

    for removed in (
        "the route api.example.com/orders/*",
        "the custom domain shop.example.com",
        "the schedule 0 8 * * *",
        "the consumer of the queue jobs",
        "the Workflow awaitstep-x and all of its runs",
    ):
        assert removed in page
    assert "What stays: the workflow here with its versions, variables and history" in page


def test_taking_down_requires_the_workflows_name(admin_client: Client) -> None:
    workflow, made = live()
    form = {"target": made.target_id, "reason": "The shop is closed."}

    refused = admin_client.post(address(workflow, "takedown/"), form | {"name": "Orders"})
    answer = admin_client.post(address(workflow, "takedown/"), form | {"name": workflow.name})

    assert f"Type the workflow's name, {workflow.name}, to confirm" in text(refused)
    waiting = Deployment.objects.get(action=Action.TAKEDOWN.value)
    assert answer["Location"] == waiting.get_absolute_url()
    assert waiting.reason == "The shop is closed."


def test_a_protected_target_allows_only_its_groups(log_in: LogIn) -> None:
    workflow, made = live(target=make_target(protected=True))
    client = log_in("deployments.rollback_deployment", "deployments.view_deployment")
    form = {"target": made.target_id, "name": workflow.name}

    answer = client.post(address(workflow, "takedown/"), form)

    assert "is protected, and you are not in any group" in text(answer)
    assert Deployment.objects.count() == 1


def test_a_freeze_is_only_overridden_with_a_reason(admin_client: Client) -> None:
    target = make_target(frozen_from=timezone.now(), frozen_reason="Christmas")
    workflow, made = live(target=target)
    form = {"target": made.target_id, "secret": ["OLD"]}

    refused = admin_client.post(address(workflow, "secrets/delete/"), form)
    admin_client.post(address(workflow, "secrets/delete/"), form | {"freeze_reason": "Leaked."})

    assert "is frozen: Christmas" in text(refused)
    assert Deployment.objects.get(action=Action.DELETE_SECRETS.value).secret_names == ["OLD"]
    assert Entry.objects.filter(action="freeze overridden", reason="Leaked.").exists()


@pytest.mark.parametrize(
    ("more", "permission"),
    [
        ("check/", "targets.check_target"),
        ("adopt/", "deployments.add_deployment"),
        ("secrets/delete/", "deployments.add_deployment"),
        ("takedown/", "deployments.rollback_deployment"),
    ],
)
def test_each_action_needs_its_own_permission(log_in: LogIn, more: str, permission: str) -> None:
    workflow, made = live()
    others = {
        "targets.check_target",
        "deployments.add_deployment",
        "deployments.rollback_deployment",
        "deployments.view_deployment",
    } - {permission}
    client = log_in(*others)

    answer = client.post(address(workflow, more), {"target": made.target_id})

    assert answer.status_code == 403
    assert Deployment.objects.count() == 1
