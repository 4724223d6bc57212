"""The pages of the runs of a project that has two Workflows, against the embedded platform."""

from __future__ import annotations

from secrets import token_hex

import pytest
from django.test import Client

from audit.trail import Actor
from runs.models import Run, RunDetails, RunStep
from runs.services import control as controls
from runs.sync.poller import Poller
from targets.models import Target
from tests.deployments.shop_project import CONFIG, MAIN, line_of, make_project
from tests.runs.examples import START
from tests.runs.sync.test_poller import poll_until
from tests.support.page_text import markup, text
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target, deploy
from workflows.documents.projects.config import read_config
from workflows.models import Workflow

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]
ADA = Actor(None, "ada")


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


@pytest.fixture
def project(target: Target) -> Workflow:
    config = CONFIG.replace('"kv_namespaces": [{ "binding": "CACHE" }],', "")
    suffix = token_hex(4)  # other tests have Workflows on the same platform
    for name in ("orders", "refunds"):
        config = config.replace(f'"{name}"', f'"{name}-{suffix}"')
    project = make_project(**{"wrangler.jsonc": config})
    assert deploy(project, target).status == "succeeded"
    return project


def name_of(project: Workflow, name: str) -> str:
    """The whole name of one of the project's Workflows."""
    workflows = read_config(project.files).workflows
    return next(each.name for each in workflows if each.name.startswith(name))


def run_of(project: Workflow, target: Target, name: str, payload: object, *, status: str) -> Run:
    live = controls.live_of(project, target)
    run = controls.trigger(live, payload, by=ADA, workflow=name_of(project, name)).run
    poll_until(until_status=status, run=run, poller=Poller())
    RunDetails.objects.update(fetched_at=START)
    run.refresh_from_db()
    return run


def test_a_run_is_drawn_from_the_code_of_its_class(
    admin_client: Client, project: Workflow, target: Target
) -> None:
    run = run_of(project, target, "orders", {"items": [900]}, status="errored")

    shown, words = (
        markup(admin_client.get(f"/runs/{run.pk}/")),
        text(admin_client.get(f"/runs/{run.pk}/")),
    )

    files = f"/workflows/{project.pk}/versions/1/files/"
    assert f"of the Workflow {name_of(project, 'orders')}" in words
    assert "Read from the class Orders" in words
    assert f'href="{files}?file=src/index.ts#L{line_of(MAIN, "step.do(")}"' in shown
    assert f"src/index.ts, line {line_of(MAIN, 'charge')}" in words  # of the failed step
    assert f"approve Step, src/index.ts, line {line_of(MAIN, 'approve')} Skipped" in words
    assert "Save as test" not in words
    assert "Edit project" in words


def test_a_run_that_waits_shows_where(
    admin_client: Client, project: Workflow, target: Target
) -> None:
    run = run_of(project, target, "refunds", {}, status="waiting")

    words = text(admin_client.get(f"/runs/{run.pk}/"))

    assert "Read from the class Refunds" in words
    assert f"src/index.ts, line {line_of(MAIN, 'waitForEvent')}" in words
    assert "wait for the bank" in text(admin_client.get("/runs/waiting/"))
    assert "Terminate" in text(admin_client.get(f"/runs/{run.pk}/terminate/"))


def test_runs_are_listed_and_filtered_by_the_workflow_of_the_project(
    admin_client: Client, project: Workflow, target: Target
) -> None:
    order = run_of(project, target, "orders", {}, status="complete")
    refund = run_of(project, target, "refunds", {}, status="waiting")

    orders, refunds = (name_of(project, name) for name in ("orders", "refunds"))
    both = text(admin_client.get(f"/runs/?workflow={project.pk}"))
    some = markup(admin_client.get(f"/runs/?workflow={project.pk}&name={refunds}"))

    assert f"Workflow of the project All {orders} {refunds}" in both
    assert f"run-{refund.pk}" in some
    assert f"run-{order.pk}" not in some
    assert f"runs of shop, of its Workflow {refunds}" in text(
        admin_client.get(f"/runs/?workflow={project.pk}&name={refunds}")
    )
    assert f"shop {orders}" in text(admin_client.get("/runs/"))


def test_the_figures_of_steps_have_the_names_in_the_code(
    admin_client: Client, project: Workflow, target: Target
) -> None:
    run_of(project, target, "orders", {}, status="complete")

    labels = set(RunStep.objects.values_list("label", "node_id"))

    assert labels == {("add up", ""), ("approve", ""), ("charge", "")}


def test_the_start_form_and_the_logs_know_projects(
    admin_client: Client, project: Workflow, target: Target
) -> None:
    names = f"{name_of(project, 'orders')} {name_of(project, 'refunds')}"
    assert names in text(admin_client.get(f"/runs/start/?workflow={project.pk}"))
    assert admin_client.get(f"/runs/logs/{project.pk}/").status_code == 200
    assert admin_client.get(f"/runs/overview/?workflow={project.pk}").status_code == 200


def test_a_plan_counts_the_runs_of_all_workflows(
    admin_client: Client, project: Workflow, target: Target
) -> None:
    run_of(project, target, "refunds", {}, status="waiting")

    address = f"/workflows/{project.pk}/deploy/plan/?target={target.pk}"

    assert "1 run is in progress (1 waiting)" in text(admin_client.get(address))
