"""The outputs of steps that read secrets are hidden by the target, so nothing here can show them."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from audit.trail import Actor
from runs.models import Run, RunDetails, RunText
from runs.saved_tests.from_runs import from_run, sensitive_pins
from runs.services import control
from runs.sync.poller import Poller
from targets.models import Target
from tests.deployments.factories import make_workflow
from tests.runs.examples import START, workflow_of
from tests.runs.sync.test_poller import poll_until
from tests.support.page_text import text
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target, deploy, edit_workflow
from tests.workflows.ir.documents import chain, node
from workflows.services import set_variable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]
SECRET = "sentinel-of-a-key"
DERIVED = SECRET[::-1]  # which no mask covers
LOGIN = chain(
    node("login", name="Log in", code="return { session: [...env.API_KEY].reverse().join('') };"),
    node("end", code="return { length: login.session.length };"),
)


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


@pytest.fixture
def run(target: Target) -> Run:
    """A run that has ended a while ago, so that its page reads it from the target."""
    workflow = make_workflow(**LOGIN)
    set_variable("API_KEY", SECRET, workflow=workflow, is_secret=True)
    run = control.trigger(deploy(edit_workflow(workflow), target), {}, by=Actor(None, "ada")).run
    poll_until(until_status="complete", run=run, poller=Poller())
    RunDetails.objects.update(fetched_at=START)
    return run


def described(run: Run) -> str:
    out = StringIO()
    call_command("describe_run", run.workflow_id, run.instance_id, "--json", stdout=out)
    return out.getvalue()


def test_nothing_shows_the_output_of_a_step_that_reads_a_secret(
    admin_client: Client, run: Run
) -> None:
    page = admin_client.get(f"/runs/{run.pk}/?step=1")
    step = admin_client.get(f"/runs/{run.pk}/step/", {"name": "Log in-1"})
    test: Any = from_run(run, name="again")

    assert "Hidden, because the step is sensitive" in text(page)
    assert '"length":17' in described(run).replace("\\", "")
    kept = [*RunText.objects.values(), *RunDetails.objects.values()]
    seen = [page.content.decode(), step.content.decode(), described(run), str(kept), str(test)]
    assert not [place for place in seen if DERIVED in place or SECRET in place]
    assert test["expect"]["outputs"] == {"end": {"value": {"length": 17}}}
    assert sensitive_pins(workflow_of(run), test) == ["Log in"]
