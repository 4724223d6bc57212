"""Lists of many runs: what is looked up first, and how far is counted and searched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from runs.index import listing
from runs.index.listing import Filters
from runs.models import Run, RunStep, RunText
from tests.runs.examples import START, make_run
from tests.support.page_text import text

pytestmark = pytest.mark.django_db

FILTERS = [
    Filters(),
    Filters(trigger="cron"),
    Filters(target="account"),
    Filters(status="errored"),
    Filters(id="run-1"),
    Filters(error="Error: 1"),
    Filters(took="9"),
    Filters(step="charge", tries="2"),
    Filters(q="needle-1"),
]


def store(number: int) -> None:
    """Store runs of one workflow, a minute apart, of which a few are unusual."""
    first = Run.objects.first() or make_run(instance_id="first")
    fields = {name: getattr(first, name) for name in ("target", "workflow", "workflow_name")}
    runs = Run.objects.bulk_create(
        Run(
            **fields,
            instance_id=f"run-{at}",
            status="errored" if at % 10 == 1 else "complete",
            trigger="cron" if at % 10 == 1 else "api",
            error=f"Error: {at}" if at % 10 == 1 else "",
            seconds=at % 11,
            is_open=False,
            created_at=START + timedelta(minutes=at + 1),
        )
        for at in range(number)
    )
    RunText.objects.bulk_create(
        RunText(run=run, params=f"needle-{run.instance_id[4:]}") for run in runs
    )
    RunStep.objects.bulk_create(
        RunStep(run=run, name="charge", kind="step", attempts=1 + (run.seconds == 3))
        for run in runs
    )


@pytest.fixture
def set_rare(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Set how many runs may match a rare condition."""
    return lambda number: monkeypatch.setattr(listing, "_RARE", number)


@pytest.mark.parametrize("filters", FILTERS, ids=lambda filters: filters.query() or "all")
@pytest.mark.parametrize("rare", [0, 1000])
def test_the_same_runs_are_listed_whether_a_condition_is_rare_or_not(
    set_rare: Callable[[int], None], filters: Filters, rare: int
) -> None:
    store(60)
    set_rare(rare)
    expected = list(listing.filtered(filters).order_by("-created_at", "-pk"))

    assert listing.page(filters).runs == expected[: listing.PER_PAGE]
    assert sum(listing.counts(filters).numbers.values()) >= len(expected) > 0


@pytest.mark.parametrize("filters", FILTERS, ids=lambda filters: filters.query() or "all")
def test_the_number_of_queries_does_not_depend_on_the_number_of_runs(
    admin_client: Client, filters: Filters
) -> None:
    address, queries = f"/runs/?{filters.query()}", []
    for number in (15, 45):
        store(number)
        admin_client.get(address)
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get(address).status_code == 200
        queries.append(len(captured))
        Run.objects.exclude(instance_id="first").delete()

    assert queries[0] == queries[1]


def plans(captured: CaptureQueriesContext) -> Iterator[str]:
    """Yield the steps of SQLite's query plans that read runs."""
    for query in captured.captured_queries:
        if '"runs_run' in query["sql"] and query["sql"].startswith("SELECT"):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                yield from (detail for *_, detail in cursor.fetchall())


@pytest.mark.parametrize("filters", FILTERS, ids=lambda filters: filters.query() or "all")
def test_lists_read_runs_by_an_index_and_do_not_sort_all_of_them(
    admin_client: Client, set_rare: Callable[[int], None], filters: Filters
) -> None:
    store(60)
    set_rare(0)

    with CaptureQueriesContext(connection) as captured:
        admin_client.get(f"/runs/?{filters.query()}")

    steps = list(plans(captured))
    assert [step for step in steps if re.search(r"SCAN runs_\w+$|TEMP B-TREE", step)] == []
    assert any("USING" in step for step in steps)


def test_the_start_of_an_id_is_case_sensitive(set_rare: Callable[[int], None]) -> None:
    lower = make_run(instance_id="order-1")
    upper = make_run(lower.deployment, instance_id="Order-1")

    for rare in (0, 1000):
        set_rare(rare)
        assert listing.page(Filters(id="order")).runs == [lower]
        assert listing.page(Filters(id="Order")).runs == [upper]
        assert listing.page(Filters(id="rder")).runs == []


def test_each_status_is_counted_up_to_a_limit(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(60)
    monkeypatch.setattr(listing, "MAX_COUNTED", 7)

    counts = listing.counts(Filters())
    shown = text(admin_client.get("/runs/"))

    assert [counts.text(name) for name in ("complete", "errored", "running")] == ["7+", "6", "1"]
    assert "Complete 7+ Errored 6" in shown


def test_with_a_filter_the_statuses_of_the_newest_runs_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store(60)
    monkeypatch.setattr(listing, "MAX_COUNTED", 7)

    counts = listing.counts(Filters(since="2025-12-31"))

    assert [counts.text(name) for name in ("complete", "errored", "paused")] == ["7+", "", ""]
    assert set(counts.numbers) == {"complete", "errored", "running"}


def test_texts_of_the_newest_runs_are_searched_with_a_link_to_older_ones(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(29)
    monkeypatch.setattr(listing, "MAX_SEARCHED", 10)

    found = admin_client.get("/runs/?q=needle-2")
    query = found.context["older_query"]
    older = admin_client.get(f"/runs/?{query}")

    assert {run.instance_id for run in found.context["page"].runs} >= {"run-28", "run-20"}
    assert "Search older runs" in text(found)
    assert "run-2" not in {run.instance_id for run in older.context["page"].runs}
    last = admin_client.get(f"/runs/?{older.context['older_query']}")
    assert [run.instance_id for run in last.context["page"].runs] == ["run-2"]
    assert "Search older runs" not in text(last)
