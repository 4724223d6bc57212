"""The times of lists and overviews in a filled database, as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from statistics import quantiles
from typing import Final

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments.models import Deployment

_HISTORY: Final = "/admin/deployments/deployment/"
_BUSY: Final = "w000000001"  # the workflow with the most rows
PAGES: Final = {
    "dashboard": "/",
    "deployments": _HISTORY,
    "deployments, last page": f"{_HISTORY}?p={{last}}",
    "deployments that failed": f"{_HISTORY}?status__exact=failed",
    "deployments by a rare cause": f"{_HISTORY}?cause__exact=busy",
    "deployments by a common cause": f"{_HISTORY}?cause__exact=target",
    "deployments by text, many": f"{_HISTORY}?q=shop",
    "deployments by text, none": f"{_HISTORY}?q=nowhere",
    "deployments of a workflow": f"{_HISTORY}?workflow__id__exact={_BUSY}",
    "deployments of a year": f"{_HISTORY}?created_at__year={{year}}",
    "workflows": "/admin/workflows/workflow/",
    "workflows by text": "/admin/workflows/workflow/?q=shop+999",
    "workflow, its versions": f"/workflows/{_BUSY}/versions/",
    "workflow, its deployments": f"/workflows/{_BUSY}/deployments/",
    "versions": "/admin/workflows/workflowversion/",
    "versions of a workflow": f"/admin/workflows/workflowversion/?workflow__id__exact={_BUSY}",
    "suggestions": "/workflows/options/?q=shop",
    "runs": "/runs/",
    "runs of a workflow": f"/runs/?workflow={_BUSY}",
    "runs of a small workflow": "/runs/?workflow=w000000002",
    "runs that errored": "/runs/?status=errored",
    "runs by trigger": "/runs/?trigger=cron",
    "runs by id": "/runs/?id=order-77",
    "runs by error": "/runs/?error=Error:+the+card",
    "runs by duration": "/runs/?took=99",
    "runs by step": "/runs/?step=charge&tries=2",
    "runs by text, many": "/runs/?q=customer",
    "runs by text, none": "/runs/?q=nowhere",
    "overview, 24 hours": "/runs/overview/",
    "overview, 7 days": "/runs/overview/?hours=168",
    "overview, 30 days": "/runs/overview/?hours=720",
    "overview of a workflow": f"/runs/overview/?hours=720&workflow={_BUSY}",
    "runs that wait": "/runs/waiting/",
    "Workflows on targets": "/runs/workflows/",
    "start a run": "/runs/start/",
}


def measure(*, rounds: int, only: str = "") -> None:
    """Print the CPU p95 in ms, and the number of queries, of each page as one line of JSON."""
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(username="bench"))
    first = Deployment.objects.order_by("created_at").values_list("created_at", flat=True)[0]
    values = {"last": Deployment.objects.count() // 50, "year": first.year}
    figures = {}
    for name, path in PAGES.items():
        if only in name:
            times, queries = _times(client, path.format(**values), rounds=rounds)
            figures[name] = [quantiles(times, n=20, method="inclusive")[-1], queries]
    json.dump(figures, sys.stdout)


def _times(client: Client, path: str, *, rounds: int) -> tuple[list[float], int]:
    get = _getter(client, path)
    get()
    with CaptureQueriesContext(connection) as captured:
        get()
    queries = len(captured)
    return [_milliseconds(get) for _ in range(rounds)], queries


def _milliseconds(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


def _getter(client: Client, path: str) -> Callable[[], None]:
    def get() -> None:
        answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} returned {answer.status_code}")

    return get
