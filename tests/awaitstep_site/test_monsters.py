"""While input that is slow to parse is being rejected, every other page responds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from tests.deployments.factories import make_deployment
from tests.support.examples import examples
from tests.workflows.ir.documents import chain, document, node
from tests.workflows.monsters import NAMES, monsters
from workflows.models import Workflow

SIZE = examples(100_000, 240_000)
CHOSEN = NAMES[: examples(3, len(NAMES))]
# Seconds. A parser that holds up all pages takes 12 and more for these texts; a busy machine takes up to 3
# for a page. The long run, on a quiet machine, allows one second.
SLOWEST = float(examples(6, 1))
PAGES = (
    "/",
    "/runs/",
    "/runs/overview/",
    "/runs/waiting/",
    "/admin/workflows/workflow/",
    "/admin/workflows/environmentvariable/",
    "/admin/deployments/deployment/",
)
ADD = "/admin/workflows/workflow/add/?form"
Post = Callable[[Client], object]


def workflow_form(ir: object, **more: str) -> Post:
    """Return the post of a new workflow."""
    text = ir if isinstance(ir, str) else json.dumps(ir)
    bindings = {"declared_bindings-TOTAL_FORMS": "0", "declared_bindings-INITIAL_FORMS": "0"}
    form = {"name": "x", "ir": text, "dependencies": "{}", **bindings, **more}
    return lambda client: client.post(ADD, form)


def single(type_: str, **data: Any) -> Post:
    return workflow_form(chain(node("a", type_, **data)))


def payload(text: str) -> Post:
    return lambda client: client.post("/runs/start/check/", {"payload": text})


def event(text: str) -> Post:
    body = text[:100_000]
    return lambda client: client.post("/api/events/x", body, content_type="application/json")


def imported(document: object, entry_code: str = "") -> Post:
    """Return the post that shows the preview of an import."""
    text = document if isinstance(document, str) else json.dumps(document)
    form = {"text": text, "entry_code": entry_code}
    return lambda client: client.post("/workflows/import/", form)


def to_workflow(address: str, **form: str) -> Post:
    """Return the post of a form to a page of the only workflow."""
    return lambda client: client.post(address.format(Workflow.objects.get().pk), form)


def operation(text: str) -> Post:
    """Return the post of a change that sets the code of a node."""
    change = {"type": "fill_form", "node": "only", "posted": {"data.code": [text]}}

    def send(client: Client) -> object:
        workflow = Workflow.objects.get()
        body = json.dumps({"revision": workflow.draft_revision, "operation": change})
        address = f"/workflows/{workflow.pk}/draft/change/"
        return client.post(address, body, content_type="application/json")

    return send


FIELDS: dict[str, Callable[[str], Post]] = {
    "the document": workflow_form,
    "code": lambda text: single("step", code=text),
    "an expression": lambda text: single("loop", collection=text),
    "a condition": lambda text: single("branch", branches=[{"label": "x", "condition": text}]),
    "a URL": lambda text: single("http_request", url=f"https://x.test/{text}"),
    "a body": lambda text: single("http_request", url="https://x.test", body=text),
    "a moment": lambda text: single("sleep_until", timestamp=text),
    "a schema": lambda text: single("wait_for_event", eventType="x", schema={"pattern": text}),
    "a cron expression": lambda text: workflow_form(
        document([node("a")], trigger={"type": "cron", "expression": text})
    ),
    "the entry code": lambda text: workflow_form(chain(node("a")), entry_code=text),
    "the npm packages": lambda text: workflow_form(chain(node("a")), dependencies=text),
    "an imported document": imported,
    "imported code": lambda text: imported(chain(node("a", code=text, inline=True))),
    "an imported URL": lambda text: imported(chain(node("a", "http_request", url=f"${{{text}}}"))),
    "imported entry code": lambda text: imported(chain(node("a")), f"@fetch {text}"),
    "a payload": payload,
    "a batch": lambda text: to_workflow("/runs/batch/?workflow={}", lines=text),
    "pasted variables": lambda text: to_workflow("/workflows/{}/variables/paste/", env=text),
    "an operation of the editor": operation,
    "a test as JSON": lambda text: to_workflow("/workflows/{}/tests/edit/", text=text),
    "the body of an event": event,
}


@pytest.fixture
def clients(transactional_db: None) -> Iterator[tuple[Client, Client]]:
    """The client of a user who posts, and of one who views pages."""
    make_deployment()
    user = User.objects.create_superuser("admin")
    both = (Client(), Client())
    for client in both:
        client.force_login(user)
    yield both
    connection.close()


@pytest.mark.parametrize("field", FIELDS)
def test_pages_answer_while_a_field_holds_a_monster(
    field: str, clients: tuple[Client, Client]
) -> None:
    poster, reader = clients
    for page in PAGES:
        _seconds(reader, page)  # the first time loads its templates
    with ThreadPoolExecutor(1) as threads:
        posts = [FIELDS[field](monsters(SIZE)[name]) for name in CHOSEN]
        posting = threads.submit(_post_all, poster, posts)
        slowest = 0.0
        while not posting.done():
            for page in PAGES:
                slowest = max(slowest, _seconds(reader, page))
        posting.result()

    assert slowest < SLOWEST


def _post_all(client: Client, posts: list[Post]) -> None:
    try:
        for post in posts:
            post(client)
    finally:
        connection.close()


def _seconds(client: Client, page: str) -> float:
    started = time.monotonic()
    assert client.get(page).status_code == 200
    return time.monotonic() - started
