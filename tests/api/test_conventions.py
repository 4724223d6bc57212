"""What all calls have in common: errors, pages of lists, repeated requests, limits and CORS."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from api.conventions import rate_limits
from api.conventions.request_counter import Counter
from api.models import IdempotentRequest
from tests.api.callers import key_client, make_user, superuser_client
from tests.deployments.factories import make_workflow
from workflows.models import Workflow

pytestmark = pytest.mark.django_db
JSON: dict[str, Any] = {"content_type": "application/json"}
ONCE = {"Idempotency-Key": "once"}


@pytest.fixture
def client(db: None) -> Client:
    return superuser_client()


def create(client: Client, name: str = "Orders", **headers: str) -> Any:
    return client.post("/api/workflows", {"name": name}, headers=headers, **JSON)


def test_errors_are_problems_with_paths(client: Client) -> None:
    answer = client.post("/api/workflows", {"title": "Orders", "kind": "other"}, **JSON)

    problem = answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert (problem["status"], problem["title"]) == (400, "Bad Request")
    assert {item["path"] for item in problem["problems"]} == {"kind", "title"}
    assert problem["error"] == problem["detail"]
    assert problem["instance"] == "/api/workflows"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/api/nothing", 404),
        ("get", "/api/workflows/nothing", 404),
        ("put", "/api/workflows", 405),
        ("get", "/api/workflows?limit=0", 400),
        ("get", "/api/workflows?limit=101", 400),
        ("get", "/api/workflows?cursor=x", 400),
    ],
)
def test_every_error_is_a_problem(client: Client, method: str, path: str, status: int) -> None:
    answer = getattr(client, method)(path)

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_a_mistake_of_ours_is_a_problem_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("api.routes.workflows.workflows_for", fail)
    client = superuser_client()
    client.raise_request_exception = False

    answer = client.get("/api/workflows")

    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert "secret" not in answer.content.decode()


def test_a_refused_value_is_not_repeated(client: Client) -> None:
    body = {"name": "TOKEN", "value": 12345678}

    answer = client.post("/api/env-vars", body, **JSON)

    assert answer.status_code == 400
    assert "12345678" not in answer.content.decode()


def test_a_list_is_read_page_by_page(client: Client) -> None:
    for name in ("b", "a", "b", "c", "a"):
        Workflow.objects.create(name=name, ir={})
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/api/workflows", {"limit": "2", "cursor": cursor}).json()
        seen += [row["id"] for row in page["data"]]
        cursor = page["nextCursor"]

    assert seen == list(Workflow.objects.order_by("name", "id").values_list("pk", flat=True))


def test_names_that_look_like_times_are_read_page_by_page(client: Client) -> None:
    names = ["2026-01-01", "2026-01-01 and more", "2026-01-01T10:00", "2026-02-01"]
    for name in names:
        Workflow.objects.create(name=name, ir={})
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None and len(found) <= len(names):
        page = client.get("/api/workflows", {"limit": "1", "cursor": cursor}).json()
        found += [row["name"] for row in page["data"]]
        cursor = page["nextCursor"]

    assert found == sorted(names)


def test_a_cursor_of_another_list_is_refused(client: Client) -> None:
    for name in ("a", "b"):
        Workflow.objects.create(name=name, ir={})
    cursor = client.get("/api/workflows?limit=1").json()["nextCursor"]

    assert client.get("/api/env-vars", {"cursor": cursor}).status_code == 400


def test_a_list_takes_the_same_queries_however_long_it_is(client: Client) -> None:
    counts = []
    for _ in range(3):
        for _ in range(5):
            make_workflow()
        with CaptureQueriesContext(connection) as captured:
            client.get("/api/workflows")
        counts.append(len(captured))

    assert counts[1] == counts[2]


def test_a_repeated_post_is_carried_out_once(client: Client) -> None:
    first, second = create(client, **ONCE), create(client, **ONCE)

    assert second.json() == first.json()
    assert second.status_code == 201
    assert second["Idempotent-Replayed"] == "true"
    assert Workflow.objects.count() == 1


def test_an_idempotency_key_is_for_one_request_of_one_caller(client: Client) -> None:
    create(client, **ONCE)

    other = create(key_client(make_user("ada", "workflows.add_workflow")), **ONCE)

    assert create(client, "Invoices", **ONCE).status_code == 422
    assert other.status_code == 201
    assert "Idempotent-Replayed" not in other


def test_a_request_is_refused_while_the_first_one_is_being_processed(client: Client) -> None:
    create(client, **ONCE)
    IdempotentRequest.objects.update(status=None)

    assert create(client, **ONCE).status_code == 409


def test_a_request_that_failed_can_be_sent_again(client: Client) -> None:
    assert create(client, "", **ONCE).status_code == 400
    assert create(client, "Orders", **ONCE).status_code == 201


@pytest.fixture
def limits(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {"api_requests_per_minute": 4, "api_writes_per_minute": 2}
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update=changes)
    monkeypatch.setattr(rate_limits, "_counter", Counter(rate_limits._publish))
    monkeypatch.setattr("time.time", lambda: 1_800_000_030.0)


@pytest.mark.usefixtures("limits")
def test_reads_and_writes_are_limited(client: Client) -> None:
    writes = [create(client).status_code for _ in range(3)]
    reads = [client.get("/api/workflows") for _ in range(3)]

    assert writes == [201, 201, 429]
    assert [read.status_code for read in reads] == [200, 200, 429]
    assert reads[0]["RateLimit-Limit"] == "4"
    assert reads[0]["RateLimit-Remaining"] == "1"
    assert reads[-1]["Retry-After"] == reads[-1]["RateLimit-Reset"] == "30"


@pytest.mark.usefixtures("limits")
def test_requests_without_a_key_count_for_their_address(client: Client) -> None:
    answers = [Client().get("/api/workflows").status_code for _ in range(5)]

    assert answers == [401] * 4 + [429]


@pytest.mark.usefixtures("limits")
def test_clients_whose_address_the_proxy_does_not_tell_do_not_share_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate_limits, "client_network", lambda _request: "")

    assert {Client().get("/api/workflows").status_code for _ in range(6)} == {401}


def test_pages_of_listed_origins_may_call_without_cookies(
    client: Client, settings: Settings
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://tools.example.com"]

    def allowed(origin: str) -> Any:
        return client.get("/api/workflows", headers={"Origin": origin})

    answer = allowed("https://tools.example.com")
    assert answer["Access-Control-Allow-Origin"] == "https://tools.example.com"
    assert "Access-Control-Allow-Credentials" not in answer
    assert "Access-Control-Allow-Origin" not in allowed("https://other.example.com")


def test_a_large_body_is_refused(client: Client) -> None:
    body = {"name": "LONG", "value": "x" * 200_000}

    assert client.post("/api/env-vars", body, **JSON).status_code == 413
