"""What can be done with runs: start, change, answer; one function per action, each on the trail."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import cloudflare

from audit import trail
from audit.trail import Actor, Subject
from deployments.errors import Cause, DeployError
from deployments.models import Deployment, Target
from deployments.targets import account_of
from deployments.tools.account import SCRIPTS_WRITE, Account
from runs import index, poller
from runs.finding import indexed
from runs.models import Run
from runs.services import runs_on
from runs.steps import occurrence

if TYPE_CHECKING:
    from workflows.models import Workflow

INSTANCE_ID: Final = re.compile(r"(?!cf_[0-9a-f]{64}$)[a-zA-Z0-9_][a-zA-Z0-9_-]{0,99}")
INSTANCE_ID_RULE: Final = "1 to 100 letters, digits, - or _, and a letter, digit or _ first"
LARGEST_PAYLOAD: Final = 1024 * 1024  # bytes, as Cloudflare takes them
ACTIONS: Final = ("pause", "resume", "restart", "terminate", "delete")
BATCH: Final = 100


class Refused(DeployError):
    """The run, or what was asked of it, does not allow it; nothing was changed."""

    cause = Cause.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A run that was asked for; `is_new` is False where one of this id was there already.

    `told` is what the target answered: `id` and `status` at least.
    """

    run: Run
    is_new: bool
    told: dict[str, Any]


def check_payload(payload: Any) -> None:
    """Raise Refused for what Cloudflare would not take."""
    size = len(json.dumps(payload, ensure_ascii=False).encode())
    if size > LARGEST_PAYLOAD:
        raise Refused(f"The payload has {size:,} bytes, and a run takes {LARGEST_PAYLOAD:,}.")


def trigger(
    live: Deployment, payload: Any, *, by: Actor, instance_id: str = "", reason: str = ""
) -> Started:
    """Start a run of what is live; the same id twice starts one run and says so.

    Raises Refused for an impossible id or payload, DeployError where the target refuses.
    """
    check_payload(payload)
    if instance_id and not INSTANCE_ID.fullmatch(instance_id):
        raise Refused(f"The id of a run has {INSTANCE_ID_RULE}.")
    runs = runs_on(live)
    is_new, told = _create(runs.account, runs.workflow, payload, instance_id)
    run = _indexed(_target(live), runs.workflow, str(told["id"]), runs.account)
    if is_new:
        _record("run started", run, by=by, reason=reason)
    else:
        told = {"id": run.instance_id, "status": run.status, "version_id": run.version_id}
    return Started(run=run, is_new=is_new, told=told)


def _create(
    account: Account, workflow: str, payload: Any, instance_id: str
) -> tuple[bool, dict[str, Any]]:
    with account.explained(f"start a run of {workflow}", needs=SCRIPTS_WRITE):
        try:
            answer = account.client.workflows.instances.with_raw_response.create(
                workflow,
                account_id=account.account_id,
                params=json.dumps(payload),
                instance_id=instance_id or cloudflare.omit,
            )
        except (cloudflare.ConflictError, cloudflare.BadRequestError):
            if instance_id and poller.describe(account, workflow, instance_id) is not None:
                return False, {"id": instance_id}
            raise
    return True, answer.http_response.json()["result"]


def _indexed(target: Target, workflow: str, instance_id: str, account: Account) -> Run:
    run = indexed(target, workflow, instance_id, account=account)
    if run is None:
        raise Refused(f"The run {instance_id} was started, and the target does not find it yet.")
    return run


def trigger_batch(
    live: Deployment, lines: Iterable[str], *, by: Actor
) -> Iterator[tuple[int, str]]:
    """Start a run for each JSON line, a hundred at once; yield how many were started, and the last id.

    A line is a payload, or {"id": ..., "params": ...}. Raises Refused before anything is started
    where a line cannot be read.
    """
    wanted = [_line(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    runs, target = runs_on(live), _target(live)
    subject = Subject("workflow", live.workflow_public_id, live.workflow_name)
    trail.record("batch of runs started", subject, by=by, runs=len(wanted), target=target.name)
    for start in range(0, len(wanted), BATCH):
        part = wanted[start : start + BATCH]
        with runs.account.explained(f"start {len(part)} runs", needs=SCRIPTS_WRITE):
            runs.account.client.workflows.instances.bulk(
                runs.workflow, account_id=runs.account.account_id, body=cast("Any", part)
            )
        yield start + len(part), str(part[-1].get("instance_id", ""))


def _line(number: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise Refused(f"Line {number} is not JSON: {error}. Nothing was started.") from None
    if isinstance(value, dict) and value.keys() <= {"id", "params"} and "params" in value:
        if "id" in value and not INSTANCE_ID.fullmatch(str(value["id"])):
            raise Refused(f"Line {number}: the id has {INSTANCE_ID_RULE}. Nothing was started.")
        named = {"instance_id": str(value["id"])} if "id" in value else {}
        return {**named, "params": json.dumps(value["params"])}
    return {"params": json.dumps(value)}


def change(run: Run, action: str, *, by: Actor, reason: str = "", from_step: str = "") -> Run:
    """Pause, resume, restart, terminate or delete a run, and return it as it is then.

    `from_step` is the name of the step that a restart begins at; "charge #2" is its second
    occurrence. Raises Refused, DeployError.
    """
    if action not in ACTIONS:
        raise Refused(f"A run can be told to {', '.join(ACTIONS)}; not to {action}.")
    if from_step and action != "restart":
        raise Refused("Only a restart begins at a step.")
    account = account_of(run.target)
    detail = {"from": from_step} if from_step else {}
    _record(f"run: {action}", run, by=by, reason=reason, **detail)
    _send(account, run, action, from_step)
    if action == "delete":
        index.mark_gone(run)
        return run
    told = poller.describe(account, run.workflow_name, run.instance_id)
    if told is not None:
        index.apply_details(run, told, secrets=index.secrets_of(run))
    return run


def _send(account: Account, run: Run, action: str, from_step: str) -> None:
    with account.explained(f"{action} the run {run.instance_id}", needs=SCRIPTS_WRITE):
        path = f"/accounts/{account.account_id}/workflows/{run.workflow_name}/instances"
        one = f"{path}/{run.instance_id}"
        if action == "delete":
            account.client.delete(one, cast_to=object)
            return
        body: dict[str, Any] = {"status": action}
        if from_step:
            name, count = occurrence(from_step)
            body["from"] = {"name": name, "count": count}
        account.client.patch(f"{one}/status", body=body, cast_to=object)


def send_event(run: Run, event_type: str, payload: Any, *, by: Actor, reason: str = "") -> Run:
    """Give the event to the run, which may be waiting for it."""
    check_payload(payload)
    account = account_of(run.target)
    _record("event sent", run, by=by, reason=reason, type=event_type)
    with account.explained(f"send {event_type} to the run", needs=SCRIPTS_WRITE):
        account.client.workflows.instances.events.create(
            event_type,
            account_id=account.account_id,
            workflow_name=run.workflow_name,
            instance_id=run.instance_id,
            body=payload,
        )
    told = poller.describe(account, run.workflow_name, run.instance_id)
    if told is not None:
        index.apply_details(run, told, secrets=index.secrets_of(run))
    return run


def _record(action: str, run: Run, *, by: Actor, reason: str, **detail: Any) -> None:
    subject = Subject("run", run.instance_id[:64], str(run))
    target = run.target.name
    trail.record(action, subject, by=by, reason=reason, target=target, **detail)


def _target(live: Deployment) -> Target:
    if live.target is None:
        raise Refused("The target of that deployment has been deleted.")
    return live.target


def live_of(workflow: Workflow, target: Target | None = None) -> Deployment:
    """Return what is live of the workflow; raises Refused where nothing is."""
    from deployments import records

    live = records.live(workflow.pk, target)
    if live is None:
        where = f" on {target.name}" if target else ""
        raise Refused(f"{workflow.name} is not live{where}: deploy it first.")
    return live
