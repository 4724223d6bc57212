"""The figures of many runs as the overview shows them: labels, links to the runs, charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone

from runs import statuses
from runs.index.listing import Filters
from runs.overview.figures import (
    COMPLETE,
    ERRORED,
    OPEN,
    OUTCOMES,
    TERMINATED,
    Bar,
    Figures,
    Range,
    axis_top,
    stacked_bars,
)
from runs.overview.queries import StepFigures
from web.formatting import duration

_FILTERS: Final = {OPEN: ",".join(statuses.OPEN)}
_LABELS: Final = {
    COMPLETE: "Complete",
    ERRORED: "Errored",
    TERMINATED: "Terminated",
    OPEN: "Running",
}
_ICONS: Final = {
    COMPLETE: ("check", "tone-good"),
    ERRORED: ("cross", "tone-bad"),
    TERMINATED: ("bar", "tone-quiet"),
    OPEN: ("ring", "tone-busy"),
}
_NONE: Final = "-"
_RATE, _P50, _P95 = "Error rate", "Median (p50)", "p95"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedFigure:
    """A figure as text, and the query of the list of its runs."""

    text: str
    query: str
    label: str = ""
    icon: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class LinkedBar:
    """A bar with its title and the query of its runs."""

    bar: Bar
    title: str
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart with its captions; `keys` are the kinds of bars and their labels."""

    slug: str
    title: str
    description: str
    top: str
    bars: Sequence[LinkedBar]
    keys: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The figures of one part of the range, as text; `outcomes` are in the order of OUTCOMES."""

    part: Figures
    when: str
    outcomes: Sequence[LinkedFigure]
    error_rate: LinkedFigure
    p50: LinkedFigure
    p95: LinkedFigure

    @property
    def by_kind(self) -> dict[str, LinkedFigure]:
        """The figures by kind of bar."""
        outcomes = dict(zip(OUTCOMES, self.outcomes, strict=True))
        return {**outcomes, "rate": self.error_rate, "p50": self.p50, "p95": self.p95}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """The figures of a step, with links to its runs and to those with retries."""

    step: StepFigures
    runs: LinkedFigure
    retried: LinkedFigure


@dataclass(frozen=True, slots=True)
class Presenter:
    """Formats figures of the runs of a workflow ("" for all) in parts of a range."""

    workflow: str
    span: Range

    def cards(self, whole: Figures) -> list[LinkedFigure]:
        """The outcomes and durations of all runs."""
        return [self._total(whole), *self._outcomes(whole), *self._measures(whole)]

    def row(self, part: Figures) -> Row:
        error_rate, p50, p95 = self._measures(part)
        return Row(
            part=part,
            when=self.moment(part.since),
            outcomes=self._outcomes(part),
            error_rate=error_rate,
            p50=p50,
            p95=p95,
        )

    def _total(self, part: Figures) -> LinkedFigure:
        return LinkedFigure(text=f"{part.total:,}", query=self._query(part), label="Runs")

    def _outcomes(self, part: Figures) -> list[LinkedFigure]:
        return [self._outcome(part, name) for name in OUTCOMES]

    def _outcome(self, part: Figures, outcome: str) -> LinkedFigure:
        icon, tone = _ICONS[outcome]
        return LinkedFigure(
            text=f"{part.count(outcome):,}",
            query=self._query(part, status=_FILTERS.get(outcome, outcome)),
            label=_LABELS[outcome],
            icon=icon,
            tone=tone,
        )

    def _measures(self, part: Figures) -> tuple[LinkedFigure, LinkedFigure, LinkedFigure]:
        rate = LinkedFigure(
            text=percent(part.error_rate), query=self._query(part, status=ERRORED), label=_RATE
        )
        return (
            rate,
            self._duration(part, part.p50, label=_P50),
            self._duration(part, part.p95, label=_P95),
        )

    def _duration(self, part: Figures, seconds: float | None, *, label: str) -> LinkedFigure:
        """A duration, with a link to the runs that took at least as long."""
        took = "" if seconds is None else f"{seconds:.6f}"
        return LinkedFigure(
            text=duration(seconds) or _NONE, query=self._query(part, took=took), label=label
        )

    def _query(self, part: Figures, **more: str) -> str:
        filters = Filters(
            workflow=self.workflow, since=_local(part.since), until=_local(part.until)
        )
        return filters.query(**more)

    def moment(self, moment: datetime) -> str:
        local = timezone.localtime(moment)
        if self.span.part == 1:
            return f"{local:%H:%M}"
        return f"{local:%d %b}" if self.span.part == 24 else f"{local:%d %b %H:%M}"

    def charts(self, rows: Sequence[Row]) -> list[Chart]:
        return [self._runs(rows), self._errors(rows), self._times(rows)]

    def _runs(self, rows: Sequence[Row]) -> Chart:
        top = axis_top(max(row.part.total for row in rows))
        piles = [{name: float(row.part.count(name)) for name in OUTCOMES} for row in rows]
        total = sum(row.part.total for row in rows)
        return Chart(
            slug="runs",
            title=f"Runs per {self.span.part_label}",
            description=f"{total:,} run{'s' if total != 1 else ''} by outcome.",
            top=f"{top:,.0f}",
            bars=_bars(rows, stacked_bars(piles, top=top)),
            keys=[(name, _LABELS[name]) for name in OUTCOMES],
        )

    def _errors(self, rows: Sequence[Row]) -> Chart:
        worst = max(row.part.error_rate or 0.0 for row in rows)
        top = min(axis_top(worst), 1.0)
        piles = [{"rate": row.part.error_rate or 0.0} for row in rows]
        return Chart(
            slug="errors",
            title=f"{_RATE} per {self.span.part_label}",
            description=f"At most {percent(worst)} of the runs that completed or failed.",
            top=percent(top),
            bars=_bars(rows, stacked_bars(piles, top=top)),
            keys=[("rate", "Share of errored runs")],
        )

    def _times(self, rows: Sequence[Row]) -> Chart:
        longest = max(row.part.p95 or 0.0 for row in rows)
        top = axis_top(longest)
        piles = [{"p50": row.part.p50 or 0.0, "p95": _above(row.part)} for row in rows]
        return Chart(
            slug="times",
            title=f"Duration per {self.span.part_label}",
            description=f"The highest p95 is {duration(longest)}.",
            top=duration(top),
            bars=_bars(rows, stacked_bars(piles, top=top)),
            keys=[("p50", _P50), ("p95", _P95)],
        )

    def steps(self, steps: Sequence[StepFigures], since: datetime | None) -> list[StepRow]:
        return [self._step(step, since) for step in steps]

    def _step(self, step: StepFigures, since: datetime | None) -> StepRow:
        filters = Filters(
            workflow=self.workflow or step.workflow,
            since=_local(since) if since else "",
            step=step.name,
        )
        return StepRow(
            step=step,
            runs=LinkedFigure(text=f"{step.runs:,}", query=filters.query()),
            retried=LinkedFigure(text=f"{step.retries:,}", query=filters.query(tries="2")),
        )


def _bars(rows: Sequence[Row], bars: Sequence[Bar]) -> list[LinkedBar]:
    """Add the title and the query of its figure to each bar."""
    return [
        LinkedBar(bar, f"{rows[bar.part].when}: {figure.label} {figure.text}", figure.query)
        for bar in bars
        for figure in [rows[bar.part].by_kind[bar.kind]]
    ]


def _local(moment: datetime) -> str:
    """Return a time as the list's form has it: local, without a time zone."""
    return timezone.localtime(moment).replace(tzinfo=None).isoformat(timespec="milliseconds")


def _above(part: Figures) -> float:
    return (part.p95 or 0.0) - (part.p50 or 0.0)


def percent(share: float | None) -> str:
    """Format a share as a percentage, with a decimal below 10 %; a dash for none."""
    if share is None:
        return _NONE
    return f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"
