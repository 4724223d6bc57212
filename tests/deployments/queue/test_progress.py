from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from deployments.models import Deployment
from deployments.queue import progress
from tests.deployments.factories import make_deployment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]


def test_a_deployment_that_no_process_works_on_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "_SWEEP", 0)
    deployment = make_deployment(status="queued", created_at=timezone.now() - timedelta(minutes=2))
    reports = []

    def report() -> None:
        reports.append("stalled")
        Deployment.objects.update(status="cancelled")

    progress.wait_until_final(deployment, lambda _record: None, on_stall=report)

    assert reports == ["stalled"]
