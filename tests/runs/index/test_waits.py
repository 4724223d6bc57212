"""Since when a run waits for an event."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from runs.index import writer
from runs.models import Run
from tests.runs.examples import START, at, make_run, waiting_step

pytestmark = pytest.mark.django_db


def run_with(*steps: Any, status: str = "waiting") -> dict[str, Any]:
    return {"status": status, "start": at(0), "end": None, "steps": list(steps)}


def test_a_run_waits_since_the_start_of_its_oldest_open_wait() -> None:
    run = make_run()
    waits = [waiting_step(start=20, name="b-1"), waiting_step(start=5, name="a-1")]

    writer.apply_details(run, run_with(*waits), secrets=())

    assert Run.objects.get().waits_since == START + timedelta(seconds=5)


def test_the_next_wait_for_the_same_event_counts_from_its_own_start() -> None:
    run = make_run(waits_for="go", waits_since=START, status="waiting")

    writer.mark_unchanged(run, run_with(waiting_step(start=90)))

    assert Run.objects.get().waits_since == START + timedelta(seconds=90)


def test_a_run_that_has_ended_does_not_wait() -> None:
    run = make_run(waits_for="go", waits_since=START, status="waiting")

    writer.apply_details(run, run_with(status="complete"), secrets=())

    assert Run.objects.get().waits_since is None
