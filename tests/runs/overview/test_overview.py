"""The overview: its figures, and its page with a link from each figure to its runs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deployments.models import Deployment
from runs.index import writer
from runs.index.listing import Filters, filtered
from runs.models import Run, RunStep
from runs.overview import figures as overview
from runs.overview import queries as overview_figures
from runs.overview.figures import RANGES, Figures
from targets.models import Target
from tests.deployments.factories import make_target, make_workflow
from tests.runs.examples import at, attempted_step, live_deployment
from tests.runs.examples import make_run as make_run_of
from tests.support.page_text import text
from tests.support.platform_fixture import Platform
from tests.workflows.ir.documents import document, node
from workflows.services import import_document

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def target(db: None) -> Target:
    return make_target()


def make_run(target: Target, *, ago: timedelta = timedelta(minutes=1), **fields: Any) -> Run:
    created = timezone.now() - ago
    values = {
        "workflow_name": "awaitstep-w",
        "instance_id": f"r-{Run.objects.count()}",
        "status": "complete",
        "created_at": created,
        "is_open": False,
        "seconds": 2.0,
        "step_count": 1,
    }
    return Run.objects.create(target=target, **values | fields)


def figures(seconds: tuple[float, ...] = (), **by_status: int) -> Figures:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Figures(since=now, until=now, by_status=by_status, seconds=seconds)


def viewer() -> Client:
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_run"))
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(("percent", "value"), [(50, 5), (95, 10), (1, 1), (100, 10)])
def test_a_percentile_is_one_of_the_values(percent: int, value: int) -> None:
    assert overview.percentile(range(1, 11), percent) == value


def test_without_values_there_is_no_percentile_and_no_rate() -> None:
    assert (figures().p50, figures(running=3).error_rate) == (None, None)


def test_the_error_rate_ignores_terminated_and_open_runs() -> None:
    assert figures(complete=3, errored=1, terminated=9, waiting=9).error_rate == 0.25


def test_an_unknown_status_counts_as_open() -> None:
    assert figures(complete=1, hibernating=2).count("open") == 2


@pytest.mark.parametrize("span", RANGES)
def test_parts_start_on_the_hour_and_end_after_now(span: overview.Range) -> None:
    now = datetime(2026, 11, 26, 13, 47, tzinfo=UTC)

    bounds = overview.boundaries(span, now, BERLIN)

    assert len(bounds) == span.hours // span.part + 1
    assert bounds[-2] <= now < bounds[-1]
    assert all(bound.hour % span.part == 0 and bound.minute == 0 for bound in bounds)


def test_a_day_of_25_hours_is_one_part() -> None:
    bounds = overview.boundaries(RANGES[2], datetime(2026, 10, 30, 12, tzinfo=UTC), BERLIN)

    assert {bound.strftime("%H:%M") for bound in bounds} == {"00:00"}


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 1), (0.03, 0.05), (1, 1), (7, 10), (101, 200), (2000, 2000)]
)
def test_an_axis_ends_at_a_round_number(highest: float, top: float) -> None:
    assert overview.axis_top(highest) == pytest.approx(top)


def test_bars_are_stacked_inside_the_chart() -> None:
    low, high = overview.stacked_bars([{"a": 1, "b": 3, "c": 0}], top=4)

    assert (low.y, low.height, high.y, high.height) == (75, 25, 0, 75)
    assert low.x == high.x > 0


def test_every_figure_links_to_its_runs(target: Target) -> None:
    for status, seconds in [("complete", 1.0), ("complete", 9.0), ("errored", 3.0)]:
        make_run(target, status=status, seconds=seconds)
    make_run(target, status="waiting", seconds=None, is_open=True)
    make_run(target, ago=timedelta(days=2))

    page = viewer().get("/runs/overview/").content.decode()

    cards = re.search(r'<dl class="figures">.*?</dl>', page, re.DOTALL)
    links = re.findall(r'href="/runs/\?([^"]*)">([^<]+)</a>', cards[0] if cards else "")
    behind = {words: _count(query) for query, words in links}
    assert behind == {"4": 4, "2": 2, "1": 1, "33%": 1, "3.0 s": 2, "9.0 s": 1}


def _count(query: str) -> int:
    pairs = dict(re.findall(r"(\w+)=([^&]*)", unescape(query).replace("%3A", ":")))
    return filtered(
        Filters.of(pairs | {"status": pairs.get("status", "").replace("%2C", ",")})
    ).count()


def test_slow_and_retried_steps_are_listed_with_links(target: Target) -> None:
    workflow = make_workflow()
    for attempts in (1, 3):
        run = make_run(target, workflow=workflow)
        RunStep.objects.create(run=run, name="call-1", kind="step", seconds=4, attempts=attempts)
        RunStep.objects.create(run=run, name="nap-1", kind="sleep", seconds=900, attempts=0)

    found = overview_figures.step_statistics(
        workflow.pk, timezone.now() - timedelta(hours=1), timezone.now()
    )
    page = text(viewer().get(f"/runs/overview/?workflow={workflow.pk}"))

    (call,) = found.slowest
    assert (call.name, call.usual, call.runs, call.retries) == ("call", 4, 2, 2)
    assert found.most_retried == found.slowest
    assert "call" in page
    assert "nap" not in page


def looped() -> Deployment:
    """A live workflow that calls an API for each of several orders, then once more."""
    nodes = [
        node("orders", "loop", collection="[1, 2]"),
        node("a", name="call"),
        node("b", name="call"),
    ]
    workflow = import_document(document(nodes, "orders a body", "orders b then"))
    return live_deployment(workflow=workflow)


def apply(run: Run, *steps: Any) -> None:
    data = {"status": "complete", "start": at(0), "end": at(60), "steps": list(steps)}
    writer.apply_details(run, data, secrets=[])


def test_the_steps_of_a_loop_are_one_row_for_their_node(db: None) -> None:
    live = looped()
    for seconds in (1, 3, 8):
        apply(
            make_run_of(live, status="complete", is_open=False, created_at=timezone.now()),
            attempted_step((0, seconds, True), name="call [0]-1"),
            attempted_step((10, 11, False), (20, 20 + seconds, True), name="call [1]-1"),
            attempted_step((30, 31, True), name="call-1"),
        )

    now = timezone.now()
    found = overview_figures.step_statistics("", now - timedelta(hours=1), now)
    page = text(viewer().get("/runs/overview/"))

    rows = [(row.name, row.runs, row.usual, row.longest, row.retries) for row in found.slowest]
    assert rows == [("call", 3, 9.5, 18.0, 3), ("call", 3, 1.0, 1.0, 0)]
    assert live.workflow_name in page
    assert "[0]" not in page
    assert live.worker_name not in page


def test_steps_of_unknown_nodes_are_one_row_for_their_name(target: Target) -> None:
    run = make_run(target, workflow=make_workflow())
    for number, name in enumerate(
        ("call [0]-1", "call [1][7]-2", "call (attempt 2) [3]-1", "call-1")
    ):
        RunStep.objects.create(run=run, name=name, kind="step", seconds=number, attempts=1)

    now = timezone.now()
    (row,) = overview_figures.step_statistics("", now - timedelta(hours=1), now).slowest

    assert (row.name, row.runs, row.usual) == ("call", 1, 1.5)


def test_the_name_of_a_node_links_to_its_runs(db: None) -> None:
    run = make_run_of(looped(), status="complete", is_open=False)
    apply(run, attempted_step((0, 1, True), (2, 3, True), name="call [0]-1"))

    assert list(filtered(Filters(step="call", tries="2"))) == [run]
    assert list(filtered(Filters(step="call [0]-1"))) == [run]
    assert list(filtered(Filters(step="other"))) == []


def test_the_list_can_be_filtered_by_step_and_attempts(target: Target) -> None:
    slow, quick = make_run(target, seconds=60.5), make_run(target, seconds=1)
    RunStep.objects.create(run=slow, name="call-1", kind="step", attempts=2)
    RunStep.objects.create(run=quick, name="call-1", kind="step", attempts=1)

    assert set(filtered(Filters(step="call-1"))) == {slow, quick}
    assert set(filtered(Filters(step="call-1", tries="2"))) == {slow}
    assert set(filtered(Filters(took="60.5"))) == {slow}
    assert set(filtered(Filters(took="no number", tries="x"))) == {slow, quick}


def test_without_runs_the_page_says_what_to_do(target: Target) -> None:
    page = text(viewer().get("/runs/overview/"))

    assert "No runs started in the last 24 hours" in page
    assert "trigger_workflow" in page


def test_charts_have_descriptions_for_screen_readers(target: Target) -> None:
    make_run(target, status="errored")

    page = viewer().get("/runs/overview/?hours=168").content.decode()

    assert page.count("<desc ") == 3
    assert "1 run by outcome" in page
    assert "Runs per 6 hours" in page
    assert "style=" not in page[page.index("<dl") :]


def test_the_page_reloads_its_parts_every_minute(target: Target) -> None:
    make_run(target)
    client = viewer()

    whole = client.get("/runs/overview/?hours=24").content.decode()
    parts = client.get("/runs/overview/", headers={"HX-Request": "true"}).content.decode()

    assert 'hx-get="/runs/overview/?hours=24" hx-trigger="every 60s"' in whole
    assert "<html" not in parts
    for name in ("sum", "charts", "table", "slowest", "retried"):
        assert f'id="overview-{name}" data-part' in whole
        assert f'id="overview-{name}" data-part' in parts


def test_the_number_of_queries_does_not_grow_with_the_runs(target: Target) -> None:
    client, counts = viewer(), []
    for _ in range(2):
        for status in ("complete", "errored", "running"):
            run = make_run(target, status=status, ago=timedelta(hours=Run.objects.count()))
            RunStep.objects.create(run=run, name=f"s-{run.pk}", kind="step", seconds=1, attempts=2)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get("/runs/overview/")
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_an_unknown_workflow_is_not_found(target: Target) -> None:
    assert viewer().get("/runs/overview/?workflow=nobody").status_code == 404


def test_users_without_permission_are_refused(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("somebody", is_staff=True))

    assert client.get("/runs/overview/").status_code == 403
    assert client.get("/runs/workflows/").status_code == 403


def test_the_workflows_of_targets_are_listed_and_a_failing_target_shows_its_error(
    db: None, platform: Platform
) -> None:
    address = {"account_id": platform.account_id, "api_base_url": platform.api_base_url}
    make_target(name="here", api_token=platform.token, **address)
    make_target(name="nowhere", api_token="x", api_base_url="http://127.0.0.1:9/client/v4")

    page = text(viewer().get("/runs/workflows/"))

    assert "here" in page
    assert "nowhere This target could not be reached. No response from" in page
