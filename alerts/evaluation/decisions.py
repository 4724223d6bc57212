"""Which subjects fire, which are resolved, and why: decided from facts, without a database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.conditions import Condition


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What an alert is about: a workflow on a target."""

    workflow: str
    target: int

    @property
    def key(self) -> str:
        return f"{self.workflow}:{self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a rule watches for, and where; without a workflow or a target, everywhere."""

    condition: Condition
    active_since: datetime
    workflow: str | None = None
    target: int | None = None
    threshold_percent: int = 20
    minimum_runs: int = 5
    window: timedelta = timedelta(hours=1)
    age: timedelta = timedelta(hours=1)

    def covers(self, subject: Subject) -> bool:
        """Return whether the subject is in the scope of the rule."""
        return self.workflow in (None, subject.workflow) and self.target in (None, subject.target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A deployment that has ended, or a run that has failed."""

    condition: Condition
    subject: Subject
    at: datetime
    has_failed: bool
    reason: str = ""
    deployment: int | None = None
    run: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A current condition, such as drift."""

    subject: Subject
    reason: str
    run: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlert:
    """An alert that has not been resolved; `pk` is None if it is only about to be added."""

    pk: int | None
    subject: Subject
    fired_at: datetime
    last_seen_at: datetime
    reason: str
    count: int = 1
    deployment: int | None = None
    run: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """An alert that ends; without `is_reported`, no message is sent."""

    alert: OpenAlert
    at: datetime
    reason: str
    is_reported: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What to store: alerts that are new or have changed, and alerts that end."""

    open: tuple[OpenAlert, ...] = ()
    resolved: tuple[Resolution, ...] = ()


def after_events(rule: Rule, alerts: Iterable[OpenAlert], events: Iterable[Event]) -> Changes:
    """Return what the events change, in their order: a failure opens an alert or counts on it.

    A successful deployment resolves the alert about failed deployments of its workflow and target.
    """
    current = {alert.subject: alert for alert in alerts}
    changed: dict[Subject, OpenAlert] = {}
    resolved: list[Resolution] = []
    for event in events:
        if not _is_for(rule, event):
            continue
        subject = event.subject
        if event.has_failed:
            current[subject] = changed[subject] = _counted(current.get(subject), event)
        elif alert := current.pop(subject, None):
            changed.pop(subject, None)
            resolved.append(Resolution(alert=alert, at=event.at, reason=event.reason))
    return Changes(open=tuple(changed.values()), resolved=tuple(resolved))


def _is_for(rule: Rule, event: Event) -> bool:
    is_new = event.at >= rule.active_since
    return rule.condition is event.condition and rule.covers(event.subject) and is_new


def _counted(alert: OpenAlert | None, event: Event) -> OpenAlert:
    """Return a new alert, or the open one with one more failure."""
    if alert is None:
        return OpenAlert(
            pk=None,
            subject=event.subject,
            fired_at=event.at,
            last_seen_at=event.at,
            reason=event.reason,
            deployment=event.deployment,
            run=event.run,
        )
    return replace(
        alert,
        last_seen_at=max(event.at, alert.last_seen_at),
        reason=event.reason,
        count=alert.count + 1,
        deployment=event.deployment,
        run=event.run,
    )


def after_calm(
    rule: Rule, alerts: Iterable[OpenAlert], *, recovered: Set[Subject], now: datetime
) -> Changes:
    """Resolve alerts about failed runs: a later run has completed, and none has failed for a while.

    `recovered` are the subjects with a completed run that started after the last failed one.
    """
    minutes = _words(rule.window)
    return Changes(
        resolved=tuple(
            Resolution(
                alert=alert,
                at=now,
                reason=f"A later run has completed, and none has failed for {minutes}.",
            )
            for alert in alerts
            if alert.subject in recovered and alert.last_seen_at <= now - rule.window
        )
    )


def after_check(
    rule: Rule,
    alerts: Iterable[OpenAlert],
    findings: Iterable[Finding],
    *,
    now: datetime,
    unknown: Set[Subject] = frozenset(),
) -> Changes:
    """Return what a check changes: a finding opens an alert, which ends when it is no longer found.

    Alerts about `unknown` subjects stay as they are.
    """
    current = {alert.subject: alert for alert in alerts}
    found = {finding.subject: finding for finding in findings if rule.covers(finding.subject)}
    gone = [alert for subject, alert in current.items() if subject not in {*found, *unknown}]
    return Changes(
        open=tuple(_opened(current, found, now)),
        resolved=tuple(
            Resolution(alert=alert, at=now, reason=_END[rule.condition]) for alert in gone
        ),
    )


def _opened(
    current: Mapping[Subject, OpenAlert], found: Mapping[Subject, Finding], now: datetime
) -> Iterator[OpenAlert]:
    """Yield the new alerts, and those whose reason has changed."""
    for subject, finding in found.items():
        alert = current.get(subject)
        if alert is None:
            yield OpenAlert(
                pk=None,
                subject=subject,
                fired_at=now,
                last_seen_at=now,
                reason=finding.reason,
                run=finding.run,
            )
        elif alert.reason != finding.reason:
            yield replace(alert, last_seen_at=now, reason=finding.reason, run=finding.run)


_END = {
    Condition.ERROR_RATE: "The error rate is below the threshold.",
    Condition.NO_SUCCESS: "A run has completed.",
    Condition.LONG_WAIT: "No run has been waiting that long.",
    Condition.DRIFT: "The Worker matches the record again.",
}


def outside(rule: Rule | None, alerts: Iterable[OpenAlert], *, now: datetime) -> Changes:
    """Return the end of alerts that are no longer in the scope of their rule; no message is sent.

    None is a rule that is turned off, deleted, or now watches for something else.
    """
    return Changes(
        resolved=tuple(
            Resolution(alert=alert, at=now, reason="The rule was changed.", is_reported=False)
            for alert in alerts
            if rule is None or not rule.covers(alert.subject)
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """How the runs of a workflow on a target have ended in a period of time."""

    failed: int
    ended: int

    @property
    def percent(self) -> float:
        return 100 * self.failed / self.ended if self.ended else 0.0


def high_error_rates(rule: Rule, outcomes: Mapping[Subject, Outcomes]) -> list[Finding]:
    """Return the subjects of which too many runs have failed, if enough have ended."""
    return [
        Finding(
            subject=subject,
            reason=f"{found.failed} of {found.ended} runs that were started in the last "
            f"{_words(rule.window)} have failed ({found.percent:.0f} %).",
        )
        for subject, found in outcomes.items()
        if found.ended >= max(rule.minimum_runs, 1) and found.percent >= rule.threshold_percent
    ]


def without_success(
    rule: Rule,
    live: Mapping[Subject, datetime],
    successful: Set[Subject],
    *,
    now: datetime,
) -> list[Finding]:
    """Return the live subjects of which no recent run has completed.

    `live` has the time at which each went live. One that has been live for less than the age is not
    due yet.
    """
    since = now - rule.age
    return [
        Finding(
            subject=subject,
            reason=f"No run that was started in the last {_words(rule.age)} has completed.",
        )
        for subject, live_since in live.items()
        if live_since <= since and subject not in successful
    ]


def _words(period: timedelta) -> str:
    """Return a period in words: "90 minutes", "1 hour", "2 days"."""
    minutes = round(period.total_seconds() / 60)
    for size, word in ((1440, "day"), (60, "hour")):
        if minutes >= size and minutes % size == 0:
            number = minutes // size
            return f"{number} {word}{'' if number == 1 else 's'}"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def waiting_too_long(
    rule: Rule, counts: Mapping[Subject, int], oldest: Mapping[Subject, int]
) -> list[Finding]:
    """Return the subjects with runs that have waited longer than the age."""
    return [
        Finding(
            subject=subject,
            reason=f"{_runs(count)} waited for an event for more than {_words(rule.age)}.",
            run=oldest.get(subject),
        )
        for subject, count in counts.items()
    ]


def _runs(count: int) -> str:
    return "1 run has" if count == 1 else f"{count} runs have"
