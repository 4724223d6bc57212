"""Runs on the dashboard."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from runs.overview import dashboard_summary
from tests.deployments.factories import make_deployment
from tests.runs.examples import live_deployment, make_run, workflow_of
from tests.support.page_text import text
from tests.support.sessions import LogIn

pytestmark = pytest.mark.django_db


def hours_ago(hours: float) -> dict[str, Any]:
    return {"created_at": timezone.now() - timedelta(hours=hours), "is_open": False}


def test_waiting_runs_need_attention_and_link_to_their_page(admin_client: Client) -> None:
    run = make_run(status="waiting", waits_for="approve")
    make_run(run.deployment, status="sleeping")

    page = admin_client.get("/")

    assert "1 run is waiting for a person" in text(page)
    assert "for approve" in text(page)
    assert "Nothing needs attention" not in text(page)
    assert 'href="/runs/waiting/"' in page.content.decode()


def test_a_workflow_shows_the_runs_and_errors_of_the_last_day(admin_client: Client) -> None:
    run = make_run(status="errored", **hours_ago(1))
    make_run(run.deployment, status="complete", **hours_ago(1))
    make_run(run.deployment, status="complete", **hours_ago(23.9))
    make_run(run.deployment, status="errored", **hours_ago(25))

    page = admin_client.get("/")

    found = dashboard_summary.day_summaries([workflow_of(run).pk])[workflow_of(run).pk]
    assert (found.total, found.errors) == (3, 1)
    assert [(bar.x, bar.height, bar.errors) for bar in found.bars] == [(0, 10, 0), (84, 20, 10)]
    assert "3 runs , 1 errored" in text(page)


def test_the_last_day_of_all_workflows_takes_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    target = live_deployment().target
    runs = [make_run(make_deployment(target=target), **hours_ago(2)) for _ in range(3)]

    with django_assert_num_queries(1):
        found = dashboard_summary.day_summaries(workflow_of(run).pk for run in runs)

    assert len(found) == 3


def test_a_user_who_may_not_view_runs_sees_none_on_the_dashboard(log_in: LogIn) -> None:
    make_run(status="waiting", waits_for="approve", **hours_ago(1))

    page = text(log_in("deployments.view_deployment").get("/"))

    assert "for somebody" not in page
    assert "Runs (24 h)" not in page
