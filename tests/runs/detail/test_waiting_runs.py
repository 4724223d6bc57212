"""The page of waiting runs, in order of their timeouts."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from deployments.models import Deployment
from runs.detail import waiting_runs
from tests.runs.examples import START, live_deployment, make_run
from tests.runs.fake_api import FakeApi
from tests.support.page_text import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A deployment whose target is never called."""
    monkeypatch.setattr(waiting_runs, "_fetch_all", lambda _runs: {})
    return live_deployment()


def listed_ids(page: Any) -> list[str]:
    return [item.run.instance_id for item in page.context["page"].shown]


def test_waiting_runs_are_paginated_in_order_of_their_timeout(
    admin_client: Client, live: Deployment
) -> None:
    for number in reversed(range(45)):
        due = START + timedelta(minutes=number // 2) if number < 43 else None
        fields = {"status": "waiting", "waits_for": "go", "due_at": due}
        make_run(live, instance_id=f"w{number:02}", **fields)
    make_run(live, instance_id="asleep", status="sleeping")

    seen: list[str] = []
    page = admin_client.get("/runs/waiting/")
    seen += listed_ids(page)
    while cursor := page.context["page"].next:
        page = admin_client.get("/runs/waiting/", {"after": cursor})
        seen += listed_ids(page)

    assert sorted(seen) == [f"w{number:02}" for number in range(45)]
    assert set(seen[:20]) == {f"w{number:02}" for number in range(20)}
    assert "of 45" in text(page)
    assert "status=waiting" not in page.content.decode()


def test_an_invalid_cursor_shows_the_first_page(admin_client: Client, live: Deployment) -> None:
    make_run(live, instance_id="w", status="waiting", waits_for="go")

    assert listed_ids(admin_client.get("/runs/waiting/", {"after": "odd_x"})) == ["w"]


def test_a_truncated_value_can_be_downloaded_whole(admin_client: Client, fake_api: FakeApi) -> None:
    run = make_run(live_deployment())
    fake_api.params = list(range(5_000))

    page = admin_client.get(f"/runs/{run.pk}/")
    answer = admin_client.get(f"/runs/{run.pk}/values/payload/")

    assert f'href="/runs/{run.pk}/values/payload/"' in page.content.decode()
    assert json.loads(answer.content) == list(range(5_000))
    assert "attachment" in answer["Content-Disposition"]
    assert admin_client.get(f"/runs/{run.pk}/values/odd/").status_code == 404
