"""The previous triggers of a Worker, and what the record shows as live."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User

from deployments.history import records
from deployments.models import Deployment, DriftCheck
from deployments.pipeline.stages import Status, Uploaded
from deployments.presentation import available_actions
from deployments.queue.request_factory import deploy_request
from deployments.services import control
from tests.deployments.factories import make_deployment, make_target, make_workflow
from workflows.models import Workflow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]


@pytest.fixture
def workflow() -> Workflow:
    return make_workflow()


def earlier(workflow: Workflow, queue: str, **fields: Any) -> Deployment:
    config = {"queues": {"consumers": [{"queue": queue}]}}
    values = {"status": Status.SUCCEEDED.value, "uploaded": Uploaded.YES.value}
    values["wrangler_json"] = json.dumps(config)
    return make_deployment(workflow=workflow, **values | fields)


def left(workflow: Workflow) -> frozenset[str]:
    return frozenset(deploy_request(make_deployment(workflow=workflow)).previous_triggers.consumers)


def test_a_first_deployment_has_no_previous_triggers(workflow: Workflow) -> None:
    assert left(workflow) == frozenset()


def test_the_queue_of_the_live_deployment_is_previous(workflow: Workflow) -> None:
    earlier(workflow, "oldest")
    earlier(workflow, "live")

    assert left(workflow) == {"live"}


def test_a_deployment_that_failed_after_its_upload_may_have_a_consumer(workflow: Workflow) -> None:
    earlier(workflow, "never", status=Status.FAILED.value, uploaded=Uploaded.NO.value)
    earlier(workflow, "live")
    earlier(workflow, "perhaps", status=Status.INTERRUPTED.value, uploaded=Uploaded.UNKNOWN.value)

    assert left(workflow) == {"live", "perhaps"}


def test_triggers_that_a_partial_deployment_could_not_remove_are_previous(
    workflow: Workflow,
) -> None:
    earlier(workflow, "settled-before")
    earlier(workflow, "not-removed")
    earlier(workflow, "put", status=Status.PARTIAL.value)

    assert left(workflow) == {"not-removed", "put"}


def test_a_successful_retry_clears_earlier_triggers(workflow: Workflow) -> None:
    earlier(workflow, "not-removed")
    earlier(workflow, "put", status=Status.PARTIAL.value)
    earlier(workflow, "put", action="retry")

    assert left(workflow) == {"put"}


def test_triggers_adopted_before_a_partial_deployment_may_still_exist(
    workflow: Workflow,
) -> None:
    settled = earlier(workflow, "live")
    assert settled.target
    DriftCheck.objects.create(
        workflow=workflow,
        target=settled.target,
        adopted_config={"queues": {"consumers": [{"queue": "adopted"}]}},
        adopted_after=settled.pk,
    )
    earlier(workflow, "live", status=Status.PARTIAL.value)

    assert left(workflow) == {"live", "adopted"}


def test_without_a_success_every_upload_counts(workflow: Workflow) -> None:
    earlier(workflow, "first", status=Status.FAILED.value)

    assert left(workflow) == {"first"}


def test_another_target_has_its_own_queues(workflow: Workflow) -> None:
    earlier(workflow, "elsewhere", target=make_target())

    assert left(workflow) == frozenset()


def test_a_takedown_affects_only_its_own_target(workflow: Workflow) -> None:
    here, elsewhere = make_target(), make_target(name="there")
    earlier(workflow, "q", target=elsewhere)
    earlier(workflow, "q", target=here)
    earlier(workflow, "q", target=here, action="takedown")

    assert records.live(workflow.pk, here) is None
    assert records.live(workflow.pk) == records.live(workflow.pk, elsewhere)


@pytest.mark.parametrize("status", [Status.INTERRUPTED, Status.CANCELLED, Status.FAILED])
def test_after_an_unsuccessful_retry_the_deployment_can_be_retried_again(
    workflow: Workflow, admin_user: User, status: Status
) -> None:
    version: dict[str, Any] = {"version_id": "v1", "live_version": "v1"}
    undone = [{"kind": "queue", "name": "jobs", "done": False, "message": "not today"}]
    partial = earlier(workflow, "jobs", status="partial", parts=undone, **version)
    ended = earlier(workflow, "jobs", action="retry", about=partial, status=status.value, **version)

    may = available_actions.available_actions(partial, admin_user, newest=1)
    again = control.retry_failed(partial)

    assert (may["may_retry"], may["is_live"]) == (True, True)
    assert again.about == partial
    assert not records.has_gone_live(ended)
    assert records.live(workflow.pk, partial.target) == partial


def test_a_successful_retry_replaces_the_deployment(workflow: Workflow, admin_user: User) -> None:
    version: dict[str, Any] = {"version_id": "v1", "live_version": "v1"}
    partial = earlier(workflow, "jobs", status="partial", **version)
    done = earlier(workflow, "jobs", action="retry", about=partial, **version)

    assert available_actions.available_actions(partial, admin_user, newest=1)["replaced_by"] == done
    assert records.live(workflow.pk, partial.target) == done
