"""Which Workflows are live, followed without reading everything again."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from deployments.history.live_workflows import LiveWorkflows
from deployments.models import Deployment, ProjectWorkflow, StageRecord
from deployments.pipeline.stages import Action, Stage
from tests.deployments.factories import make_deployment, make_target, make_workflow

pytestmark = pytest.mark.django_db


def deployed(**fields: Any) -> Deployment:
    target = fields.pop("target", None) or make_target()
    values: dict[str, Any] = {"status": "succeeded", "version_id": "v1"}
    return make_deployment(target=target, **values | fields)


def pair_of(deployment: Deployment) -> tuple[int | None, str]:
    return deployment.target_id, deployment.worker_name


def test_deployments_and_takedowns_are_noticed() -> None:
    live, first = LiveWorkflows(), deployed()
    live.update()
    second = deployed(target=first.target)

    assert live.update()
    assert set(live.names) == {pair_of(first), pair_of(second)}

    deployed(workflow=first.workflow, target=first.target, action=Action.TAKEDOWN.value)

    assert live.update()
    assert set(live.names) == {pair_of(second)}


def test_a_deployment_that_ends_is_noticed_by_its_stage() -> None:
    live, running = LiveWorkflows(), deployed(status="running")
    live.update()
    Deployment.objects.filter(pk=running.pk).update(status="succeeded")
    StageRecord.objects.create(
        deployment=running, number=10, stage=Stage.COMPLETED.value, progress=100
    )

    assert live.update()
    assert set(live.names) == {pair_of(running)}


def test_a_project_has_the_names_of_its_workflows_and_a_script_has_none() -> None:
    target = make_target()
    project, script = make_workflow(), make_workflow()
    ProjectWorkflow.objects.create(
        target=target, name="orders", workflow_public_id=project.pk, class_name="Orders"
    )
    for workflow, kind in ((project, "project"), (script, "script")):
        deployed(workflow=workflow, target=target, ir={"kind": kind})
    live = LiveWorkflows()
    live.update()

    assert set(live.names) == {(target.pk, "orders")}
    assert set(live.pairs) == {(project.pk, target.pk), (script.pk, target.pk)}


@pytest.mark.parametrize("workflows", [1, 20])
def test_nothing_is_read_again_without_a_change(
    django_assert_num_queries: DjangoAssertNumQueries, workflows: int
) -> None:
    live, target = LiveWorkflows(), make_target()
    for _ in range(workflows):
        deployed(target=target)
    live.update()

    with django_assert_num_queries(2):
        assert not live.update()
