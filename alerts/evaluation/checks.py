"""Current conditions: error rates, missing successes, long waits and drift.

The number of queries does not depend on the number of workflows; what is scanned is a window of time,
or only what waits, drifts or has an open alert.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

from alerts.conditions import Condition
from alerts.evaluation import decisions
from alerts.evaluation.decisions import Finding, OpenAlert, Outcomes, Rule, Subject
from deployments.history.live_workflows import LiveWorkflows
from deployments.models import Deployment, DriftCheck, DriftState
from deployments.pipeline.stages import WENT_LIVE
from runs.models import Run
from workflows.models import Workflow

_AT_ONCE: Final = 500  # ids in one query
_FOUND: Final = (DriftState.DRIFTED.value, DriftState.GONE.value)
_DIFFERENCES: Final = 3  # that a reason names


class Checks:
    """The facts of one evaluation; rules with the same period share a query."""

    def __init__(self, live: LiveWorkflows, now: datetime) -> None:
        self._live = live
        self._now = now
        self._outcomes: dict[timedelta, Mapping[Subject, Outcomes]] = {}

    def findings(self, rule: Rule) -> list[Finding]:
        """Return what the rule finds, also outside of its scope."""
        return _FINDERS[rule.condition](self, rule)

    def unknown(self, rule: Rule) -> frozenset[Subject]:
        """Return the subjects about which nothing is known now."""
        if rule.condition is not Condition.DRIFT:
            return frozenset()
        rows = DriftCheck.objects.filter(state=DriftState.UNKNOWN.value)
        return frozenset(Subject(*row) for row in rows.values_list("workflow", "target"))

    def error_rates(self, rule: Rule) -> list[Finding]:
        if rule.window not in self._outcomes:
            self._outcomes[rule.window] = _outcomes(self._now - rule.window)
        return decisions.high_error_rates(rule, self._outcomes[rule.window])

    def missing_successes(self, rule: Rule) -> list[Finding]:
        self._live.update()
        live = {Subject(*pair) for pair in self._live.pairs}
        covered = [subject for subject in live if rule.covers(subject)]
        successful = _successful(covered, since=self._now - rule.age)
        silent = [subject for subject in covered if subject not in successful]
        return decisions.without_success(rule, _live_since(silent), successful, now=self._now)

    def long_waits(self, rule: Rule) -> list[Finding]:
        waiting = Run.objects.filter(
            is_open=True, waits_since__lt=self._now - rule.age, workflow__isnull=False
        ).exclude(waits_for="")
        rows = waiting.order_by().values_list("workflow", "target")
        found = {
            Subject(workflow or "", target): (count, first)
            for workflow, target, count, first in rows.annotate(Count("pk"), Min("pk"))
        }
        counts = {subject: count for subject, (count, _) in found.items()}
        first = {subject: pk for subject, (_, pk) in found.items()}
        return decisions.waiting_too_long(rule, counts, first)

    def drift(self, _rule: Rule) -> list[Finding]:
        rows = DriftCheck.objects.filter(state__in=_FOUND).order_by("workflow", "target")
        return [
            Finding(subject=Subject(row.workflow_id, row.target_id), reason=_drift(row))
            for row in rows
        ]


_FINDERS: Final[dict[Condition, Callable[[Checks, Rule], list[Finding]]]] = {
    Condition.ERROR_RATE: Checks.error_rates,
    Condition.NO_SUCCESS: Checks.missing_successes,
    Condition.LONG_WAIT: Checks.long_waits,
    Condition.DRIFT: Checks.drift,
}


def _outcomes(since: datetime) -> dict[Subject, Outcomes]:
    """Count the runs that were started since then and have ended; terminated ones do not count."""
    runs = Run.objects.filter(created_at__gte=since, workflow__isnull=False).order_by()
    rows = runs.filter(status__in=["complete", "errored"]).values_list("workflow", "target")
    counted = rows.annotate(ended=Count("pk"), failed=Count("pk", filter=Q(status="errored")))
    return {
        Subject(workflow or "", target): Outcomes(failed=failed, ended=ended)
        for workflow, target, ended, failed in counted
    }


def _successful(subjects: Iterable[Subject], *, since: datetime) -> frozenset[Subject]:
    """Return the subjects with a completed run that was started since then."""
    found: set[Subject] = set()
    for target, workflows in _by_target(subjects).items():
        completed = _completed(target).filter(workflow=OuterRef("pk"), created_at__gte=since)
        for ids in _batches(workflows):
            having = Workflow.objects.filter(Exists(completed), pk__in=ids)
            found.update(Subject(pk, target) for pk in having.values_list("pk", flat=True))
    return frozenset(found)


def _completed(target: int) -> QuerySet[Run]:
    """Return the completed runs on a target, for queries about one workflow.

    The expressions keep SQLite from using the indexes of all runs on the target or with the status.
    """
    runs = Run.objects.alias(on=F("target") + 0, state=Concat("status", Value("")))
    return runs.filter(on=target, state="complete")


def _live_since(subjects: Iterable[Subject]) -> dict[Subject, datetime]:
    """Return when each subject first went live."""
    first: dict[Subject, datetime] = {}
    for target, workflows in _by_target(subjects).items():
        for ids in _batches(workflows):
            deployed = Deployment.objects.filter(
                workflow_public_id__in=ids,
                target=target,
                status__in=[status.value for status in WENT_LIVE],
            )
            rows = deployed.order_by().values_list("workflow_public_id").annotate(Min("created_at"))
            first |= {Subject(workflow, target): at for workflow, at in rows}
    return first


def _by_target(subjects: Iterable[Subject]) -> dict[int, list[str]]:
    workflows: dict[int, list[str]] = {}
    for subject in subjects:
        workflows.setdefault(subject.target, []).append(subject.workflow)
    return workflows


def _batches(ids: list[str]) -> Iterable[list[str]]:
    return (ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE))


def _drift(check: DriftCheck) -> str:
    if check.state == DriftState.GONE.value:
        return check.message or "The Worker no longer exists."
    shown = " ".join(map(str, check.differences[:_DIFFERENCES]))
    more = len(check.differences) - _DIFFERENCES
    return f"{shown} And {more} more." if more > 0 else shown


def recovered(alerts: Iterable[OpenAlert]) -> frozenset[Subject]:
    """Return the subjects with a completed run that was started after the last failed one."""
    return frozenset(alert.subject for alert in alerts if alert.run and _has_recovered(alert))


def _has_recovered(alert: OpenAlert) -> bool:
    failed = Run.objects.filter(pk=alert.run or 0).values_list("created_at", "status").first()
    if failed is None:  # removed by the retention
        return False
    created_at, status = failed
    later = _completed(alert.subject.target).filter(created_at__gt=created_at)
    return status == "complete" or later.filter(workflow=alert.subject.workflow).exists()
