"""A run as its target tells it now; where that cannot be asked, as it was kept, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.utils import timezone

from runs.index import writer
from runs.models import Run, RunDetails
from runs.sync import poller
from runs.sync.call_budget import counted
from targets.cloudflare import retries, time_limits
from targets.cloudflare.account import Account
from targets.cloudflare.errors import DeployError
from targets.cloudflare.redaction import redact
from targets.lookup import account_of

FRESH: Final = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`told` is None where nothing but the index knows of the run; `problem` says why it is old."""

    told: Mapping[str, Any] | None
    problem: str = ""


def quick_account(run: Run) -> Account:
    """Return the account of the run's target, whose calls are given up soon. Raises DeployError."""
    return time_limits.with_timeout(account_of(run.target))


def read(run: Run) -> Reading:
    """Return the run as it was told a moment ago, to whomever; else ask, and bring the index up to it."""
    if run.gone_at:
        return Reading(told=_kept(run), problem="The target keeps this run no more.")
    told = _kept(run, since=timezone.now() - FRESH)
    return Reading(told=told) if told is not None else _asked(run)


def _asked(run: Run) -> Reading:
    try:
        account, secrets = quick_account(run), writer.secrets_of(run)
        with retries.using(time_limits.until_deadline()):
            told = poller.describe(counted(account), run.workflow_name, run.instance_id)
    except DeployError as refused:
        return Reading(told=_kept(run), problem=str(refused))
    if told is None:
        writer.mark_gone(run)
        return Reading(told=_kept(run), problem="The target keeps this run no more.")
    if _is_news(run, told):  # told only then: open pages read again
        writer.apply_details(run, told, secrets=secrets)
    else:
        writer.keep_details(run, told, hide=partial(redact, secrets=secrets))
    return Reading(told=hidden(told, secrets))


def _kept(run: Run, *, since: datetime | None = None) -> Mapping[str, Any] | None:
    mine = RunDetails.objects.filter(run=run)
    mine = mine.filter(asked_at__gte=since) if since else mine
    told: Mapping[str, Any] | None = mine.values_list("told", flat=True).first()
    return told


def _is_news(run: Run, told: Mapping[str, Any]) -> bool:
    steps = [step for step in told.get("steps") or [] if "name" in step]
    seen = (run.status, run.step_count)
    return run.read_at is None or seen != (str(told.get("status")), len(steps))


def hidden(value: Any, secrets: Sequence[str]) -> Any:
    """Return the value without secrets: what a run was given or gave may hold them."""
    if not secrets:
        return value
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, Mapping):
        return {str(key): hidden(item, secrets) for key, item in value.items()}
    return [hidden(item, secrets) for item in value] if isinstance(value, list) else value
