"""Runs started from lines: what became of each, whatever happens to target and worker."""

from __future__ import annotations

import pytest
from django.test import Client

from audit.models import Entry
from runs.bulk import batch_start, batch_work
from tests.runs.bulk.test_bulk_changes import ADA, died, performed, waited
from tests.runs.examples import live_deployment
from tests.runs.fake_target import FakeTarget, refusal
from tests.support.page_text import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]
LINES = ['{"id": "one", "params": {"n": 1}}', '{"n": 2}', "[3]"]


def test_a_batch_reports_runs_that_exist_already(answering: FakeTarget) -> None:
    answering.there = {"one"}

    made = performed(batch_start.enqueue(live_deployment(), LINES, by=ADA))

    assert (made.done, made.existing, made.failed, made.starts) == (2, 1, 0, [])
    assert made.errors[0] == {"run": "one", "message": batch_work.ALREADY_EXISTS}
    assert Entry.objects.get(action="batch of runs started").detail["runs"] == 3


def test_a_batch_starts_a_repeated_id_once(
    answering: FakeTarget, admin_client: Client
) -> None:
    lines = [LINES[0], '{"id": "one", "params": {"n": 2}}', LINES[0]]

    made = performed(batch_start.enqueue(live_deployment(), lines, by=ADA))

    assert (made.done, made.existing, made.failed) == (1, 2, 0)
    assert answering.bodies == [[{"instance_id": "one", "params": '{"n": 1}'}]]
    assert made.errors[0]["message"].startswith("Line 2 has the same id as line 1")
    page = text(admin_client.get(made.get_absolute_url()))
    assert "1 started, 2 already existed" in page
    assert "Line 3 has the same id as line 1" in page


def test_a_batch_that_was_sent_before_a_crash_starts_no_run_twice(
    answering: FakeTarget,
) -> None:
    made = batch_start.enqueue(live_deployment(), LINES[1:], by=ADA)
    answering.there = {line["instance_id"] for line in made.starts}
    died(made)

    performed(made)

    assert (made.done, made.failed, made.starts) == (2, 0, [])


def test_a_batch_waits_for_a_rate_limited_target(answering: FakeTarget) -> None:
    answering.refuses["POST"] = [refusal(429, retry_after="60")]

    made = performed(batch_start.enqueue(live_deployment(), LINES, by=ADA))
    seconds = waited(made)
    performed(made)

    assert 50 < seconds <= 60
    assert (made.done, made.failed) == (3, 0)


def test_a_refused_batch_keeps_no_payload(answering: FakeTarget) -> None:
    answering.refuses["POST"] = [refusal(403)]

    made = performed(batch_start.enqueue(live_deployment(), LINES, by=ADA))

    assert (made.done, made.failed, made.starts) == (0, 3, [])
    assert "may not start 3 runs" in made.errors[0]["message"]
