"""Drafts to test-run, and the platform that runs them."""

from __future__ import annotations

import time
from typing import Any

from runs.models import TestRun
from runs.test_runs.progress import TestProgress, progress_of
from tests.support.patience import PATIENCE
from tests.workflows.ir.documents import chain, node
from workflows.models import Workflow
from workflows.services import import_document


def step(id_: str, code: str, **data: Any) -> dict[str, Any]:
    return node(id_, code=code, **data)


def campaign_document() -> dict[str, Any]:
    """A workflow that takes 17 days: a step, a sleep, a wait for an answer, and a step."""
    return chain(
        step("greet", "return { to: event.payload.email };"),
        node("pause", "sleep", duration="14 days"),
        node("answer", "wait_for_event", eventType="answered", timeout="3 days"),
        step("thank", "return `Thanks, ${answer.payload.name}`;"),
    )


def campaign() -> Workflow:
    return import_document(campaign_document())


def ended(run: TestRun) -> TestProgress:
    """Wait until the run has ended."""
    deadline = time.monotonic() + PATIENCE
    while not (progress := progress_of(run)).is_over:
        assert time.monotonic() < deadline, progress.data
        time.sleep(0.05)
    assert not progress.problem, progress.problem
    return progress


def states(progress: TestProgress) -> dict[str, str]:
    return {id_: str(state.state) for id_, state in progress.states.items()}
