"""Responses to the editor's operations with 200 and 1,000 nodes, compared with only reading the draft."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from statistics import median, quantiles
from typing import Any, Final

from django.contrib.auth.models import User
from django.test import Client

from bench.graphs import SHAPES, Graph
from workflows import services
from workflows.models import Workflow
from workflows.node_types.registered import all_types
from workflows.nodes.documents import parse

GOALS: Final = {200: 150.0, 1_000: 400.0}
METHOD = """
Method: a document is opened in the editor, then operations are posted one after another as the page posts
them: add, configure, rename, move, delete and undo at random places, with Django's test client, with
session, permissions, database, and all parts of the page in the response. A third of the nodes are branches.
Figures are in milliseconds; "p95" is over all operations; the ratio compares the median with reading and
checking the same document once ("parse"). The problems of the draft are a second request."""


def measure(*, rounds: int) -> None:
    """Print the figures for both sizes."""
    print(METHOD)
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.create_superuser("editor"))
    for size, goal in GOALS.items():
        document = SHAPES["sequential branches"](size)
        parsing = [_milliseconds(partial(parse, document, all_types())) for _ in range(5)]
        times = list(_operations(client, document, count=max(rounds, 10) * 6))[6:]
        p95 = quantiles(times, n=20)[-1]
        ratio = median(times) / median(parsing)
        verdict = "kept" if p95 <= goal else "EXCEEDED"
        print(
            f"  {size:>5} nodes: median {median(times):6.1f}  p95 {p95:6.1f}  parse {median(parsing):6.1f}"
            f"  ratio {ratio:4.2f}  (goal {goal:g}: {verdict})"
        )


def _operations(client: Client, document: Graph, *, count: int) -> Iterator[float]:
    """Yield how long each operation took."""
    workflow = Workflow(ir=document)
    services.save_draft(workflow)
    random = Random(1)  # noqa: S311 - the same every time
    client.get(f"/admin/workflows/workflow/{workflow.pk}/change/")
    for number in range(count):
        current = Workflow.objects.get(pk=workflow.pk)
        ids = [item["id"] for item in current.ir["nodes"] if item["type"] == "step"]
        path, operation = _operation(number, ids, random)
        body = json.dumps({"revision": current.draft_revision, "operation": operation})
        address = f"/workflows/{workflow.pk}/draft/{path}/"

        def post(address: str = address, body: str = body) -> None:
            answer = client.post(address, body, content_type="application/json")
            if answer.status_code not in (200, 422):
                raise AssertionError(answer.content[:200])

        yield _milliseconds(post)


def _operation(number: int, ids: list[str], random: Random) -> tuple[str, dict[str, Any]]:
    node, other = random.sample(ids, 2)
    operations: list[dict[str, Any]] = [
        {"type": "add", "node_type": "step", "slot": {"after": node}},
        {"type": "configure", "node": node, "field": "data.retryLimit", "value": number % 10},
        {"type": "rename", "node": node, "name": f"Renamed {number}"},
        {"type": "move", "nodes": [node], "slot": {"after": other}},
        {"type": "delete", "nodes": [node]},
    ]
    turn = number % (len(operations) + 1)
    return ("undo", {}) if turn == len(operations) else ("change", operations[turn])


def _milliseconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000
