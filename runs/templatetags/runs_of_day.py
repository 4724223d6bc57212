"""What the dashboard shows of runs, which deployments know nothing of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template

from runs import day
from runs.day import Day, Waits

register = template.Library()


@register.simple_tag
def days_of(rows: Iterable[Any]) -> dict[str, Day]:
    """The last day of the workflows of the dashboard's rows, by their ids."""
    return day.days(row.workflow.pk for row in rows)


@register.filter
def of_workflow(days: dict[str, Day], workflow: str) -> Day | None:
    return days.get(workflow)


@register.simple_tag
def waiting_runs() -> Waits:
    return day.waits()
