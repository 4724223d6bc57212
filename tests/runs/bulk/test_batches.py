"""Batches of runs: their results, even if the target or the worker fails."""

from __future__ import annotations

import pytest
from django.test import Client

from audit.models import Entry
from runs.bulk import batch_start, batch_work
from tests.runs.bulk.test_bulk_changes import ADA, abandon, perform, skip_wait
from tests.runs.examples import live_deployment
from tests.runs.fake_api import FakeApi, refusal
from tests.support.page_text import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]
LINES = ['{"id": "one", "params": {"n": 1}}', '{"n": 2}', "[3]"]


def test_a_batch_reports_runs_that_exist_already(fake_api: FakeApi) -> None:
    fake_api.existing_ids = {"one"}

    change = perform(batch_start.enqueue(live_deployment(), LINES, by=ADA))

    assert (change.done, change.existing, change.failed, change.starts) == (2, 1, 0, [])
    assert change.errors[0] == {"run": "one", "message": batch_work.ALREADY_EXISTS}
    assert Entry.objects.get(action="batch of runs started").detail["runs"] == 3


def test_a_batch_starts_a_repeated_id_once(fake_api: FakeApi, admin_client: Client) -> None:
    lines = [LINES[0], '{"id": "one", "params": {"n": 2}}', LINES[0]]

    change = perform(batch_start.enqueue(live_deployment(), lines, by=ADA))

    assert (change.done, change.existing, change.failed) == (1, 2, 0)
    assert fake_api.bodies == [[{"instance_id": "one", "params": '{"n": 1}'}]]
    assert change.errors[0]["message"].startswith("Line 2 has the same id as line 1")
    page = text(admin_client.get(change.get_absolute_url()))
    assert "1 started, 2 already existed" in page
    assert "Line 3 has the same id as line 1" in page


def test_a_batch_that_was_sent_before_a_crash_starts_no_run_twice(
    fake_api: FakeApi,
) -> None:
    change = batch_start.enqueue(live_deployment(), LINES[1:], by=ADA)
    fake_api.existing_ids = {line["instance_id"] for line in change.starts}
    abandon(change)

    perform(change)

    assert (change.done, change.failed, change.starts) == (2, 0, [])


def test_a_batch_waits_for_a_rate_limited_target(fake_api: FakeApi) -> None:
    fake_api.refusals["POST"] = [refusal(429, retry_after="60")]

    change = perform(batch_start.enqueue(live_deployment(), LINES, by=ADA))
    seconds = skip_wait(change)
    perform(change)

    assert 50 < seconds <= 60
    assert (change.done, change.failed) == (3, 0)


def test_a_refused_batch_keeps_no_payload(fake_api: FakeApi) -> None:
    fake_api.refusals["POST"] = [refusal(403)]

    change = perform(batch_start.enqueue(live_deployment(), LINES, by=ADA))

    assert (change.done, change.failed, change.starts) == (0, 3, [])
    assert "is not allowed to start 3 runs" in change.errors[0]["message"]
