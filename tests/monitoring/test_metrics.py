"""Metrics, read by the parser of Prometheus' own client."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_eventstream.views import Listener, get_listener_manager
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr, ValidationError
from pytest_django import Settings

from awaitstep_site.env import Environment
from deployments.models import Deployment, StageRecord
from monitoring import deployment_counts
from monitoring.asgi_routes import MonitoringRoutes
from monitoring.gauges import RUNS_INTERVAL, Gauges
from monitoring.metrics import CONTENT_TYPE, Metrics
from runs.sync.call_budget import Budget, Use
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.runs.examples import make_run
from tests.web.gateway.requests import http_scope, respond, teapot
from web.streams.listener import open_streams
from workflows.services import set_variable

pytestmark = pytest.mark.django_db

TOKEN = "a-token-of-24-characters"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "operating.md"
START = datetime(2026, 1, 1, 12, tzinfo=timezone.get_default_timezone())


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(since=START)


def values(metrics: Metrics) -> dict[str, float]:
    """Return the samples, with their labels as Prometheus shows them."""
    return {
        _name(sample.name, sample.labels): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
    }


def _name(name: str, labels: dict[str, str]) -> str:
    inside = ",".join(f"{label}={value}" for label, value in sorted(labels.items()))
    return f"{name}{{{inside}}}" if inside else name


def enter(deployment: Deployment, *stages: tuple[str, float]) -> None:
    """Add records of the stages, entered these seconds after START."""
    number = deployment.records.count()
    for count, (stage, seconds) in enumerate(stages, start=number + 1):
        at = START + timedelta(seconds=seconds)
        StageRecord.objects.create(
            deployment=deployment, number=count, stage=stage, progress=0, entered_at=at
        )


def ended(result: str, cause: str = "") -> str:
    return f"awaitstep_deployments_ended_total{{cause={cause},result={result}}}"


def test_deployments_are_counted_by_result_and_cause(metrics: Metrics) -> None:
    enter(make_deployment(status="succeeded"), ("INITIALIZING", 1), ("COMPLETED", 2))
    enter(make_deployment(status="failed", cause="code"), ("INITIALIZING", 1), ("FAILED", 2))
    enter(make_deployment(status="cancelled"), ("FAILED", 2))
    enter(make_deployment(status="running"), ("INITIALIZING", 1))

    found = values(metrics)

    assert (found[ended("succeeded")], found[ended("failed", "code")]) == (1, 1)
    assert (found[ended("cancelled")], found[ended("interrupted")]) == (1, 0)
    assert values(metrics)[ended("succeeded")] == 1


def test_deployments_before_the_start_of_the_process_are_not_counted(metrics: Metrics) -> None:
    enter(make_deployment(status="succeeded"), ("COMPLETED", -1))
    enter(make_deployment(status="succeeded"), ("COMPLETED", 1))

    assert values(metrics)[ended("succeeded")] == 1


def test_the_durations_of_stages_are_a_histogram(metrics: Metrics) -> None:
    deployment = make_deployment(status="running")
    enter(deployment, ("INITIALIZING", 0), ("GENERATING_CODE", 0.2))
    values(metrics)
    enter(deployment, ("CODE_READY", 3.2))

    found = values(metrics)

    name, stage = "awaitstep_deployment_stage_seconds", "stage=GENERATING_CODE"
    assert found[f"{name}_sum{{{stage}}}"] == pytest.approx(3.0)
    assert found[f"{name}_bucket{{le=2.5,{stage}}}"] == 0
    assert found[f"{name}_bucket{{le=5.0,{stage}}}"] == found[f"{name}_count{{{stage}}}"] == 1
    assert found[f"{name}_count{{stage=INITIALIZING}}"] == 1
    assert found[f"{name}_count{{stage=CODE_READY}}"] == 0


def test_a_long_list_of_records_is_read_in_parts(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment_counts, "MAX_RECORDS", 2)
    for _ in range(3):
        enter(make_deployment(status="succeeded"), ("COMPLETED", 1))

    assert [values(metrics)[ended("succeeded")] for _ in range(3)] == [2, 3, 3]


def test_the_depth_of_the_queue(metrics: Metrics) -> None:
    make_deployment(created_at=timezone.now() - timedelta(seconds=90))
    make_deployment(status="running")

    found = values(metrics)

    assert found["awaitstep_deployments{state=waiting}"] == 1
    assert found["awaitstep_deployments{state=running}"] == 1
    assert found["awaitstep_deployment_longest_wait_seconds"] >= 90


def test_runs_are_counted_by_status_and_new_statuses_together(metrics: Metrics) -> None:
    deployment = make_run(status="waiting").deployment
    for status in ("waiting", "errored", "a new one"):
        make_run(deployment, status=status)

    found = values(metrics)

    assert found["awaitstep_runs{status=waiting}"] == 2
    assert found["awaitstep_runs{status=errored}"] == found["awaitstep_runs{status=other}"] == 1
    assert found["awaitstep_runs{status=complete}"] == 0


def test_runs_are_counted_again_after_a_while() -> None:
    now = [0.0]
    gauges = Gauges(clock=lambda: now[0])

    def running() -> float:
        family = next(found for found in gauges.collect() if found.name == "awaitstep_runs")
        return next(s.value for s in family.samples if s.labels == {"status": "running"})

    counts = [running()]
    make_run()
    counts.append(running())
    now[0] += RUNS_INTERVAL
    assert [*counts, running()] == [0, 0, 1]


def test_the_api_calls_of_targets_and_their_limits(metrics: Metrics) -> None:
    target = make_target(name="production")
    Budget(target.account_id).spend(Use.LISTS, 3)

    found = values(metrics)

    assert found["awaitstep_target_api_calls{target=production,use=lists}"] == 3
    assert found["awaitstep_target_api_calls{target=production,use=pages}"] == 0
    assert found["awaitstep_target_api_calls_limit{use=pages}"] == 900


@pytest.fixture
def listeners() -> Iterator[None]:
    """Three open streams, without the connections."""
    manager, opened = get_listener_manager(), []
    for channel in ("deployments", "deployment-7", "runs-abc"):
        listener = Listener()
        listener.channels = {channel}
        manager.add_listener(listener)
        opened.append(listener)
    yield
    for listener in opened:
        manager.remove_listener(listener)


def test_open_streams_are_counted_by_kind(metrics: Metrics, listeners: None) -> None:
    assert open_streams() == {"deployments": 1, "deployment-7": 1, "runs-abc": 1}
    found = values(metrics)

    kinds = {"deployments": 2, "runs": 1, "logs": 0, "code_fields": 0}
    assert {kind: found[f"awaitstep_open_streams{{kind={kind}}}"] for kind in kinds} == kinds
    assert found["awaitstep_language_servers"] == 0
    assert found["awaitstep_language_servers_limit"] > 0


def queries_of(metrics: Metrics) -> int:
    with CaptureQueriesContext(connection) as queries:
        metrics.render()
    return len(queries)


def test_the_number_of_queries_does_not_depend_on_what_is_stored() -> None:
    numbers = []
    for number in range(4):
        target = make_target(name=f"t{number}", account_id=f"{number}" * 32)
        deployment = make_deployment(target=target, status="succeeded", version_id="v")
        enter(deployment, ("INITIALIZING", 1), ("COMPLETED", 2))
        make_run(deployment)
        Budget(target.account_id).spend(Use.READS)
        numbers.append(queries_of(Metrics(since=START)))

    assert len(set(numbers)) == 1, numbers


def test_no_secret_and_no_name_of_one_is_in_the_metrics(metrics: Metrics) -> None:
    workflow = make_workflow()
    set_variable("STRIPE_LIVE_KEY", "a-secret-value", workflow=workflow, is_secret=True)
    target = make_target(api_token="token-of-the-target")
    enter(make_deployment(workflow=workflow, target=target, status="failed"), ("FAILED", 1))
    Budget(target.account_id).spend(Use.READS)

    text = metrics.render().decode()

    hidden = ["STRIPE_LIVE_KEY", "a-secret-value", target.api_token]
    hidden += [target.account_id, workflow.name]
    assert [word for word in hidden if word in text] == []


def test_the_page_lists_exactly_the_metrics(metrics: Metrics) -> None:
    documented = re.findall(r"^\| `(awaitstep_[a-z_]+)` \| (\w+)", PAGE.read_text("utf-8"), re.M)
    families = text_string_to_metric_families(metrics.render().decode())

    assert sorted(documented) == sorted(
        (f"{found.name}_total" if found.type == "counter" else found.name, found.type)
        for found in families
        if found.name.startswith("awaitstep_")
    )


def with_token(settings: Settings, token: str | None) -> None:
    secret = None if token is None else SecretStr(token)
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"metrics_token": secret})


def responds(path: str = "/metrics", *, method: str = "GET", **headers: str) -> tuple[int, Any]:
    class Fixed(Metrics):
        def render(self) -> bytes:
            return b"# EOF\n"

    application = MonitoringRoutes(teapot, metrics=Fixed(since=START))
    return respond(application, http_scope(path, method=method, **headers))


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_there_are_no_metrics(settings: Settings, token: str | None) -> None:
    with_token(settings, token)

    assert responds(authorization="Bearer ")[0] == 404


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("", 401),
        ("Bearer", 401),
        (f"Bearer {TOKEN}x", 401),
        (f"Basic {TOKEN}", 401),
        ("Bearer \xff", 401),
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN}", 200),
    ],
)
def test_metrics_need_the_token(settings: Settings, sent: str, status: int) -> None:
    with_token(settings, TOKEN)

    found, headers = responds(authorization=sent)

    assert found == status
    assert headers["cache-control"] == "no-store"
    if status == 200:
        assert headers["content-type"] == CONTENT_TYPE
    else:
        assert headers["www-authenticate"].startswith("Bearer")


def test_metrics_are_only_read(settings: Settings) -> None:
    with_token(settings, TOKEN)

    assert responds(method="HEAD", authorization=f"Bearer {TOKEN}")[0] == 200
    assert responds(method="POST", authorization=f"Bearer {TOKEN}")[0] == 405


def test_metrics_that_cannot_be_collected_are_an_error(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Metrics):
        def render(self) -> bytes:
            raise ZeroDivisionError

    with_token(settings, TOKEN)
    scope = http_scope("/metrics", authorization=f"Bearer {TOKEN}")

    status, _ = respond(MonitoringRoutes(teapot, metrics=Broken(since=START)), scope)

    assert (status, caplog.messages) == (503, ["could not collect metrics"])


def test_a_short_token_is_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="at least 16 characters") as raised:
        Environment(data_dir=tmp_path, metrics_token=SecretStr("short-one"))

    assert "short-one" not in str(raised.value)
