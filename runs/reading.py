"""A run as its target tells it now; where that cannot be asked, as it was kept, and why."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import Any, Final

from cloudflare import Cloudflare

from deployments.cloudflare.redaction import redact
from deployments.errors import DeployError
from deployments.targets import account_of
from deployments.tools import patience
from deployments.tools.account import Account
from deployments.tools.patience import Patience
from runs import index, poller
from runs.models import Run, RunDetails

LONGEST: Final = 2.0  # seconds that a page waits for a target


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`told` is None where nothing but the index knows of the run; `problem` says why it is old."""

    told: Mapping[str, Any] | None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class _Quick(Account):
    """The account, for somebody who waits for a page."""

    usual: Account

    @cached_property
    def client(self) -> Cloudflare:
        return self.usual.client.with_options(timeout=LONGEST)


@lru_cache(maxsize=64)
def _quick(account: Account) -> _Quick:
    values = {one.name: getattr(account, one.name) for one in fields(account)}
    return _Quick(**values, usual=account)


def quick_account(run: Run) -> Account:
    """Return the account of the run's target, whose calls are given up soon. Raises DeployError."""
    return _quick(account_of(run.target))


def hasty() -> Patience:
    """Return a patience that ends when the page has waited long enough."""
    deadline = time.monotonic() + LONGEST

    def pause(seconds: float) -> None:
        if time.monotonic() + seconds > deadline:
            raise DeployError(f"The target did not answer within {LONGEST:.0f} seconds.")
        time.sleep(seconds)

    return Patience(longest=LONGEST, pause=pause)


def read(run: Run) -> Reading:
    """Ask the target for the run, and bring the index up to what it says."""
    if run.gone_at:
        return Reading(told=_kept(run), problem="The target keeps this run no more.")
    try:
        with patience.using(hasty()):
            told = poller.describe(quick_account(run), run.workflow_name, run.instance_id)
        secrets = index.secrets_of(run)
    except DeployError as refused:
        return Reading(told=_kept(run), problem=str(refused))
    if told is None:
        index.mark_gone(run)
        return Reading(told=_kept(run), problem="The target keeps this run no more.")
    if _is_news(run, told):  # written only then: to write tells open pages, which read again
        index.apply_details(run, told, secrets=secrets)
    return Reading(told=hidden(told, secrets))


def _kept(run: Run) -> Mapping[str, Any] | None:
    told: Mapping[str, Any] | None = (
        RunDetails.objects.filter(run=run).values_list("told", flat=True).first()
    )
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
