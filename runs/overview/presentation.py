"""The figures of many runs as pages show them: words, addresses of the runs behind, charts."""

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
    stacked,
    top_of,
)
from runs.overview.queries import Step, Steps
from web.formatting import duration

_FILTERS: Final = {OPEN: ",".join(statuses.OPEN)}
_WORDS: Final = {
    COMPLETE: "Complete",
    ERRORED: "Errored",
    TERMINATED: "Terminated",
    OPEN: "Not ended",
}
_LOOKS: Final = {
    COMPLETE: ("check", "tone-good"),
    ERRORED: ("cross", "tone-bad"),
    TERMINATED: ("bar", "tone-quiet"),
    OPEN: ("ring", "tone-busy"),
}
_NONE: Final = "-"
_RATE, _P50, _P95 = "Error rate", "Half took at most", "95 % took at most"


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """A figure in words, and the query of the list that has the runs behind it."""

    words: str
    query: str
    label: str = ""
    icon: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class ShownBar:
    """A bar with what it says and where it leads."""

    bar: Bar
    title: str
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing with its words; `keys` are its colours, by the class and the word of each."""

    slug: str
    title: str
    description: str
    top: str
    bars: Sequence[ShownBar]
    keys: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The figures of one part of the time, in words; `outcomes` are in the order of OUTCOMES."""

    part: Figures
    when: str
    outcomes: Sequence[Linked]
    error_rate: Linked
    p50: Linked
    p95: Linked

    @property
    def by_kind(self) -> dict[str, Linked]:
        """The figures by the kinds of the bars that draw them."""
        outcomes = dict(zip(OUTCOMES, self.outcomes, strict=True))
        return {**outcomes, "rate": self.error_rate, "p50": self.p50, "p95": self.p95}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    step: Step
    runs: Linked
    retried: Linked


@dataclass(frozen=True, slots=True)
class Presenter:
    """Says figures in words, for the runs of a workflow ("" for all) in parts of a range."""

    workflow: str
    span: Range

    def cards(self, whole: Figures) -> list[Linked]:
        """What became of all of them, and how long they took."""
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

    def _total(self, part: Figures) -> Linked:
        return Linked(words=f"{part.total:,}", query=self._query(part), label="Runs")

    def _outcomes(self, part: Figures) -> list[Linked]:
        return [self._outcome(part, name) for name in OUTCOMES]

    def _outcome(self, part: Figures, outcome: str) -> Linked:
        icon, tone = _LOOKS[outcome]
        return Linked(
            words=f"{part.count(outcome):,}",
            query=self._query(part, status=_FILTERS.get(outcome, outcome)),
            label=_WORDS[outcome],
            icon=icon,
            tone=tone,
        )

    def _measures(self, part: Figures) -> tuple[Linked, Linked, Linked]:
        rate = Linked(
            words=percent(part.error_rate), query=self._query(part, status=ERRORED), label=_RATE
        )
        return (
            rate,
            self._at_least(part, part.p50, label=_P50),
            self._at_least(part, part.p95, label=_P95),
        )

    def _at_least(self, part: Figures, seconds: float | None, *, label: str) -> Linked:
        """A duration leads to the runs that took that long, and longer."""
        took = "" if seconds is None else f"{seconds:.6f}"
        return Linked(
            words=duration(seconds) or _NONE, query=self._query(part, took=took), label=label
        )

    def _query(self, part: Figures, **more: str) -> str:
        filters = Filters(workflow=self.workflow, since=_wall(part.since), until=_wall(part.until))
        return filters.query(**more)

    def moment(self, moment: datetime) -> str:
        here = timezone.localtime(moment)
        if self.span.part == 1:
            return f"{here:%H:%M}"
        return f"{here:%d %b}" if self.span.part == 24 else f"{here:%d %b %H:%M}"

    def charts(self, rows: Sequence[Row]) -> list[Chart]:
        return [self._runs(rows), self._errors(rows), self._times(rows)]

    def _runs(self, rows: Sequence[Row]) -> Chart:
        top = top_of(max(row.part.total for row in rows))
        piles = [{name: float(row.part.count(name)) for name in OUTCOMES} for row in rows]
        total = sum(row.part.total for row in rows)
        return Chart(
            slug="runs",
            title=f"Runs per {self.span.part_label}",
            description=f"{total:,} run{'s' if total != 1 else ''} by what became of them.",
            top=f"{top:,.0f}",
            bars=_bars(rows, stacked(piles, top=top)),
            keys=[(name, _WORDS[name]) for name in OUTCOMES],
        )

    def _errors(self, rows: Sequence[Row]) -> Chart:
        worst = max(row.part.error_rate or 0.0 for row in rows)
        top = min(top_of(worst), 1.0)
        piles = [{"rate": row.part.error_rate or 0.0} for row in rows]
        return Chart(
            slug="errors",
            title=f"{_RATE} per {self.span.part_label}",
            description=f"At most {percent(worst)} of the runs that came to an end failed.",
            top=percent(top),
            bars=_bars(rows, stacked(piles, top=top)),
            keys=[("rate", "Errored of those that completed or failed")],
        )

    def _times(self, rows: Sequence[Row]) -> Chart:
        longest = max(row.part.p95 or 0.0 for row in rows)
        top = top_of(longest)
        piles = [{"p50": row.part.p50 or 0.0, "p95": _above(row.part)} for row in rows]
        return Chart(
            slug="times",
            title=f"Duration per {self.span.part_label}",
            description=f"The slowest twentieth took {duration(longest)} or longer.",
            top=duration(top),
            bars=_bars(rows, stacked(piles, top=top)),
            keys=[("p50", f"{_P50} (p50)"), ("p95", f"{_P95} (p95)")],
        )

    def steps(self, rows: Sequence[Step], looked_at: Steps) -> list[StepRow]:
        return [self._step(step, looked_at.since) for step in rows]

    def _step(self, step: Step, since: datetime | None) -> StepRow:
        mine = Filters(
            workflow=self.workflow or step.workflow,
            since=_wall(since) if since else "",
            step=step.name,
        )
        return StepRow(
            step=step,
            runs=Linked(words=f"{step.runs:,}", query=mine.query()),
            retried=Linked(words=f"{step.retries:,}", query=mine.query(tries="2")),
        )


def _bars(rows: Sequence[Row], bars: Sequence[Bar]) -> list[ShownBar]:
    """Give each bar the words and the address of the figure that it draws."""
    said = [row.by_kind for row in rows]
    return [
        ShownBar(bar, f"{rows[bar.part].when}: {one.label} {one.words}", one.query)
        for bar in bars
        for one in [said[bar.part][bar.kind]]
    ]


def _wall(moment: datetime) -> str:
    """Write a time as the list's form has it: by the clock of the reader, without a zone."""
    return timezone.localtime(moment).replace(tzinfo=None).isoformat(timespec="milliseconds")


def _above(part: Figures) -> float:
    return (part.p95 or 0.0) - (part.p50 or 0.0)


def percent(share: float | None) -> str:
    """Say a share in percent, with a decimal where it is small; a dash for none."""
    if share is None:
        return _NONE
    return f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"
