"""Evaluates all rules: reads facts, decides, and stores the changes in one short transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from alerts.conditions import Condition
from alerts.evaluation import decisions, new_outcomes
from alerts.evaluation.checks import Checks, recovered
from alerts.evaluation.decisions import Changes, Event, OpenAlert, Resolution, Rule, Subject
from alerts.models import Alert, AlertRule, EvaluationState, Pending
from deployments.history.live_workflows import LiveWorkflows
from targets.models import Target
from workflows.models import Workflow

CHECK_INTERVAL: Final = timedelta(minutes=1)
_LONGEST_RESOLUTION: Final = 300

Decided = Sequence[tuple[AlertRule | None, Changes]]
"""What to store for each rule; None for rules that no longer exist."""


class Evaluator:
    """Evaluates the rules; one process of an installation does that at a time."""

    def __init__(self) -> None:
        self._live = LiveWorkflows()

    def evaluate(self, now: datetime | None = None) -> bool:
        """Evaluate all rules once; return whether there are more events to read.

        Events are read each time, current conditions once a minute. If another process has
        evaluated in the meantime, nothing is stored.
        """
        now = now or timezone.now()
        state = EvaluationState.objects.get_or_create(pk=1)[0]
        rules = {rule.pk: rule for rule in AlertRule.objects.filter(enabled=True)}
        ended, failed = _read_new_outcomes(state, rules.values(), now)
        is_due = state.checked_at is None or state.checked_at <= now - CHECK_INTERVAL
        checks = Checks(self._live, now) if is_due else None
        decided = _decide(rules, (*ended.events, *failed.events), checks, now)
        values = {"stage_record": ended.last, "run_change": failed.last, "read_at": now}
        values |= {"checked_at": now} if is_due else {}
        with transaction.atomic():
            unchanged = EvaluationState.objects.filter(pk=state.pk, turn=state.turn)
            if unchanged.update(turn=F("turn") + 1, **values):
                new_outcomes.store_failures(failed.failures)
                _store(decided)
        return ended.has_more or failed.has_more


def _read_new_outcomes(
    state: EvaluationState, rules: Iterable[AlertRule], now: datetime
) -> tuple[new_outcomes.NewOutcomes, new_outcomes.NewOutcomes]:
    counting = [rule for rule in rules if rule.watches_for.counts_events]
    since = min((rule.active_since for rule in counting), default=now)
    conditions = {rule.watches_for for rule in counting}
    return (
        new_outcomes.ended_deployments(state, conditions, since=since),
        new_outcomes.failed_runs(state, conditions, since=since),
    )


def _decide(
    rules: Mapping[int, AlertRule], events: Sequence[Event], checks: Checks | None, now: datetime
) -> Decided:
    """Return the changes of each rule, and of the alerts whose rule no longer applies."""
    alerts = _open_alerts()
    decided: list[tuple[AlertRule | None, Changes]] = []
    for rule in rules.values():
        facts = _facts(rule)
        own = alerts.pop((rule.pk, facts.condition), [])
        outside = decisions.outside(facts, own, now=now)
        inside = [alert for alert in own if facts.covers(alert.subject)]
        decided += [(rule, outside), (rule, _changes(facts, inside, events, checks, now))]
    orphans = [alert for each in alerts.values() for alert in each]
    return [*decided, (None, decisions.outside(None, orphans, now=now))]


def _changes(
    rule: Rule,
    alerts: Sequence[OpenAlert],
    events: Sequence[Event],
    checks: Checks | None,
    now: datetime,
) -> Changes:
    if not rule.condition.counts_events:
        if checks is None:
            return Changes()
        found, unknown = checks.findings(rule), checks.unknown(rule)
        return decisions.after_check(rule, alerts, found, now=now, unknown=unknown)
    changes = decisions.after_events(rule, alerts, events)
    if rule.condition is not Condition.RUN_FAILED or checks is None:
        return changes
    touched = {alert.subject for alert in changes.open}
    calm = [
        alert
        for alert in alerts
        if alert.subject not in touched and alert.last_seen_at <= now - rule.window
    ]
    ended = decisions.after_calm(rule, calm, recovered=recovered(calm), now=now)
    return Changes(open=changes.open, resolved=(*changes.resolved, *ended.resolved))


def _facts(rule: AlertRule) -> Rule:
    return Rule(
        condition=rule.watches_for,
        active_since=rule.active_since,
        workflow=rule.workflow_id,
        target=rule.target_id,
        threshold_percent=rule.threshold_percent,
        minimum_runs=rule.minimum_runs,
        window=timedelta(minutes=rule.window_minutes),
        age=timedelta(minutes=rule.age_minutes),
    )


def _open_alerts() -> dict[tuple[int | None, Condition], list[OpenAlert]]:
    """Return the open alerts by rule and condition; those of deleted workflows have no rule."""
    found: dict[tuple[int | None, Condition], list[OpenAlert]] = {}
    for row in Alert.objects.filter(resolved_at=None).order_by("pk"):
        is_known = row.workflow_id is not None and row.target_id is not None
        rule = row.rule_id if is_known else None
        found.setdefault((rule, row.watched_for), []).append(_open_alert(row))
    return found


def _open_alert(row: Alert) -> OpenAlert:
    return OpenAlert(
        pk=row.pk,
        subject=Subject(row.workflow_id or "", row.target_id or 0),
        fired_at=row.fired_at,
        last_seen_at=row.last_seen_at,
        reason=row.reason,
        count=row.count,
        deployment=row.deployment_id,
        run=row.run_id,
    )


def _store(decided: Decided) -> None:
    add = _Additions(decided)
    for rule, changes in decided:
        for resolution in changes.resolved:
            _save(add, rule, resolution.alert, _end_values(resolution))
        for alert in changes.open:
            _save(add, rule, alert, {})


def _save(
    add: _Additions, rule: AlertRule | None, alert: OpenAlert, end: Mapping[str, Any]
) -> None:
    """Store a new alert, or what has changed about one that nobody has resolved in the meantime."""
    values = {**_values(alert), **end}
    if alert.pk is not None:
        Alert.objects.filter(pk=alert.pk, resolved_at=None).update(**values)
    elif rule is not None:
        add(rule, alert, values)


class _Additions:
    """Adds alerts with the names of their subjects, unless those have been deleted."""

    def __init__(self, decided: Decided) -> None:
        alerts = [
            alert
            for _, changes in decided
            for alert in (*changes.open, *(each.alert for each in changes.resolved))
            if alert.pk is None
        ]
        workflows = {alert.subject.workflow for alert in alerts}
        targets = {alert.subject.target for alert in alerts}
        self._workflows = Workflow.objects.only("name").in_bulk(workflows)
        self._targets = Target.objects.only("name").in_bulk(targets)

    def __call__(self, rule: AlertRule, alert: OpenAlert, values: Mapping[str, Any]) -> None:
        workflow = self._workflows.get(alert.subject.workflow)
        target = self._targets.get(alert.subject.target)
        if workflow and target:
            Alert.objects.create(
                rule=rule,
                rule_name=rule.name,
                condition=rule.condition,
                subject=alert.subject.key,
                workflow=workflow,
                workflow_name=workflow.name,
                target=target,
                target_name=target.name,
                fired_at=alert.fired_at,
                **values,
            )


def _values(alert: OpenAlert) -> dict[str, Any]:
    return {
        "last_seen_at": alert.last_seen_at,
        "reason": alert.reason,
        "count": alert.count,
        "deployment_id": alert.deployment,
        "run_id": alert.run,
    }


def _end_values(resolution: Resolution) -> dict[str, Any]:
    return {
        "resolved_at": resolution.at,
        "resolution": resolution.reason[:_LONGEST_RESOLUTION],
        "pending": (Pending.RESOLVED if resolution.is_reported else Pending.NOTHING).value,
    }
