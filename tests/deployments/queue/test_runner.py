from __future__ import annotations

import pytest

from deployments.queue import claims, request_factory, runner
from tests.deployments.factories import make_deployment, make_target

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_workflow_that_is_deleted_while_it_waits_is_not_deployed() -> None:
    waiting = make_deployment(target=make_target())
    assert waiting.workflow
    waiting.workflow.delete()
    held = claims.claim()
    assert held

    runner.perform(held)

    waiting.refresh_from_db()
    assert (waiting.status, waiting.stage, waiting.uploaded) == ("failed", "INITIALIZING", "no")
    assert waiting.message == request_factory.WORKFLOW_DELETED


def test_a_target_that_is_deleted_while_a_deployment_waits_is_reported() -> None:
    waiting = make_deployment(target=make_target())
    assert waiting.target
    waiting.target.delete()
    held = claims.claim()
    assert held

    runner.perform(held)

    waiting.refresh_from_db()
    assert waiting.status == "failed"
    assert "account has been deleted" in waiting.message
