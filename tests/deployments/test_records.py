"""What a deployment has its Worker leave: what led to what was live, and to what may be since."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployments import records
from deployments.models import Deployment, Standing
from deployments.orders import request_of
from deployments.stages import Status, Uploaded
from tests.deployments.factories import make_deployment, make_target, make_workflow
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow() -> Workflow:
    return make_workflow()


def earlier(workflow: Workflow, queue: str, **fields: Any) -> Deployment:
    config = {"queues": {"consumers": [{"queue": queue}]}}
    values = {"status": Status.SUCCEEDED.value, "uploaded": Uploaded.YES.value}
    values["wrangler_json"] = json.dumps(config)
    return make_deployment(workflow=workflow, **values | fields)


def left(workflow: Workflow) -> frozenset[str]:
    return frozenset(request_of(make_deployment(workflow=workflow)).former.consumers)


def test_a_first_deployment_leaves_none(workflow: Workflow) -> None:
    assert left(workflow) == frozenset()


def test_the_queue_of_what_is_live_is_left(workflow: Workflow) -> None:
    earlier(workflow, "oldest")
    earlier(workflow, "live")

    assert left(workflow) == {"live"}


def test_what_failed_after_its_upload_may_have_a_consumer_too(workflow: Workflow) -> None:
    earlier(workflow, "never", status=Status.FAILED.value, uploaded=Uploaded.NO.value)
    earlier(workflow, "live")
    earlier(workflow, "perhaps", status=Status.INTERRUPTED.value, uploaded=Uploaded.UNKNOWN.value)

    assert left(workflow) == {"live", "perhaps"}


def test_what_a_partial_deployment_could_not_remove_is_left_too(workflow: Workflow) -> None:
    earlier(workflow, "settled-before")
    earlier(workflow, "not-removed")
    earlier(workflow, "put", status=Status.PARTIAL.value)

    assert left(workflow) == {"not-removed", "put"}


def test_after_a_retry_that_succeeded_nothing_is_left_of_before(workflow: Workflow) -> None:
    earlier(workflow, "not-removed")
    earlier(workflow, "put", status=Status.PARTIAL.value)
    earlier(workflow, "put", action="retry")

    assert left(workflow) == {"put"}


def test_what_was_adopted_before_a_partial_deployment_may_still_be_there(
    workflow: Workflow,
) -> None:
    settled = earlier(workflow, "live")
    assert settled.target
    Standing.objects.create(
        workflow=workflow,
        target=settled.target,
        adopted={"queues": {"consumers": [{"queue": "adopted"}]}},
        adopted_after=settled.pk,
    )
    earlier(workflow, "live", status=Status.PARTIAL.value)

    assert left(workflow) == {"live", "adopted"}


def test_where_nothing_succeeded_all_that_was_uploaded_counts(workflow: Workflow) -> None:
    earlier(workflow, "first", status=Status.FAILED.value)

    assert left(workflow) == {"first"}


def test_another_target_has_queues_of_its_own(workflow: Workflow) -> None:
    earlier(workflow, "elsewhere", target=make_target())

    assert left(workflow) == frozenset()


def test_what_is_live_elsewhere_is_not_taken_down_with_one_target(workflow: Workflow) -> None:
    here, there = make_target(), make_target(name="there")
    earlier(workflow, "q", target=there)
    earlier(workflow, "q", target=here)
    earlier(workflow, "q", target=here, action="takedown")

    assert records.live(workflow.pk, here) is None
    assert records.live(workflow.pk) == records.live(workflow.pk, there)
