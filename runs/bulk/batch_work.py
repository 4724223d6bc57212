"""Starting the runs of a batch, a hundred in each call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final, cast

from django.template.defaultfilters import pluralize

from deployments.history import workflow_names
from deployments.models import Deployment
from runs.bulk.claims import ClaimedChange
from runs.bulk.json_lines import Line
from runs.services.control import Refused, target_of
from runs.sync.call_budget import counted
from targets.cloudflare.account import SCRIPTS_WRITE, Account
from targets.cloudflare.errors import RateLimited
from targets.lookup import account_of

CHUNK_SIZE: Final = 100  # Cloudflare's limit for one call
START: Final = "start"
ALREADY_EXISTS: Final = "A run with this id already exists, so none was started."
REPEATED_ID: Final = "Line {number} has the same id as line {repeats}: no run was started, and its payload is ignored."


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkResult:
    """How many runs of a chunk were started, and the lines whose run already existed."""

    started: int
    existing: tuple[Line, ...]

    def after_crash(self) -> ChunkResult:
        """Count generated ids as started: the worker that crashed may have sent this chunk."""
        existing = tuple(line for line in self.existing if line.is_named)
        return ChunkResult(
            started=self.started + len(self.existing) - len(existing), existing=existing
        )

    @property
    def messages(self) -> list[dict[str, str]]:
        """The run id of each line that started none, and why."""
        return [{"run": line.instance_id, "message": _reason(line)} for line in self.existing]


def _reason(line: Line) -> str:
    if line.repeats:
        return REPEATED_ID.format(number=line.number, repeats=line.repeats)
    return ALREADY_EXISTS


def start_in_chunks(
    live: Deployment, lines: Sequence[Line], workflow: str = ""
) -> Iterator[ChunkResult]:
    """Start the runs and yield the result of each chunk. Raises DeployError if a call fails.

    `workflow` names one of several Workflows of a project.
    """
    for at in range(0, len(lines), CHUNK_SIZE):
        yield _start(live, lines[at : at + CHUNK_SIZE], workflow)


def _start(live: Deployment, chunk: Sequence[Line], workflow: str) -> ChunkResult:
    account = account_of(target_of(live))
    unique = [line for line in chunk if not line.repeats]
    created = _create(live, account, unique, workflow) if unique else frozenset()
    existing = tuple(line for line in chunk if line.repeats or line.instance_id not in created)
    return ChunkResult(started=len(chunk) - len(existing), existing=existing)


def _create(live: Deployment, account: Account, lines: Sequence[Line], workflow: str) -> Set[str]:
    """Return the ids of the runs that were started; the others already existed."""
    what = f"start {len(lines):,} run{pluralize(len(lines))}"
    with counted(account).explained(what, needs=SCRIPTS_WRITE):
        response = account.client.workflows.instances.bulk(
            workflow_names.choose(live, workflow),
            account_id=account.account_id,
            body=cast("Any", [line.as_request() for line in lines]),
        )
    return {instance.id for instance in response.result}


def start_remaining(claimed: ClaimedChange) -> None:
    """Start the remaining runs of a batch until the turn ends.

    Raises RetryLater if the target is rate limited, LeaseLost if another process has taken over,
    and DeployError if the target fails.
    """
    change = claimed.change
    if change.deployment is None:
        raise Refused("The deployment of these runs has been deleted.")
    lines, was_interrupted = [Line(**fields) for fields in change.starts], claimed.is_resumed
    while claimed.may_continue:
        try:
            chunk = lines[change.processed : change.processed + CHUNK_SIZE]
            result = _start(change.deployment, chunk, change.workflow_name)
        except RateLimited as error:
            claimed.postpone(error.until)
        if was_interrupted:
            result, was_interrupted = result.after_crash(), False
        claimed.count(done=result.started, existing=result.messages)
