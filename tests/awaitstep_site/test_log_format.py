"""The log as JSON, and the ids of its lines."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.utils import timezone
from structlog.contextvars import bound_contextvars, get_contextvars

from awaitstep_site.log_format import TextFormatter, json_formatter
from deployments.queue import claims, runner
from runs.sync import poller
from runs.sync.call_budget import Budget, Use
from runs.sync.poll_state import TargetState
from targets.lookup import account_of
from tests.deployments.factories import make_deployment, make_target
from tests.runs.examples import make_run
from tests.support.installation import Installation
from tests.support.plain_http import request
from tests.web.gateway.requests import http_scope, respond, teapot
from web.asgi import Receive, Scope, Send
from web.logs.request_ids import RequestIds

Lines = Callable[[], list[dict[str, Any]]]
PASSWORD = "hunter2-and-more"
logger = logging.getLogger(__name__)


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Return a function that parses what has been logged."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(json_formatter())
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


def fail(password: str) -> None:
    raise ValueError(f"{len(password)} characters\nin two lines")


def test_an_address_or_a_name_adds_no_line_to_the_log() -> None:
    made = logging.LogRecord("web", 30, "", 1, "no page %s", ("/a\n2026 INFO \x1b[2Jforged",), None)

    text = TextFormatter("{levelname} {name}: {message}", style="{").format(made)

    assert text == "WARNING web: no page /a\\n2026 INFO \\u001b[2Jforged"


def test_the_log_of_a_server_is_one_line_for_each_event() -> None:
    assert isinstance(logging.getLogger().handlers[0].formatter, TextFormatter)


def test_an_event_is_one_line_with_its_ids(lines: Lines) -> None:
    with bound_contextvars(deployment=7, workflow="abc"):
        logger.warning("a %s\nof two lines", "message")

    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "a message\nof two lines",
        "level": "warning",
        "logger": __name__,
        "deployment": 7,
        "workflow": "abc",
    }


def test_a_traceback_has_no_values_of_variables(lines: Lines) -> None:
    try:
        fail(PASSWORD)
    except ValueError:
        logger.exception("it failed")

    (line,) = lines()
    assert "ValueError: 16 characters\nin two lines" in line["exception"]
    assert PASSWORD not in json.dumps(line)


@pytest.mark.long
@pytest.mark.parametrize("setting", ["text", "json"])
def test_the_setting_selects_the_format(tmp_path: Path, setting: str) -> None:
    installation = Installation(tmp_path / "data", more_env={"AWAITSTEP_LOG_FORMAT": setting})
    code = "import logging; logging.getLogger('web').warning('the %s', 'event')"

    (line,) = installation.manage("shell", "-v", "0", "-c", code).stderr.splitlines()
    installation.stop()

    if setting == "json":
        assert json.loads(line)["event"] == "the event"
    else:
        assert line.endswith(" WARNING web: the event")


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [
        ("8c1f0f0e-6a0f-4d0c-9c53-8a7e5f6f2f11", True),
        ("proxy_1.42", True),
        ("", False),
        ("with space", False),
        ("x" * 129, False),
        ('{"injected": 1}', False),
    ],
)
def test_a_request_keeps_a_well_formed_id(sent: str, *, is_kept: bool) -> None:
    _, headers = respond(RequestIds(teapot), http_scope("/", x_request_id=sent))

    assert (headers["x-request-id"] == sent) is is_kept
    assert len(headers["x-request-id"]) == (len(sent) if is_kept else 32)


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("/", {}),
        ("/deployments/7/output/", {"deployment": 7}),
        ("/runs/12/", {"run": 12}),
        ("/runs/logs/abcdefghij/", {"workflow": "abcdefghij"}),
        ("/workflows/2345678923/draft/", {"workflow": "2345678923"}),
        ("/api/workflows/abcdefghij/test", {"workflow": "abcdefghij"}),
        ("/workflows/import/", {}),
        ("/deployments/" + "9" * 30 + "/", {}),
    ],
)
def test_a_request_is_bound_to_the_ids_in_its_address(path: str, ids: dict[str, Any]) -> None:
    bound: list[dict[str, Any]] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        bound.append(get_contextvars())
        await teapot(scope, receive, send)

    respond(RequestIds(application), http_scope(path, x_request_id="one"))

    assert bound == [{"request_id": "one", **ids}]
    assert get_contextvars() == {}


@pytest.mark.django_db(transaction=True)
def test_the_lines_of_a_page_have_the_ids_of_its_request(lines: Lines) -> None:
    scope = http_scope("/deployments/7/nothing/", host="127.0.0.1", x_request_id="one")

    status, _ = respond(RequestIds(ASGIHandler()), scope)  # type: ignore[arg-type]

    (line,) = (line for line in lines() if line["logger"] == "django.request")
    assert (status, line["request_id"], line["deployment"]) == (404, "one", 7)


@pytest.mark.django_db
def test_the_lines_of_a_deployment_have_its_ids(lines: Lines) -> None:
    deployment = make_deployment(target=make_target(frozen_from=timezone.now()))
    claimed = claims.claim()
    assert claimed

    runner.perform(claimed)

    (line,) = (line for line in lines() if line["logger"] == "deployments.queue.runner")
    assert line["event"] == f"deployment {deployment.pk} ended: failed"
    assert (line["deployment"], line["workflow"]) == (deployment.pk, deployment.workflow_public_id)


@pytest.mark.django_db
def test_the_lines_of_a_run_have_its_ids(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_args: Any, **_options: Any) -> bool:
        raise ZeroDivisionError

    run = make_run()
    account = account_of(run.target)
    state = TargetState(target=run.target, account=account, budget=Budget(account.account_id))
    monkeypatch.setattr(poller, "read", crash)

    poller.Poller()._read(state, run, Use.READS)

    (line,) = lines()
    assert (line["run"], line["workflow"]) == (run.pk, run.workflow_id)
    assert "ZeroDivisionError" in line["exception"]


def test_every_response_of_the_server_has_an_id(installation: Installation) -> None:
    base = f"http://127.0.0.1:{installation.port}"
    paths = ["/healthz", "/", "/events/", "/admin/login/", "/static/awaitstep/styles/tokens.css"]
    headers = {"X-Request-ID": "from-the-proxy"}

    ids = {path: request("GET", base + path, headers=headers).headers for path in paths}

    assert {path: found.get("x-request-id") for path, found in ids.items()} == dict.fromkeys(
        paths, "from-the-proxy"
    )
