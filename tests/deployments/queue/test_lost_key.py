"""After the encryption key is lost: unreadable values are reported, everything else works."""

from __future__ import annotations

import io

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from deployments.models import Deployment, Lease
from deployments.queue import claims, leases, runner
from deployments.settings_form.preview import preview
from runs.sync.poller import Poller
from targets.cloudflare.errors import Cause
from targets.lookup import account_of, embedded_target
from tests.audit.test_encrypted_fields import use_keys
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.support.page_text import text
from workflows.draft_problems import draft_problems
from workflows.models import Workflow
from workflows.services import set_variable

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN_LOST = "The API token of the target account cannot be decrypted"
VARIABLES_LOST = (
    "The value of the environment variable ONE and the value of the environment variable TWO "
    "cannot be decrypted"
)


def lose_key(settings: Settings) -> None:
    use_keys(settings, Fernet.generate_key().decode())


def performed() -> Deployment:
    held = claims.claim()
    assert held
    runner.perform(held)
    return Deployment.objects.get(pk=held.deployment.pk)


@pytest.fixture
def workflow(settings: Settings) -> Workflow:
    """A workflow with two variables that can no longer be decrypted."""
    workflow = make_workflow()
    set_variable("ONE", "1")
    set_variable("TWO", "2", workflow=workflow, is_secret=True)
    lose_key(settings)
    return workflow


def test_a_dead_processs_deployment_is_ended_and_the_next_one_starts(
    settings: Settings,
) -> None:
    takedown = make_deployment(status="running", stage="DEPLOYING", target=make_target())
    leases.grant(takedown)
    Lease.objects.update(pid_started=1.0)
    waiting = make_deployment(workflow=takedown.workflow, target=takedown.target)
    lose_key(settings)

    claims.process_queue()

    takedown.refresh_from_db()
    waiting.refresh_from_db()
    assert (takedown.status, takedown.uploaded) == ("interrupted", "unknown")
    assert (waiting.status, waiting.cause) == ("failed", "credentials")
    assert waiting.message.startswith(TOKEN_LOST)


def test_a_deployment_names_every_variable_that_it_cannot_read(workflow: Workflow) -> None:
    make_deployment(workflow=workflow, target=make_target())

    ended = performed()

    assert (ended.status, ended.cause) == ("failed", "environment")
    assert ended.message.startswith(VARIABLES_LOST)


def test_a_draft_is_warned_of_them(workflow: Workflow) -> None:
    (problem,) = draft_problems(workflow)

    assert problem.message.startswith(VARIABLES_LOST)


def test_a_readable_variable_of_the_workflow_is_enough(workflow: Workflow) -> None:
    set_variable("ONE", "new value", workflow=workflow)
    set_variable("TWO", "new value", workflow=workflow)

    assert draft_problems(workflow) == []


@pytest.mark.parametrize("part", ["plan/", "preflight/"])
def test_the_dialog_says_what_cannot_be_read(
    workflow: Workflow, admin_client: Client, part: str
) -> None:
    target = make_target()

    answer = admin_client.get(f"/workflows/{workflow.pk}/deploy/{part}?target={target.pk}")

    assert VARIABLES_LOST in text(answer)


PAGES = [
    "/",
    "/workflows/{}/settings/",
    "/workflows/{}/live/",
    "/workflows/{}/live/secrets/",
    "/admin/workflows/workflow/{}/change/",
    "/admin/targets/target/",
]


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_still_shown(
    workflow: Workflow, settings: Settings, admin_client: Client, page: str
) -> None:
    make_deployment(workflow=workflow, target=make_target(), status="succeeded", version_id="v1")
    lose_key(settings)

    assert admin_client.get(page.format(workflow.pk), follow=True).status_code == 200


def test_a_command_says_what_cannot_be_read(workflow: Workflow) -> None:
    out = io.StringIO()
    make_target(is_default=True)

    with pytest.raises(SystemExit):
        call_command("deploy_workflow", workflow.pk, "--plan", stdout=out, stderr=out)

    assert VARIABLES_LOST in out.getvalue()


def test_the_embedded_platform_needs_no_stored_token(settings: Settings) -> None:
    embedded_target()
    lose_key(settings)

    assert account_of(embedded_target()).api_token


def test_an_unreachable_target_does_not_affect_the_runs_of_others(
    settings: Settings,
) -> None:
    make_deployment(target=make_target(), status="succeeded", version_id="v1")
    lose_key(settings)
    readable = make_target(name="readable")
    make_deployment(target=readable, status="succeeded", version_id="v1")

    poller = Poller()
    poller.turn()

    assert poller.calls(readable) > 0


def test_the_preview_of_the_settings_shows_the_cause(workflow: Workflow) -> None:
    (finding,) = preview(workflow, workflow.settings).findings

    assert VARIABLES_LOST in finding.message
    assert finding.cause is Cause.ENVIRONMENT
