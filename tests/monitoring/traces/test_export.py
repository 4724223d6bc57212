"""Traces of rows in the database, received by a collector on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pydantic import ValidationError
from pytest_django import Settings

from awaitstep_site.env import Environment
from deployments.models import Deployment, StageRecord
from monitoring.models import TraceExport
from monitoring.traces import sources
from monitoring.traces.export import IDLE_SECONDS, Export, pause
from monitoring.traces.otlp import Collector
from monitoring.traces.sources import EndedDeployments, EndedRuns, give_up_old_runs, progress
from runs.index import writer
from runs.models import Run, RunTrace
from tests.deployments.factories import make_deployment
from tests.monitoring.traces.otlp_receiver import Receiver, attributes, receiving
from tests.runs.examples import START, at, attempted_step, live_deployment, make_run
from workflows.services import set_variable

pytestmark = pytest.mark.django_db

UNUSED = "http://127.0.0.1:9"
SECRET = "sentinel-value"


@pytest.fixture(autouse=True)
def tracing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    changes = {
        "otel_exporter_otlp_endpoint": UNUSED,
        "trace_url": "https://tempo.example/{trace_id}",
    }
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update=changes)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def export_to(url: str, monkeypatch: pytest.MonkeyPatch) -> Export:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    installation = progress().installation
    found = (EndedDeployments(installation), EndedRuns(installation))
    return Export(found, Collector(installation), lambda: True)


def export_all(export: Export) -> None:
    while not export.turn():
        pass


def end_deployment(**fields: Any) -> Deployment:
    values: dict[str, Any] = {
        "status": "succeeded",
        "started_at": START,
        "finished_at": START,
        "created_at": START,
    }
    deployment = make_deployment(**values | fields)
    last = "COMPLETED" if deployment.status == "succeeded" else "FAILED"
    for number, stage in enumerate(("INITIALIZING", "DEPLOYING", last), 1):
        deployment.records.create(number=number, stage=stage, progress=0, entered_at=START)
    return deployment


def end_run(run: Run | None = None, **more: Any) -> Run:
    data = {
        "status": "complete",
        "start": at(0),
        "end": at(9),
        "params": {"card": "4711-payload"},
        "output": "4712-output",
        "steps": [attempted_step((1, 2, False), (3, 4, True), output="4713-output")],
    }
    run = run or make_run()
    return writer.apply_details(run, data | more, secrets=[SECRET])


def test_deployments_and_runs_are_exported_once(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = export_to(receiver.url, monkeypatch)
    run = end_run()
    end_deployment()

    export_all(export)
    export_all(export_to(receiver.url, monkeypatch))

    names = sorted(span.name for span in receiver.accepted if not span.parent_span_id)
    workflow = run.workflow
    assert workflow
    assert names == sorted([f"deploy {workflow.name}", f"run {workflow.name}"])
    assert len(receiver.accepted) == 4 + 4
    assert RunTrace.objects.get().data is None


def test_the_spans_have_the_ids_times_and_attributes_of_the_rows(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, admin_client: Client
) -> None:
    export = export_to(receiver.url, monkeypatch)
    run = end_run()

    export_all(export)

    root, step, first, _ = receiver.accepted
    assert attributes(root)["awaitstep.run.id"] == run.pk
    assert root.start_time_unix_nano == int(START.timestamp()) * 10**9
    assert root.end_time_unix_nano - root.start_time_unix_nano == 9 * 10**9
    assert (step.parent_span_id, first.parent_span_id) == (root.span_id, step.span_id)
    assert (first.status.code, first.status.message) == (2, "Error: busy")
    (resource,) = receiver.resources
    assert resource["service.name"] == "awaitstep"
    assert resource["service.instance.id"] == str(progress().installation)
    page = admin_client.get(run.get_absolute_url()).content.decode()
    assert f"https://tempo.example/{root.trace_id.hex()}" in page


def test_the_page_of_a_deployment_links_to_its_trace_once_it_is_exported(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, admin_client: Client
) -> None:
    old = end_deployment()
    export = export_to(receiver.url, monkeypatch)
    deployment = end_deployment(about=old)
    before = admin_client.get(deployment.get_absolute_url()).content.decode()

    export_all(export)

    after = admin_client.get(deployment.get_absolute_url()).content.decode()
    root = receiver.accepted[0]
    assert "tempo.example" not in before
    assert f"https://tempo.example/{root.trace_id.hex()}" in after
    assert "tempo.example" not in admin_client.get(old.get_absolute_url()).content.decode()
    assert len(root.links) == 1


def test_an_attempt_links_to_the_one_before_it(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = export_to(receiver.url, monkeypatch)
    refused = end_deployment(status="failed")
    end_deployment(workflow=refused.workflow, attempt=2)

    export_all(export)

    first, second = (span for span in receiver.accepted if not span.parent_span_id)
    assert [link.span_id for link in second.links] == [first.span_id]


def test_a_header_that_cannot_be_read_is_not_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization: Bearer sentinel")

    Collector(uuid4())

    assert "sentinel" not in caplog.text
    assert "a header that is not sent: write NAME=VALUE" in caplog.text


def test_the_standard_variables_set_headers_and_the_service(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20token")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "deploys")
    export = export_to(receiver.url, monkeypatch)
    end_run()

    export_all(export)

    assert receiver.headers[0]["authorization"] == "Bearer token"
    assert receiver.resources[0]["service.name"] == "deploys"


def test_a_collector_that_is_down_gets_everything_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    export = export_to(UNUSED, monkeypatch)
    end_run()
    end_deployment()

    pauses = [export.turn() for _ in range(2)]
    with receiving(503, 200) as receiver:
        export.collector = export_to(receiver.url, monkeypatch).collector
        export.turn()
        export_all(export)

    assert all(0 < each < 5 for each in pauses)
    assert len(receiver.accepted) == 8
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ["traces cannot be exported (no response); they are kept"]


def test_what_was_sent_before_a_crash_is_sent_again_with_the_same_ids(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = export_to(receiver.url, monkeypatch)
    end_run()
    end_deployment()
    monkeypatch.setattr(EndedRuns, "mark_exported", lambda *_: None)
    monkeypatch.setattr(EndedDeployments, "mark_exported", lambda *_: None)

    export.turn()
    export_to(receiver.url, monkeypatch).turn()

    ids = [span.span_id for span in receiver.accepted]
    assert ids[: len(ids) // 2] == ids[len(ids) // 2 :]


def test_a_trace_that_the_collector_refuses_does_not_hold_up_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with receiving(400, 400, 200) as receiver:
        export = export_to(receiver.url, monkeypatch)
        first = end_run()
        end_run(make_run(first.deployment))
        export_all(export)

    assert len(receiver.bodies) == 3  # both, the first, the second
    assert len(receiver.accepted) == 4
    assert not RunTrace.objects.filter(exported_at=None).exists()
    assert "the collector has refused a trace (status 400); it is left out" in caplog.text


def test_no_payload_output_or_secret_is_sent(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = export_to(receiver.url, monkeypatch)
    run = make_run()
    step = attempted_step((1, 2, False), success=False)
    step["attempts"][0]["error"]["message"] = f"{SECRET} and later-secret"
    end_run(run, status="errored", error={"name": "Error", "message": SECRET}, steps=[step])
    set_variable("LATER", "later-secret", workflow=run.workflow, is_secret=True)
    end_deployment(workflow=run.workflow, status="failed", message="wrangler said later-secret")

    export_all(export)

    assert receiver.accepted
    for sent in (SECRET, "later-secret", "4711-payload", "4712-output", "4713-output"):
        assert sent.encode() not in b"".join(receiver.bodies)


def test_batches_are_bounded(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "BATCH_SPANS", 8)
    export = export_to(receiver.url, monkeypatch)
    deployment = live_deployment()
    for _ in range(5):
        end_run(make_run(deployment))

    export_all(export)

    assert len(receiver.bodies) == 3
    assert len(receiver.accepted) == 5 * 4


def test_a_run_that_is_restarted_gets_a_second_trace(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = export_to(receiver.url, monkeypatch)
    run = end_run()
    end_run(run)
    export_all(export)

    end_run(run, start=at(100), end=at(109))
    export_all(export)

    assert len({span.trace_id for span in receiver.accepted}) == 2
    assert len(receiver.accepted) == 8


def test_another_process_that_is_elected_ends_the_export(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = export_to(receiver.url, monkeypatch)
    export.is_elected = lambda: False
    end_run()

    assert export.turn() == IDLE_SECONDS
    assert not receiver.bodies


def test_what_ended_before_the_first_start_is_not_exported() -> None:
    end_deployment()

    assert progress().last == StageRecord.objects.latest("pk").pk
    assert EndedDeployments(TraceExport.objects.get().installation).next_batch() == []


def test_runs_do_not_wait_forever_for_a_collector() -> None:
    first = end_run()
    RunTrace.objects.update(created_at=timezone.now() - sources.KEPT - timedelta(minutes=1))
    recent = end_run(make_run(first.deployment))

    assert give_up_old_runs() == 1
    assert RunTrace.objects.get().run == recent


def test_nothing_is_kept_without_a_collector(settings: Settings) -> None:
    changes = {"otel_exporter_otlp_endpoint": ""}
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update=changes)

    end_run()

    assert not RunTrace.objects.exists()


def test_the_pauses_double_up_to_five_minutes() -> None:
    longest = [pause(failures, jitter=lambda: 1.0) for failures in (1, 2, 3, 20, 5_000)]

    assert longest == [2, 4, 8, 300, 300]
    assert pause(3, jitter=lambda: 0.0) == 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("AWAITSTEP_TRACE_URL", "https://tempo.example/"),
        ("AWAITSTEP_TRACE_URL", "javascript:{trace_id}"),
    ],
)
def test_an_address_that_cannot_be_used_prevents_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError, match="http"):
        Environment()


def test_the_sdk_can_be_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", UNUSED)
    enabled = Environment()
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")

    assert (enabled.exports_traces, Environment().exports_traces) == (True, False)
