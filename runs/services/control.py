"""What can be done with runs: start, change, answer; one function per action, each on the trail."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final
from urllib.parse import quote
from uuid import uuid4

import cloudflare
from django.utils import timezone

from audit import trail
from audit.trail import Actor, Subject
from deployments.models import Deployment
from runs.index import writer
from runs.models import Run
from runs.services import event_schemas, lookup
from runs.steps.parsing import read_row
from runs.steps.step_reader import occurrence, read_steps, unasked
from runs.sync import poller
from runs.sync.call_budget import counted
from targets.cloudflare.account import SCRIPTS_WRITE, Account
from targets.cloudflare.errors import Cause, DeployError
from targets.lookup import account_of
from targets.models import Target
from workflows.models import Workflow

INSTANCE_ID: Final = re.compile(r"(?!cf_[0-9a-f]{64}$)[a-zA-Z0-9_][a-zA-Z0-9_-]{0,99}")
INSTANCE_ID_RULE: Final = "1 to 100 letters, digits, - or _, and a letter, digit or _ first"
LARGEST_PAYLOAD: Final = 1024 * 1024  # bytes, as Cloudflare takes them
ACTIONS: Final = ("pause", "resume", "restart", "terminate", "delete")
_REFUSED: Final = (
    cloudflare.ConflictError,
    cloudflare.BadRequestError,
    cloudflare.UnprocessableEntityError,
)
_LOST: Final = (cloudflare.InternalServerError, cloudflare.APIConnectionError)


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
    try:
        size = len(json.dumps(payload, ensure_ascii=False, allow_nan=False).encode())
    except ValueError:
        raise Refused(
            "The payload is not JSON: it holds a number that JSON has no word for."
        ) from None
    if size > LARGEST_PAYLOAD:
        raise Refused(f"The payload has {size:,} bytes, and a run takes {LARGEST_PAYLOAD:,}.")


def trigger(
    live: Deployment, payload: Any, *, by: Actor, instance_id: str = "", reason: str = ""
) -> Started:
    """Start a run of what is live; the same id twice starts one run and says so.

    Raises Refused for an impossible id or payload, DeployError where the target refuses.
    """
    start = Start.of(live, payload, instance_id=instance_id)
    counted(start.account, Start.CALLS)
    return settle(start, start.send(), by=by, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a target answered to a start; `described` is the run itself, where it could be read."""

    at: datetime
    is_new: bool
    told: dict[str, Any]
    described: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A run to be started; it needs no database to be sent: who sends it counts its CALLS."""

    CALLS: ClassVar = 2  # it is read when it was started
    target: Target
    account: Account
    workflow: str
    payload: Any
    instance_id: str

    @classmethod
    def of(cls, live: Deployment, payload: Any, *, instance_id: str = "") -> Start:
        """Raises Refused for an impossible id or payload, or where the target is no more."""
        check_payload(payload)
        if instance_id and not INSTANCE_ID.fullmatch(instance_id):
            raise Refused(f"The id of a run has {INSTANCE_ID_RULE}.")
        return cls(
            target=target_of(live),
            account=account_of(target_of(live)),
            workflow=live.worker_name,
            payload=payload,
            instance_id=instance_id or str(uuid4()),  # by it a start whose answer is lost is found
        )

    def send(self) -> Sent:
        """Start it; what is not known of a run that was started keeps nobody from hearing of it."""
        began = timezone.now()
        with self.account.explained(f"start a run of {self.workflow}", needs=SCRIPTS_WRITE):
            try:
                told = self._create()
            except (*_REFUSED, *_LOST) as error:
                known = self._known(began, is_new=isinstance(error, _LOST))
                if known is None:
                    raise
                return known
        described = None
        with suppress(DeployError):
            described = poller.describe(self.account, self.workflow, str(told["id"]))
        return Sent(at=began, is_new=True, told=told, described=described)

    def _create(self) -> dict[str, Any]:
        answer = self.account.client.workflows.instances.with_raw_response.create(
            self.workflow,
            account_id=self.account.account_id,
            params=json.dumps(self.payload),
            instance_id=self.instance_id,
        )
        told: dict[str, Any] = answer.http_response.json()["result"]
        return told

    def _known(self, began: datetime, *, is_new: bool) -> Sent | None:
        """Return the run of this id where there is one: of an earlier start, or its answer was lost."""
        found = None
        with suppress(DeployError):
            found = poller.describe(self.account, self.workflow, self.instance_id)
        if found is None:
            return None
        version = found.get("versionId")
        told = {"id": self.instance_id, "status": found["status"], "version_id": version}
        return Sent(at=began, is_new=is_new, told=told, described=found)


def settle(start: Start, sent: Sent, *, by: Actor, reason: str = "", **detail: Any) -> Started:
    """Put a start on the trail and into the index."""
    instance_id = str(sent.told["id"])
    if sent.is_new:
        name = f"{start.workflow} {instance_id}"
        subject = Subject("run", instance_id[:64], name)
        trail.record(
            "run started", subject, by=by, reason=reason, target=start.target.name, **detail
        )
    if sent.described:
        row = lookup.row_of(instance_id, sent.described)
    else:
        row = read_row({"trigger_source": "api", "created_on": sent.at.isoformat(), **sent.told})
    run = lookup.entered(start.target, start.workflow, row)
    return Started(run=run, is_new=sent.is_new, told=sent.told)


def change(run: Run, action: str, *, by: Actor, reason: str = "", from_step: str = "") -> Run:
    """Pause, resume, restart, terminate or delete a run, and return it as it is then.

    `from_step` is the name of the step that a restart begins at; "charge #2" is its second
    occurrence. Raises Refused, DeployError.
    """
    tell(run, action, by=by, reason=reason, from_step=from_step)
    if action != "delete":
        _read_again(run)
    return run


def tell(run: Run, action: str, *, by: Actor, reason: str = "", from_step: str = "") -> None:
    """Change a run as `change` does, and leave it to the poller what became of it."""
    if action not in ACTIONS:
        raise Refused(f"A run can be told to {', '.join(ACTIONS)}; not to {action}.")
    if from_step and action != "restart":
        raise Refused("Only a restart begins at a step.")
    detail = {"from": from_step} if from_step else {}
    with _on_trail(f"run: {action}", run, by=by, reason=reason, **detail):
        _send(counted(account_of(run.target)), run, action, from_step)
    if action == "delete":
        writer.mark_gone(run)
    elif action == "restart":
        Run.objects.filter(pk=run.pk).update(read_at=None)  # also one that had ended is read again


def _send(account: Account, run: Run, action: str, from_step: str) -> None:
    ids = (account.account_id, run.workflow_name, run.instance_id)
    with account.explained(f"{action} the run {run.instance_id}", needs=SCRIPTS_WRITE):
        if action == "delete":  # the SDK has no call for it; an id that a cron made has any sign
            path = "/accounts/{}/workflows/{}/instances/{}".format(*map(_quoted, ids))
            account.client.delete(path, cast_to=object)
            return
        edit: Any = account.client.workflows.instances.status.edit  # typed for each action alone
        name, count = occurrence(from_step)
        begin = {"from_": {"name": name, "count": count}} if from_step else {}
        edit(ids[2], account_id=ids[0], workflow_name=ids[1], status=action, **begin)


def _quoted(text: str) -> str:
    return quote(text, safe="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A run that was given an event; `note` says so where none of its steps has asked for it yet."""

    run: Run
    note: str


def send_event(run: Run, event_type: str, payload: Any, *, by: Actor, reason: str = "") -> Answered:
    """Give the event to the run, which may be waiting for it.

    Raises Refused for a payload that the schema of its node does not allow, DeployError.
    """
    check_payload(payload)
    if wrong := event_schemas.problem(run, event_type, payload):
        raise Refused(f"{event_type} does not take this payload: {wrong}. Nothing was sent.")
    account = counted(account_of(run.target))
    with (
        _on_trail("event sent", run, by=by, reason=reason, type=event_type),
        account.explained(f"send {event_type} to the run", needs=SCRIPTS_WRITE),
    ):
        account.client.workflows.instances.events.create(
            event_type,
            account_id=account.account_id,
            workflow_name=run.workflow_name,
            instance_id=run.instance_id,
            body=payload,
        )
    told = _read_again(run)
    note = unasked(read_steps(told, is_over=False), event_type) if told is not None else ""
    return Answered(run=run, note=note)


def _read_again(run: Run) -> dict[str, Any] | None:
    """Bring the row up to what was changed; where it cannot be read now, the poller does so later."""
    told = None
    with suppress(DeployError):
        account = counted(account_of(run.target))
        told = poller.describe(account, run.workflow_name, run.instance_id)
        if told is not None:
            writer.apply_details(run, told, secrets=writer.secrets_of(run))
    return told


@contextmanager
def _on_trail(action: str, run: Run, *, by: Actor, reason: str, **detail: Any) -> Iterator[None]:
    """Record what the body did, and also what it may have done: where the answer was lost."""
    try:
        yield
    except DeployError as refused:
        if refused.cause is Cause.UNREACHABLE:
            _record(action, run, by=by, reason=reason, answer="none", **detail)
        raise
    _record(action, run, by=by, reason=reason, **detail)


def _record(action: str, run: Run, *, by: Actor, reason: str, **detail: Any) -> None:
    subject = Subject("run", run.instance_id[:64], str(run))
    trail.record(action, subject, by=by, reason=reason, target=run.target.name, **detail)


def target_of(live: Deployment) -> Target:
    """Return where it is live; raises Refused where that is no more."""
    if live.target is None:
        raise Refused("The target of that deployment has been deleted.")
    return live.target


def live_of(workflow: Workflow, target: Target | None = None) -> Deployment:
    """Return what is live of the workflow; raises Refused where nothing is."""
    from deployments.history import records

    live = records.live(workflow.pk, target)
    if live is None:
        where = f" on {target.name}" if target else ""
        raise Refused(f"{workflow.name} is not live{where}: deploy it first.")
    return live
