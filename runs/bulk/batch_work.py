"""Starting the runs of a batch, a hundred in one call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final, cast

from django.template.defaultfilters import pluralize

from deployments.models import Deployment
from runs.bulk.json_lines import Line
from runs.bulk.leases import Work
from runs.services.control import Refused, target_of
from runs.sync.call_budget import counted
from targets.cloudflare.account import SCRIPTS_WRITE, Account
from targets.cloudflare.errors import RateLimited
from targets.lookup import account_of

AT_ONCE: Final = 100  # that Cloudflare takes in one call


START: Final = "start"


THERE: Final = "A run with this id was there already: no other one was started."


REPEATED: Final = (
    "Line {number} has the id of line {repeats}: no other run was started, its payload is left out."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What became of some lines of a batch: so many runs were started, those of `there` were not."""

    started: int
    there: tuple[Line, ...]

    def after_a_crash(self) -> Part:
        """Return the same where a worker died that may have sent it: ids made here are its own."""
        there = tuple(line for line in self.there if line.is_named)
        return Part(started=self.started + len(self.there) - len(there), there=there)

    @property
    def told(self) -> list[dict[str, str]]:
        """Each line of whose id there was a run already, and which run it is."""
        return [{"run": line.instance_id, "message": _why(line)} for line in self.there]


def _why(line: Line) -> str:
    return REPEATED.format(number=line.number, repeats=line.repeats) if line.repeats else THERE


def start_all(live: Deployment, wanted: Sequence[Line]) -> Iterator[Part]:
    """Start the runs, a hundred lines at once, and tell of each hundred. Raises DeployError."""
    for at in range(0, len(wanted), AT_ONCE):
        yield _start(live, wanted[at : at + AT_ONCE])


def _start(live: Deployment, part: Sequence[Line]) -> Part:
    account = account_of(target_of(live))
    asked = [line for line in part if not line.repeats]
    made = _made(live, account, asked) if asked else frozenset()
    there = tuple(line for line in part if line.repeats or line.instance_id not in made)
    return Part(started=len(part) - len(there), there=there)


def _made(live: Deployment, account: Account, asked: Sequence[Line]) -> Set[str]:
    """Return the ids of the runs that were started; those of others were there."""
    what = f"start {len(asked):,} run{pluralize(len(asked))}"
    with counted(account).explained(what, needs=SCRIPTS_WRITE):
        told = account.client.workflows.instances.bulk(
            live.worker_name,
            account_id=account.account_id,
            body=cast("Any", [line.as_call() for line in asked]),
        )
    return {one.id for one in told.result}


def start_the_rest(work: Work) -> None:
    """Start what a batch has not started yet; its payloads are kept no longer than that takes.

    Ends when its turn is over. Raises Later where the target is asked too often; Lost, DeployError.
    """
    made = work.made
    if made.deployment is None:
        raise Refused("The deployment that the runs were to be started of is gone.")
    wanted, is_new = [Line(**one) for one in made.starts], not work.is_resumed
    while work.goes_on:
        try:
            part = _start(made.deployment, wanted[made.settled : made.settled + AT_ONCE])
        except RateLimited as busy:
            work.put_off(busy.until)
        part, is_new = part if is_new else part.after_a_crash(), True
        work.count(done=part.started, there=part.told)
