"""Which alerts open, count and end: decided from facts alone."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.conditions import Condition
from alerts.evaluation import decisions
from alerts.evaluation.decisions import Event, Finding, OpenAlert, Outcomes, Rule, Subject

PROJECT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
ORDERS, BILLS = Subject("orders", 1), Subject("bills", 2)


def rule(condition: Condition = Condition.DEPLOYMENT_FAILED, **fields: Any) -> Rule:
    return Rule(condition=condition, active_since=NOW - timedelta(days=1), **fields)


def event(subject: Subject = ORDERS, *, failed: bool = True, seconds: float = 0) -> Event:
    return Event(
        condition=Condition.DEPLOYMENT_FAILED,
        subject=subject,
        at=NOW + timedelta(seconds=seconds),
        has_failed=failed,
        reason=f"at {seconds}",
        deployment=int(seconds),
    )


def alert(subject: Subject = ORDERS, **fields: Any) -> OpenAlert:
    values: dict[str, Any] = {"pk": 7, "fired_at": NOW, "last_seen_at": NOW, "reason": "before"}
    return OpenAlert(subject=subject, **values | fields)


def test_further_failures_count_on_the_alert_that_the_first_one_opened() -> None:
    changes = decisions.after_events(rule(), [], [event(), event(seconds=5), event(BILLS)])

    orders, bills = changes.open
    assert (orders.subject, orders.count, orders.reason) == (ORDERS, 2, "at 5")
    assert (orders.fired_at, orders.last_seen_at) == (NOW, NOW + timedelta(seconds=5))
    assert (bills.subject, bills.count) == (BILLS, 1)
    assert changes.resolved == ()


def test_a_failure_counts_on_an_open_alert() -> None:
    (changed,) = decisions.after_events(rule(), [alert(count=3)], [event(seconds=1)]).open

    assert (changed.pk, changed.count, changed.deployment) == (7, 4, 1)


def test_a_success_resolves_the_alert_of_its_own_subject_only() -> None:
    alerts = [alert(), alert(BILLS, pk=8)]

    changes = decisions.after_events(rule(), alerts, [event(failed=False)])

    assert [item.alert.pk for item in changes.resolved] == [7]
    assert changes.open == ()


def test_a_failure_that_is_followed_by_a_success_is_an_alert_that_has_ended() -> None:
    events = [event(), event(failed=False, seconds=1), event(seconds=2)]

    changes = decisions.after_events(rule(), [], events)

    assert [item.alert.fired_at for item in changes.resolved] == [NOW]
    assert [item.fired_at for item in changes.open] == [NOW + timedelta(seconds=2)]


@pytest.mark.parametrize(
    "fields", [{"workflow": "bills"}, {"target": 2}, {"workflow": "orders", "target": 2}]
)
def test_events_outside_of_the_scope_of_a_rule_do_not_count(fields: dict[str, Any]) -> None:
    assert decisions.after_events(rule(**fields), [], [event()]).open == ()


def test_events_from_before_the_rule_do_not_count() -> None:
    before = event(seconds=-timedelta(days=2).total_seconds())

    assert decisions.after_events(rule(), [], [before]).open == ()


def test_an_alert_about_failed_runs_ends_after_a_later_success_and_a_calm_period() -> None:
    failing = rule(Condition.RUN_FAILED, window=timedelta(minutes=30))

    def ended(minutes: int, *, recovered: bool = True) -> int:
        now = NOW + timedelta(minutes=minutes)
        subjects = frozenset([ORDERS] if recovered else [])
        return len(decisions.after_calm(failing, [alert()], recovered=subjects, now=now).resolved)

    assert (ended(29), ended(30), ended(60, recovered=False)) == (0, 1, 0)


def test_an_alert_is_open_for_as_long_as_a_check_finds_something() -> None:
    drift, found = rule(Condition.DRIFT), Finding(subject=ORDERS, reason="a route is missing")

    opened = decisions.after_check(drift, [], [found], now=NOW)
    same = decisions.after_check(drift, [alert(reason=found.reason)], [found], now=NOW)
    other = decisions.after_check(drift, [alert()], [found], now=NOW)
    gone = decisions.after_check(drift, [alert()], [], now=NOW)

    assert [(item.pk, item.reason) for item in opened.open] == [(None, found.reason)]
    assert same == decisions.Changes()
    assert [(item.pk, item.reason, item.count) for item in other.open] == [(7, found.reason, 1)]
    assert [item.alert.pk for item in gone.resolved] == [7]


def test_an_alert_stays_as_it_is_while_nothing_is_known_about_its_subject() -> None:
    unknown = frozenset([ORDERS])

    changes = decisions.after_check(rule(Condition.DRIFT), [alert()], [], now=NOW, unknown=unknown)

    assert changes == decisions.Changes()


def test_alerts_outside_of_a_changed_rule_end_silently() -> None:
    only_bills = rule(workflow="bills")

    (ended,) = decisions.outside(only_bills, [alert(), alert(BILLS, pk=8)], now=NOW).resolved
    orphans = decisions.outside(None, [alert()], now=NOW).resolved

    assert (ended.alert.pk, ended.is_reported) == (7, False)
    assert len(orphans) == 1


@pytest.mark.parametrize(
    ("failed", "ended", "fires"), [(1, 5, True), (1, 6, False), (4, 4, False), (0, 9, False)]
)
def test_an_error_rate_needs_enough_runs(failed: int, ended: int, fires: bool) -> None:  # noqa: FBT001
    high = rule(Condition.ERROR_RATE, threshold_percent=20, minimum_runs=5)

    found = decisions.high_error_rates(high, {ORDERS: Outcomes(failed=failed, ended=ended)})

    assert bool(found) is fires


def test_the_reason_of_an_error_rate_has_the_figures() -> None:
    found = decisions.high_error_rates(
        rule(Condition.ERROR_RATE, window=timedelta(minutes=90)),
        {ORDERS: Outcomes(failed=3, ended=8)},
    )

    assert found[0].reason == (
        "3 of 8 runs that were started in the last 90 minutes have failed (38 %)."
    )


def test_a_workflow_without_success_fires_once_it_has_been_live_for_that_long() -> None:
    silent = rule(Condition.NO_SUCCESS, age=timedelta(hours=24))
    live = {
        ORDERS: NOW - timedelta(hours=25),
        BILLS: NOW - timedelta(hours=23),
        Subject("mails", 1): NOW - timedelta(days=9),
    }

    found = decisions.without_success(silent, live, {Subject("mails", 1)}, now=NOW)

    assert [(each.subject, each.reason) for each in found] == [
        (ORDERS, "No run that was started in the last 1 day has completed.")
    ]


def test_waiting_runs_are_counted_by_subject() -> None:
    waits = rule(Condition.LONG_WAIT, age=timedelta(hours=2))

    one, two = decisions.waiting_too_long(waits, {ORDERS: 1, BILLS: 2}, {ORDERS: 41})

    assert (one.reason, one.run) == ("1 run has waited for an event for more than 2 hours.", 41)
    assert two.reason == "2 runs have waited for an event for more than 2 hours."


def test_the_decisions_load_without_django() -> None:
    modules = "alerts.evaluation.decisions, alerts.quiet_hours, alerts.delivery.notices"
    modules += ", alerts.delivery.retries, alerts.delivery.guarded_http"
    code = f"import sys, {modules}; sys.exit('django' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0
