"""Which deployment and which trigger a run is assigned to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from deployments.models import Deployment, StageRecord
from deployments.pipeline.stages import Stage
from runs.index import attribution, writer
from runs.models import Run
from runs.steps.parsing import Row
from targets.models import Target
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.runs.examples import START
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


def second(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def row(seconds: float, *, trigger: str = "binding", id_: str = "") -> Row:
    return Row(
        instance_id=id_ or f"run-{seconds}",
        status="complete",
        trigger=trigger,
        version_id="",
        created_at=second(seconds),
        started_at=None,
        ended_at=None,
    )


@pytest.fixture
def target() -> Target:
    return make_target()


@pytest.fixture
def workflow() -> Workflow:
    return make_workflow()


def make_live(workflow: Workflow, target: Target, *, at: float, **fields: Any) -> Deployment:
    """A deployment started at this second, whose code is live ten seconds later."""
    values: dict[str, Any] = {"status": "succeeded", "uploaded": "yes"}
    values |= {"version_id": f"v-{at}", "live_version": f"v-{at}"}
    values |= {"started_at": second(at), "finished_at": second(at + 20)}
    deployment = make_deployment(workflow=workflow, target=target, **values | fields)
    StageRecord.objects.create(
        deployment=deployment,
        number=8,
        stage=Stage.WORKER_DEPLOYED,
        progress=80,
        entered_at=second(at + 10),
    )
    return deployment


def index_rows(deployment: Deployment, *rows: Row) -> list[Run]:
    assert deployment.target
    return writer.apply_rows(deployment.target, deployment.worker_name, rows)


def triggered_by(live: Deployment, **fields: Any) -> str:
    (run,) = index_rows(live, row(60, **fields))
    return run.trigger


def with_trigger(workflow: Workflow, **trigger: Any) -> dict[str, Any]:
    return {**workflow.ir, "trigger": trigger}


def test_a_run_started_during_a_deploy_has_the_code_that_was_live(
    workflow: Workflow, target: Target
) -> None:
    old, new = (make_live(workflow, target, at=seconds) for seconds in (0, 100))

    fake_api, building = index_rows(new, row(111), row(105))

    assert (building.deployment, fake_api.deployment) == (old, new)


def test_a_run_indexed_before_its_deploy_ended_is_reassigned(
    workflow: Workflow, target: Target
) -> None:
    old = make_live(workflow, target, at=0)
    after, before = index_rows(old, row(111), row(105))
    new = make_live(workflow, target, at=100, ir=with_trigger(workflow, type="http"))
    assert attribution.newest_deployment(target, new.worker_name) == (new.pk, "succeeded")

    attribution.reassign_recent(target, new.worker_name)

    before.refresh_from_db()
    after.refresh_from_db()
    assert (before.deployment, after.deployment) == (old, new)
    assert (before.trigger, after.trigger) == ("binding", "http")


@pytest.mark.parametrize("kind", ["http", "cron", "queue"])
def test_a_run_started_by_a_generated_handler_has_its_trigger(
    workflow: Workflow, target: Target, kind: str
) -> None:
    live = make_live(workflow, target, at=0, ir=with_trigger(workflow, type=kind))

    assert triggered_by(live) == kind
    assert triggered_by(live, trigger="api", id_="by-hand") == "api"


def test_a_cron_trigger_in_the_deploy_settings_is_recognized(
    workflow: Workflow, target: Target
) -> None:
    live = make_live(workflow, target, at=0, deploy_settings={"cronTriggers": ["0 0 * * *"]})

    assert triggered_by(live) == "cron"


@pytest.mark.parametrize(
    "fields",
    [
        {"entry_code": "export default {}"},
        {"deploy_settings": {"cronTriggers": ["0 0 * * *"]}},
    ],
)
def test_an_ambiguous_trigger_stays_a_binding(
    workflow: Workflow, target: Target, fields: dict[str, Any]
) -> None:
    ir = with_trigger(workflow, type="http")
    live = make_live(workflow, target, at=0, ir=ir, **fields)

    assert triggered_by(live) == "binding"


def test_a_run_that_another_workflow_may_have_started_stays_a_binding(
    workflow: Workflow, target: Target
) -> None:
    live = make_live(workflow, target, at=0, ir=with_trigger(workflow, type="http"))
    called = {"name": "CHILD", "kind": "workflow", "resource": live.worker_name}
    make_live(make_workflow(), target, at=0, resources=[called])

    assert triggered_by(live) == "binding"


def test_a_run_started_by_an_event_has_the_event_trigger(
    workflow: Workflow, target: Target
) -> None:
    ir = with_trigger(workflow, type="event", eventType="paid")
    live = make_live(workflow, target, at=0, ir=ir)

    assert triggered_by(live, trigger="api", id_="event-" + "0a" * 32) == "event"
    assert triggered_by(live, trigger="api", id_="event-by-hand") == "api"


def test_listing_a_run_again_does_not_change_its_trigger(
    workflow: Workflow, target: Target
) -> None:
    live = make_live(workflow, target, at=0, ir=with_trigger(workflow, type="cron"))
    index_rows(live, row(60))

    assert index_rows(live, row(60)) == []
    assert Run.objects.get().trigger == "cron"
