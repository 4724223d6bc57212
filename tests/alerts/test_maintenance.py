"""Alerts in the background thread, the retention, a restored backup and the metrics."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from pytest_django import Settings

from alerts import background
from alerts.after_restore import drop_what_was_pending
from alerts.conditions import Condition
from alerts.delivery.dispatch import dispatch
from alerts.evaluation import checks
from alerts.evaluation.evaluator import Evaluator
from alerts.models import Alert, AlertDelivery, EvaluationState
from audit.trail import SYSTEM
from deployments.models import StageRecord
from maintenance.retention import pruning
from maintenance.retention.pruning import prune_all
from monitoring.gauges import Gauges
from tests.alerts.examples import end_deployment, make_channel, make_rule
from tests.alerts.receivers import ERROR, receiving
from tests.support.patience import PATIENCE


def fire() -> Alert:
    make_rule(Condition.DEPLOYMENT_FAILED, make_channel())
    end_deployment()
    Evaluator().evaluate()
    dispatch()
    return Alert.objects.get()


@pytest.mark.django_db(transaction=True)
def test_a_turn_of_the_thread_evaluates_and_sends(settings: Settings) -> None:
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"alert_private_addresses": True})
    with receiving(ERROR) as receiver:
        make_rule(Condition.DEPLOYMENT_FAILED, make_channel(url=receiver.url))
        end_deployment()
        assert background.has_work()

        for _ in range(2):
            AlertDelivery.objects.update(next_attempt_at=timezone.now())
            background.take_turn(Evaluator())
            for thread in threading.enumerate():
                if thread.name == "alert sender":
                    thread.join(PATIENCE)

    assert [(each.status, each.attempts) for each in AlertDelivery.objects.all()] == [("sent", 2)]
    assert len(receiver.requests) == 2


@pytest.mark.django_db
def test_old_alerts_and_their_messages_are_removed_and_open_ones_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pruning, "_PAUSE", 0.0)
    open_alert, long_ago = fire(), timezone.now() - timedelta(days=91)
    ended = Alert.objects.create(
        condition="drift", subject="x", fired_at=long_ago, last_seen_at=long_ago
    )
    Alert.objects.filter(pk=ended.pk).update(resolved_at=long_ago)
    for alert in (open_alert, ended):
        message = AlertDelivery.objects.create(status="sent", ended_at=long_ago)
        message.alerts.add(alert)

    removed = prune_all(by=SYSTEM)

    assert (removed["alerts"], removed["alert messages"]) == (1, 1)
    assert list(Alert.objects.all()) == [open_alert]
    assert AlertDelivery.objects.count() == 2


@pytest.mark.django_db
def test_a_restored_installation_sends_nothing_that_was_pending() -> None:
    failed = fire().deployment
    Alert.objects.update(pending="reminder")
    end_deployment("interrupted", after=failed)

    drop_what_was_pending()
    Evaluator().evaluate()
    dispatch()

    delivery = AlertDelivery.objects.get()
    assert (delivery.status, "restored from a backup" in delivery.error) == ("failed", True)
    assert Alert.objects.get().count == 1
    assert EvaluationState.objects.get().stage_record == StageRecord.objects.latest("pk").pk


@pytest.mark.django_db
def test_alerts_and_messages_are_counted_for_prometheus() -> None:
    fire()
    registry = CollectorRegistry()
    registry.register(Gauges())

    lines = generate_latest(registry).decode().splitlines()

    assert 'awaitstep_alerts{state="open"} 1.0' in lines
    assert 'awaitstep_alerts{state="acknowledged"} 0.0' in lines
    assert 'awaitstep_alert_messages{status="waiting"} 1.0' in lines
    assert 'awaitstep_alert_messages{status="failed"} 0.0' in lines


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans with statistics")
def test_completed_runs_of_a_workflow_are_found_with_its_own_index() -> None:
    runs = checks._completed(1).filter(workflow="w", created_at__gt=timezone.now())

    assert "runs_of_workflow_covering" in runs.order_by().explain()
