"""The page of a run that failed outside of its steps."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.runs.examples import live_deployment, make_run
from tests.support.page_text import markup, text
from tests.workflows.ir.documents import branch, chain, document, node

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]
FAILED = {"status": "errored", "steps": [], "error": {"name": "TypeError", "message": "no total"}}


@pytest.fixture(autouse=True)
def target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runs.sync.poller.describe", lambda *_args: FAILED)


def failed_run(client: Client, ir: dict[str, Any], **fields: Any) -> Any:
    run = make_run(live_deployment(ir=ir, **fields), status="errored")
    return client.get(f"/runs/{run.pk}/")


def test_a_run_that_failed_in_a_condition_shows_the_node_and_its_picture(
    admin_client: Client,
) -> None:
    arms = branch("big", yes="event.payload.total > 1", no="")
    page = failed_run(admin_client, document([arms, node("a")], "big a yes"))

    assert "Failed at big" in text(page)
    assert "The error occurred when the settings of this node were evaluated" in text(page)
    assert "?node=big" in markup(page)
    assert "pic-failed" in markup(page)


@pytest.mark.parametrize("entry_code", ["", "export default {};"])
def test_a_run_that_failed_before_its_first_step_shows_its_picture_and_what_may_have_failed(
    admin_client: Client, entry_code: str
) -> None:
    page = failed_run(admin_client, chain(node("a", name="Read")), entry_code=entry_code)

    assert "Failed before the first step" in text(page)
    assert "a value that is evaluated before the step of Read starts." in text(page)
    assert ("in the entry code , or in" in text(page)) is bool(entry_code)
    assert "pic-not_reached" in markup(page)
