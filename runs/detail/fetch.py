"""A run as its target has it now; if the target cannot be reached, the stored copy and the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from deployments.history import workflow_names
from runs.index import writer
from runs.models import Run, RunDetails
from runs.steps.masking import redact_run
from runs.sync import poller
from runs.sync.call_budget import counted
from targets.cloudflare import retries, time_limits
from targets.cloudflare.account import Account
from targets.cloudflare.errors import DeployError
from targets.lookup import account_of
from workflows.masked_values import masked_values

MAX_AGE: Final = timedelta(seconds=2)
_GONE: Final = "The target no longer has this run."


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedRun:
    """`data` is None if only the index has the run; `problem` says why it may be outdated."""

    data: Mapping[str, Any] | None
    problem: str = ""


def quick_account(run: Run) -> Account:
    """Return the account of the run's target, with a short timeout; raises the errors of `account_of`."""
    return time_limits.with_timeout(account_of(run.target))


def fetch_run(run: Run) -> FetchedRun:
    """Return the run, redacted; it is read from its target if the stored copy is too old."""
    if run.gone_at:
        return FetchedRun(data=_stored(run), problem=_GONE)
    data = _stored(run, since=timezone.now() - MAX_AGE)
    return FetchedRun(data=data) if data is not None else _fetch(run)


def _fetch(run: Run) -> FetchedRun:
    try:
        account, secrets = quick_account(run), writer.secrets_of(run)
        with retries.using(time_limits.until_deadline()):
            data = poller.describe(counted(account), run.workflow_name, run.instance_id)
    except DeployError as error:
        return FetchedRun(data=_stored(run), problem=str(error))
    if data is None:
        writer.mark_gone(run)
        return FetchedRun(data=_stored(run), problem=_GONE)
    if _has_changed(run, data):  # announced only then, because open pages fetch again
        writer.apply_details(run, data, secrets=secrets)
    else:
        writer.keep_details(run, data, secrets=secrets)
    return FetchedRun(data=redact_run(data, secrets))


def _stored(run: Run, *, since: datetime | None = None) -> Mapping[str, Any] | None:
    details = RunDetails.objects.filter(run=run)
    details = details.filter(fetched_at__gte=since) if since else details
    data: Mapping[str, Any] | None = details.values_list("data", flat=True).first()
    if data is None:
        return None
    # Again, because a value may have become a secret since.
    return redact_run(
        data, masked_values(workflow_names.owner_of(run.target_id, run.workflow_name))
    )


def _has_changed(run: Run, data: Mapping[str, Any]) -> bool:
    steps = [step for step in data.get("steps") or [] if "name" in step]
    indexed = (run.status, run.step_count)
    return run.read_at is None or indexed != (str(data.get("status")), len(steps))
