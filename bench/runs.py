"""List, search, counts and overview of 100,000 runs, compared with reading one page of rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from statistics import median, quantiles

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from runs.index import listing
from runs.index.listing import PER_PAGE, Filters
from runs.models import Run, RunStep, RunText
from targets.models import Target
from tests.deployments.factories import make_target, make_workflow

RUNS = 100_000
WORKFLOWS = 10
HOURS = 24
STEPS = ("fetch the order-1", "charge the card-1", "wait a little-1", "send the mail-1")
NEEDLE = "order-77777"
MAX_MILLISECONDS = 200.0
METHOD = f"""
Method: {RUNS:,} runs of {WORKFLOWS} workflows in the index, all from the last {HOURS} hours, with
{len(STEPS)} steps each and their texts. Requests use Django's test client after a warm-up, with
middleware, session, permissions and templates; each round does one of each. The ratio compares each
request with a bare query that reads {PER_PAGE} rows from the same table. Figures are in milliseconds;
"CPU" is the p95 of this process's CPU time, which other programs affect less; "queries" counts one
request, including session and user."""

PAGES = {
    "list": "/runs/",
    "list of a workflow": "/runs/?workflow={workflow}",
    "list of errored runs": "/runs/?status=errored",
    "search with a hit": f"/runs/?q={NEEDLE}",
    "search without a hit": "/runs/?q=nowhere-to-be-found",
    "overview, 24 hours": "/runs/overview/",
    "overview of a workflow": "/runs/overview/?workflow={workflow}",
    "overview, 30 days": "/runs/overview/?hours=720",
}


def measure(*, rounds: int) -> None:
    """Fill the current database, and print the figures."""
    print(METHOD)
    workflow = fill()
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.create_superuser("bench"))
    work = {name: _getter(client, path.format(workflow=workflow)) for name, path in PAGES.items()}
    work["counts per status"] = lambda: listing.counts(Filters())
    times = _measure_all({"bare SELECT": _bare, **work}, rounds=max(rounds, 20))
    _print(times, {name: _queries(request) for name, request in work.items()})


def _getter(client: Client, path: str) -> Callable[[], object]:
    def get() -> object:
        answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} returned {answer.status_code}")
        return answer

    return get


def _bare() -> object:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {Run._meta.db_table} LIMIT {PER_PAGE}")  # noqa: S608 - no input
        return cursor.fetchall()


def _queries(work: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        work()
    return len(captured)


@dataclass
class Times:
    """Wall times and CPU times of this process, in milliseconds."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def _measure_all(work: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, Times]:
    """Measure all in each round, after a warm-up round."""
    times = {name: Times() for name in work}
    for number in range(rounds + 1):
        for name, request in work.items():
            wall, cpu = time.perf_counter(), time.process_time()
            request()
            if number:
                times[name].cpu.append((time.process_time() - cpu) * 1000)
                times[name].wall.append((time.perf_counter() - wall) * 1000)
    return times


def _print(times: dict[str, Times], queries: dict[str, int]) -> None:
    bare = _p95(times["bare SELECT"].wall)
    print(f"\n  {'':26}{'p50':>8}{'p95':>8}{'CPU':>8}{'queries':>9}{'p95 / bare':>12}")
    for name, measured in times.items():
        high = _p95(measured.wall)
        figures = f"{median(measured.wall):8.1f}{high:8.1f}{_p95(measured.cpu):8.1f}"
        verdict = "" if high <= MAX_MILLISECONDS else f"  OVER {MAX_MILLISECONDS:.0f} ms"
        print(f"  {name:26}{figures}{queries.get(name, 1):9}{high / bare:12.0f}{verdict}")


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1]


def fill() -> str:
    """Create the runs with steps and texts; return the id of one of their workflows."""
    target, random = make_target(), Random(7)  # noqa: S311 - the same runs each time
    ids = [make_workflow().pk for _ in range(WORKFLOWS)]
    now = timezone.now()
    for start in range(0, RUNS, 10_000):
        numbers = range(start, start + 10_000)
        runs = Run.objects.bulk_create(
            [_run(number, ids, target, now=now, random=random) for number in numbers]
        )
        RunStep.objects.bulk_create(step for run in runs for step in _steps(run, random))
        RunText.objects.bulk_create(_text(run) for run in runs)
    return str(ids[0])


def _run(number: int, ids: list[str], target: Target, *, now: datetime, random: Random) -> Run:
    workflow, seconds = ids[number % len(ids)], random.expovariate(0.2)
    status = random.choices(["complete", "errored", "terminated", "running"], [90, 5, 2, 3])[0]
    created, ended = now - timedelta(hours=random.random() * HOURS), status != "running"
    return Run(
        target=target,
        workflow_id=workflow,
        workflow_name=f"awaitstep-{workflow}",
        instance_id=f"order-{number}",
        status=status,
        trigger="api",
        created_at=created,
        started_at=created,
        ended_at=created + timedelta(seconds=seconds) if ended else None,
        seconds=seconds if ended else None,
        is_open=not ended,
        step_count=len(STEPS),
        read_at=now,
    )


def _steps(run: Run, random: Random) -> Iterator[RunStep]:
    for name in STEPS:
        kind = "sleep" if "wait" in name else "step"
        attempts = 0 if kind == "sleep" else random.choice([1, 1, 1, 1, 2, 3])
        yield RunStep(run=run, name=name, kind=kind, seconds=random.random() * 3, attempts=attempts)


def _text(run: Run) -> RunText:
    params = f'{{"order": "{run.instance_id}", "customer": "customer-{run.pk % 977}", "items": ['
    items = ", ".join(f'{{"sku": "sku-{run.pk % at}", "count": {at}}}' for at in range(1, 8))
    return RunText(run=run, params=f"{params}{items}]}}", output='{"ok": true}')
