"""Rules that are evaluated on rows of deployments and runs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alerts import background
from alerts.conditions import Condition
from alerts.evaluation import new_outcomes
from alerts.evaluation.evaluator import Evaluator
from alerts.models import Alert, AlertRule, EvaluationState, Pending
from deployments.models import DriftCheck, DriftState
from runs.index import writer
from runs.models import Run, RunChange
from tests.alerts.examples import another, end_deployment, end_run, make_rule, open_alerts
from tests.runs.examples import live_deployment, make_run

pytestmark = pytest.mark.django_db
LATER = timedelta(minutes=2)


def evaluate(after: timedelta = timedelta(0)) -> None:
    Evaluator().evaluate(timezone.now() + after)


@pytest.mark.parametrize("status", ["failed", "partial", "interrupted"])
def test_a_failed_deployment_opens_an_alert_with_its_message(status: str) -> None:
    make_rule(name="Deploys")
    failed = end_deployment(status)

    evaluate()

    alert = Alert.objects.get()
    assert alert.reason == f"Deployment #{failed.pk}: no such account"
    assert (alert.deployment, alert.workflow, alert.target) == (
        failed,
        failed.workflow,
        failed.target,
    )
    assert (alert.rule_name, alert.pending) == ("Deploys", Pending.FIRED)


@pytest.mark.parametrize("status", ["cancelled", "superseded"])
def test_a_cancelled_deployment_opens_none(status: str) -> None:
    make_rule()
    end_deployment(status)

    evaluate()

    assert open_alerts() == []


def test_further_failures_count_and_a_success_resolves() -> None:
    make_rule(name="Deploys")
    first = end_deployment()
    evaluate()
    second = end_deployment(after=first)
    evaluate()

    assert open_alerts() == [("Deploys", 2, f"Deployment #{second.pk}: no such account")]

    last = end_deployment("succeeded", after=first)
    evaluate()

    alert = Alert.objects.get()
    assert alert.resolved_at is not None
    assert alert.resolution == f"Deployment #{last.pk} has succeeded."


def test_each_event_counts_once_however_often_rules_are_evaluated() -> None:
    make_rule()
    end_deployment()

    for _ in range(3):
        evaluate()

    assert [count for _, count, _ in open_alerts()] == [1]


def test_events_that_came_while_nothing_ran_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_outcomes, "BATCH", 2)
    make_rule()
    evaluate()
    first = end_deployment()
    for _ in range(4):
        end_deployment(after=first)

    while Evaluator().evaluate():
        pass

    assert [count for _, count, _ in open_alerts()] == [5]


def test_a_new_rule_does_not_fire_for_what_happened_before() -> None:
    end_deployment()
    make_rule(active_since=timezone.now() + timedelta(seconds=1))

    evaluate(LATER)

    assert open_alerts() == []


def test_an_evaluation_that_another_process_has_overtaken_stores_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_rule()
    end_deployment()
    read = new_outcomes.ended_deployments

    def read_and_be_overtaken(*args: object, **kwargs: object) -> new_outcomes.NewOutcomes:
        found = read(*args, **kwargs)  # type: ignore[arg-type]
        monkeypatch.setattr(new_outcomes, "ended_deployments", read)
        evaluate()
        return found

    monkeypatch.setattr(new_outcomes, "ended_deployments", read_and_be_overtaken)
    evaluate()

    assert [count for _, count, _ in open_alerts()] == [1]
    assert EvaluationState.objects.get().turn == 1


def test_failed_runs_count_once_although_a_page_announces_them_again() -> None:
    make_rule(Condition.RUN_FAILED, name="Runs")
    deployment = live_deployment()
    run = end_run(deployment)
    evaluate()
    writer.announce([run])
    evaluate()

    assert open_alerts() == [("Runs", 1, f"Run {run.instance_id}: Error: declined")]
    assert Alert.objects.get().run == run


def test_a_run_that_was_restarted_and_failed_again_counts_again() -> None:
    make_rule(Condition.RUN_FAILED)
    run = end_run(live_deployment())
    evaluate()
    Run.objects.update(ended_at=timezone.now() + timedelta(minutes=1))
    writer.announce([run])
    evaluate()

    assert [count for _, count, _ in open_alerts()] == [2]


def test_an_alert_about_failed_runs_ends_when_a_later_one_has_completed_and_none_fails() -> None:
    make_rule(Condition.RUN_FAILED, window_minutes=30)
    failed = end_run(live_deployment())
    evaluate()
    assert failed.deployment
    end_run(failed.deployment, "complete", at=timezone.now() + timedelta(minutes=1))

    evaluate(timedelta(minutes=29))
    assert len(open_alerts()) == 1
    evaluate(timedelta(minutes=31))

    assert open_alerts() == []


def test_runs_of_workflows_outside_of_the_scope_open_none() -> None:
    rule = make_rule(Condition.RUN_FAILED)
    ours = live_deployment()
    other = another(ours)
    AlertRule.objects.filter(pk=rule.pk).update(workflow=ours.workflow)
    end_run(other)
    end_run(ours)

    evaluate()

    assert [alert.workflow for alert in Alert.objects.all()] == [ours.workflow]


def test_an_error_rate_counts_the_runs_in_the_window() -> None:
    make_rule(Condition.ERROR_RATE, threshold_percent=50, minimum_runs=2, window_minutes=60)
    deployment, now = live_deployment(), timezone.now()
    for minutes in (1, 2, 3):
        end_run(deployment, at=now - timedelta(minutes=minutes))
    end_run(deployment, "complete", at=now - timedelta(minutes=4))
    end_run(deployment, "complete", at=now - timedelta(hours=3))
    end_run(deployment, "terminated", at=now)

    evaluate()
    assert [reason for _, _, reason in open_alerts()] == [
        "3 of 4 runs that were started in the last 1 hour have failed (75 %)."
    ]

    evaluate(timedelta(hours=2))
    assert Alert.objects.get().resolution == "The error rate is below the threshold."


def test_a_live_workflow_without_a_successful_run_fires_until_one_completes() -> None:
    make_rule(Condition.NO_SUCCESS, age_minutes=60)
    live = live_deployment(created_at=timezone.now() - timedelta(days=2))
    another(live)  # for less than the age
    end_run(live, "complete", at=timezone.now() - timedelta(hours=2))

    evaluate()
    assert [alert.workflow for alert in Alert.objects.all()] == [live.workflow]

    end_run(live, "complete", at=timezone.now() - timedelta(minutes=1))
    evaluate(LATER)
    assert open_alerts() == []


def test_a_run_that_waits_for_too_long_fires_until_it_continues() -> None:
    make_rule(Condition.LONG_WAIT, age_minutes=60)
    now = timezone.now()
    run = make_run(waits_for="go", waits_since=now - timedelta(minutes=61), status="waiting")
    make_run(run.deployment, waits_for="go", waits_since=now - timedelta(minutes=9))

    evaluate()
    assert Alert.objects.get().run == run

    Run.objects.filter(pk=run.pk).update(waits_for="", waits_since=None)
    evaluate(LATER)
    assert open_alerts() == []


def test_drift_fires_until_it_is_gone_and_stays_while_the_target_does_not_respond() -> None:
    make_rule(Condition.DRIFT)
    live = live_deployment()
    assert live.workflow
    assert live.target
    check = DriftCheck.objects.create(
        workflow=live.workflow,
        target=live.target,
        state=DriftState.DRIFTED.value,
        differences=["A route is missing.", "b", "c", "d"],
    )

    evaluate()
    assert [reason for _, _, reason in open_alerts()] == ["A route is missing. b c And 1 more."]

    DriftCheck.objects.filter(pk=check.pk).update(state=DriftState.UNKNOWN.value)
    evaluate(LATER)
    assert len(open_alerts()) == 1

    DriftCheck.objects.filter(pk=check.pk).update(state=DriftState.SAME.value)
    evaluate(2 * LATER)
    assert open_alerts() == []


@pytest.mark.parametrize("change", [{"enabled": False}, {"condition": "drift"}, None])
def test_alerts_of_a_rule_that_is_turned_off_end_without_a_message(
    change: dict[str, object] | None,
) -> None:
    rule = make_rule()
    end_deployment()
    evaluate()
    rules = AlertRule.objects.filter(pk=rule.pk)
    _ = rules.update(**change) if change else rules.delete()

    evaluate()

    alert = Alert.objects.get()
    assert (alert.resolution, alert.pending) == ("The rule was changed.", Pending.NOTHING)


def test_the_alert_of_a_deleted_workflow_ends() -> None:
    make_rule()
    failed = end_deployment()
    evaluate()
    assert failed.workflow
    failed.workflow.delete()

    evaluate()

    assert open_alerts() == []


def test_without_rules_only_three_short_queries_are_made() -> None:
    end_deployment()

    with CaptureQueriesContext(connection) as queries:
        assert not background.has_work()

    assert len(queries) == 3


def test_the_number_of_queries_does_not_depend_on_the_number_of_alerts() -> None:
    make_rule()
    first = end_deployment()
    evaluate()

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            evaluate()
        return len(queries)

    before = count()
    for _ in range(5):
        end_deployment(after=another(first))
    evaluate()

    assert Alert.objects.count() == 6
    assert count() == before


def test_no_change_is_read_while_no_rule_needs_it() -> None:
    make_rule(Condition.DRIFT)
    end_run(live_deployment())

    evaluate()

    assert EvaluationState.objects.get().run_change == RunChange.objects.latest("pk").pk
