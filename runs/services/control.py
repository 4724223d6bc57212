"""Starting, changing and answering runs; every action is recorded in the audit trail."""

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
from deployments.history import records, workflow_names
from deployments.models import Deployment
from runs.index import writer
from runs.index.starters import STARTED
from runs.models import Run
from runs.services import event_schemas, lookup
from runs.services.start_options import NO_OPTIONS, StartOptions
from runs.steps.parsing import read_row
from runs.steps.start_points import StartPoint, find_start_point
from runs.steps.step_reader import Step, read_steps, unexpected_event_note
from runs.sync import poller
from runs.sync.call_budget import counted
from targets.cloudflare.account import SCRIPTS_WRITE, Account
from targets.cloudflare.errors import Cause, DeployError
from targets.lookup import account_of
from targets.models import Target
from workflows.ir.document.approvals import is_approval
from workflows.ir.document.triggers import EVENT_TYPE, EVENT_TYPE_RULE
from workflows.ir.reading.raw_values import check_values
from workflows.models import Workflow

INSTANCE_ID: Final = re.compile(r"(?!cf_[0-9a-f]{64}$)[a-zA-Z0-9_][a-zA-Z0-9_-]{0,99}")
INSTANCE_ID_RULE: Final = "1 to 100 letters, digits, - or _, not starting with -"
_MAX_DEPTH: Final = 500  # of values in a payload
LARGEST_PAYLOAD: Final = 1024 * 1024  # bytes, Cloudflare's limit
ACTIONS: Final = ("pause", "resume", "restart", "terminate", "delete")
_IS_APPROVAL: Final = (
    "This event decides an approval. Decide it on the page of the run, or with decide_approval. "
    "Nothing was sent."
)
_MAX_NAMES: Final = 20  # of steps, in a message
_REFUSED: Final = (
    cloudflare.ConflictError,
    cloudflare.BadRequestError,
    cloudflare.UnprocessableEntityError,
)
_ANSWER_LOST: Final = (cloudflare.InternalServerError, cloudflare.APIConnectionError)


class Refused(DeployError):
    """The request is not valid, or does not fit the run's state; nothing was changed."""

    cause = Cause.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The result of a start; `is_new` is False if a run with this id already existed.

    `answer` is the target's response, with `id` and `status` at least.
    """

    run: Run
    is_new: bool
    answer: dict[str, Any]


def check_payload(payload: Any) -> None:
    """Raise Refused for a payload that Cloudflare would not accept, or that it would change."""
    for problem in check_values(payload, max_depth=_MAX_DEPTH):
        subject = f"{problem.path} in the payload" if problem.path else "The payload"
        raise Refused(f"{subject} {problem.message}.")
    try:
        size = len(json.dumps(payload, ensure_ascii=False, allow_nan=False).encode())
    except ValueError:
        raise Refused("The payload is not JSON: JSON has no NaN and no infinite numbers.") from None
    if size > LARGEST_PAYLOAD:
        raise Refused(f"The payload has {size:,} bytes; the limit is {LARGEST_PAYLOAD:,} bytes.")


def check_action(action: str) -> None:
    """Raise Refused for an unknown action."""
    if action not in ACTIONS:
        raise Refused(f"Unknown action {action}. Use one of {', '.join(ACTIONS)}.")


def trigger(
    live: Deployment,
    payload: Any,
    *,
    by: Actor,
    instance_id: str = "",
    options: StartOptions = NO_OPTIONS,
    reason: str = "",
    via: str = "",
    workflow: str = "",
) -> Started:
    """Start a run of a live deployment; an id that is used twice starts one run.

    `workflow` names one of several Workflows of a project. Raises NoWorkflow, Refused for an invalid
    id or payload, DeployError if the target rejects the call.
    """
    start = Start.of(live, payload, instance_id=instance_id, options=options, workflow=workflow)
    counted(start.account, Start.CALLS)
    detail = options.as_detail() | ({"via": via} if via else {})
    return record_start(start, start.send(), by=by, reason=reason, **detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartResponse:
    """The target's response to a start; `described` is the run itself, if it could be read."""

    at: datetime
    is_new: bool
    answer: dict[str, Any]
    described: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A run to start. Sending needs no database, so the sender must count CALLS calls."""

    CALLS: ClassVar = 2  # the start, and reading the run
    target: Target
    account: Account
    workflow: str
    payload: Any
    instance_id: str
    options: StartOptions = NO_OPTIONS

    @classmethod
    def of(
        cls,
        live: Deployment,
        payload: Any,
        *,
        instance_id: str = "",
        options: StartOptions = NO_OPTIONS,
        workflow: str = "",
    ) -> Start:
        """`workflow` names one of several Workflows of a project.

        Raises Refused for an invalid id or payload, or if the target was deleted, and NoWorkflow.
        """
        check_payload(payload)
        if instance_id and not INSTANCE_ID.fullmatch(instance_id):
            raise Refused(f"The id of a run must have {INSTANCE_ID_RULE}.")
        return cls(
            target=target_of(live),
            account=account_of(target_of(live)),
            workflow=workflow_names.choose(live, workflow),
            payload=payload,
            instance_id=instance_id or str(uuid4()),  # finds the run again if the response is lost
            options=options,
        )

    def send(self) -> StartResponse:
        """Start the run; a run that was started but cannot be read is not an error."""
        started_at = timezone.now()
        with self.account.explained(f"start a run of {self.workflow}", needs=SCRIPTS_WRITE):
            try:
                answer = self._create()
            except (*_REFUSED, *_ANSWER_LOST) as error:
                existing = self._existing(started_at, is_new=isinstance(error, _ANSWER_LOST))
                if existing is None:
                    raise
                return existing
        described = None
        with suppress(DeployError):
            described = poller.describe(self.account, self.workflow, str(answer["id"]))
        return StartResponse(at=started_at, is_new=True, answer=answer, described=described)

    def _create(self) -> dict[str, Any]:
        response = self.account.client.workflows.instances.with_raw_response.create(
            self.workflow,
            account_id=self.account.account_id,
            params=json.dumps(self.payload),
            instance_id=self.instance_id,
            extra_body=self.options.as_request(),
        )
        answer: dict[str, Any] = response.http_response.json()["result"]
        return answer

    def _existing(self, started_at: datetime, *, is_new: bool) -> StartResponse | None:
        """Return the run with this id, if any: started earlier, or just now with its response lost."""
        described = None
        with suppress(DeployError):
            described = poller.describe(self.account, self.workflow, self.instance_id)
        if described is None:
            return None
        answer = {
            "id": self.instance_id,
            "status": described["status"],
            "version_id": described.get("versionId"),
        }
        return StartResponse(at=started_at, is_new=is_new, answer=answer, described=described)


def record_start(
    start: Start, response: StartResponse, *, by: Actor, reason: str = "", **detail: Any
) -> Started:
    """Record a start in the audit trail and in the index."""
    instance_id = str(response.answer["id"])
    if response.is_new:
        name = f"{start.workflow} {instance_id}"
        subject = Subject("run", instance_id[:64], name)
        trail.record(STARTED, subject, by=by, reason=reason, target=start.target.name, **detail)
    if response.described:
        row = lookup.row_of(instance_id, response.described)
    else:
        created_on = response.at.isoformat()
        row = read_row({"trigger_source": "api", "created_on": created_on, **response.answer})
    run = lookup.find_or_create(start.target, start.workflow, row)
    return Started(run=run, is_new=response.is_new, answer=response.answer)


def start_point(run: Run, text: str) -> StartPoint:
    """Return the step of the run with this name; "charge #2" can be the second "charge".

    A step whose name is exactly the text comes first. Raises Refused if there is no such step.
    """
    steps: tuple[Step, ...] = ()
    with suppress(DeployError):
        data = poller.describe(counted(account_of(run.target)), run.workflow_name, run.instance_id)
        steps = read_steps(data or {}, is_over=True)
    found = find_start_point(text, steps)
    if found is None:
        names = list(dict.fromkeys(step.restart_name for step in steps if step.restart_name))
        shown = ", ".join(names[:_MAX_NAMES]) + (" ..." if len(names) > _MAX_NAMES else "")
        raise Refused(f"The run has no step {text!r}. Its steps are: {shown}. Nothing was changed.")
    return found


def change(
    run: Run,
    action: str,
    *,
    by: Actor,
    reason: str = "",
    from_step: str | StartPoint = "",
    rollback: bool = False,
) -> Run:
    """Pause, resume, restart, terminate or delete a run, and return its new state.

    `from_step` is the step from which a restart starts; for a string, see `start_point`. With
    `rollback`, a termination first undoes the steps. Raises Refused if the run's status forbids it,
    DeployError if the target rejects it.
    """
    send_action(run, action, by=by, reason=reason, from_step=from_step, rollback=rollback)
    if action != "delete":
        _refresh(run)
    return run


def send_action(
    run: Run,
    action: str,
    *,
    by: Actor,
    reason: str = "",
    from_step: str | StartPoint = "",
    rollback: bool = False,
) -> None:
    """Change a run like `change`, but leave reading it to the poller."""
    check_action(action)
    if from_step and action != "restart":
        raise Refused("Only a restart can start from a step.")
    if rollback and action != "terminate":
        raise Refused("Only a termination can run the rollbacks.")
    point = start_point(run, from_step) if isinstance(from_step, str) and from_step else None
    point = from_step if isinstance(from_step, StartPoint) else point
    detail: dict[str, Any] = {"from": str(point)} if point else {}
    detail |= {"rollback": True} if rollback else {}
    with _recorded(f"run: {action}", run, by=by, reason=reason, **detail):
        _send(counted(account_of(run.target)), run, action, point, rollback=rollback)
    if action == "delete":
        writer.mark_gone(run)
    elif action == "restart":
        Run.objects.filter(pk=run.pk).update(read_at=None, viewed_at=None)  # read it again


def _send(
    account: Account, run: Run, action: str, point: StartPoint | None, *, rollback: bool
) -> None:
    ids = (account.account_id, run.workflow_name, run.instance_id)
    with account.explained(f"{action} the run {run.instance_id}", needs=SCRIPTS_WRITE):
        if action == "delete":  # not in the SDK; ids of scheduled runs hold any character
            path = "/accounts/{}/workflows/{}/instances/{}".format(*map(_escaped, ids))
            account.client.delete(path, cast_to=object)
            return
        edit: Any = account.client.workflows.instances.status.edit  # overloaded for each action
        options: dict[str, Any] = {"rollback": True} if rollback else {}
        if point:
            options["from_"] = {"name": point.name, "count": point.occurrence}
        edit(ids[2], account_id=ids[0], workflow_name=ids[1], status=action, **options)


def _escaped(text: str) -> str:
    return quote(text, safe="")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventResult:
    """A run after an event was sent; `note` says if none of its steps has waited for it yet."""

    run: Run
    note: str


def send_event(
    run: Run, event_type: str, payload: Any, *, by: Actor, reason: str = ""
) -> EventResult:
    """Send an event to the run.

    Raises Refused for a payload that does not match the schema of its node, or for an approval, whose
    decisions name the person who made them; DeployError.
    """
    check_payload(payload)
    if not EVENT_TYPE.fullmatch(event_type):
        raise Refused(f"An event's type {EVENT_TYPE_RULE}. Nothing was sent.")
    if is_approval(event_type):
        raise Refused(_IS_APPROVAL)
    if problem := event_schemas.payload_problem(run, event_type, payload):
        raise Refused(f"The payload is not valid for {event_type}: {problem}. Nothing was sent.")
    return deliver_event(run, event_type, payload, by=by, reason=reason)


def deliver_event(
    run: Run, event_type: str, payload: Any, *, by: Actor, reason: str, action: str = "event sent"
) -> EventResult:
    """Send an event that has been checked; `action` is what the audit trail calls it."""
    check_payload(payload)
    account = counted(account_of(run.target))
    with (
        _recorded(action, run, by=by, reason=reason, type=event_type),
        account.explained(f"send {event_type} to the run", needs=SCRIPTS_WRITE),
    ):
        # The library's own method sends no body at all for null.
        parts = (account.account_id, run.workflow_name, run.instance_id, event_type)
        path = "/accounts/{}/workflows/{}/instances/{}/events/{}".format(
            *(quote(part, safe="") for part in parts)
        )
        account.client.post(path, content=json.dumps(payload).encode(), cast_to=object)
    data = _refresh(run)
    steps = read_steps(data, is_over=False) if data is not None else None
    note = "" if steps is None else unexpected_event_note(steps, event_type)
    return EventResult(run=run, note=note)


def _refresh(run: Run) -> dict[str, Any] | None:
    """Read the run again and update its row; if that fails, the poller does so later."""
    data = None
    with suppress(DeployError):
        account = counted(account_of(run.target))
        data = poller.describe(account, run.workflow_name, run.instance_id)
        if data is not None:
            writer.apply_details(run, data, secrets=writer.secrets_of(run))
    return data


@contextmanager
def _recorded(action: str, run: Run, *, by: Actor, reason: str, **detail: Any) -> Iterator[None]:
    """Record the action in the audit trail, even if it may have succeeded without a response."""
    try:
        yield
    except DeployError as error:
        if error.cause is Cause.UNREACHABLE:
            _record(action, run, by=by, reason=reason, answer="none", **detail)
        raise
    _record(action, run, by=by, reason=reason, **detail)


def _record(action: str, run: Run, *, by: Actor, reason: str, **detail: Any) -> None:
    subject = Subject("run", run.instance_id[:64], str(run))
    trail.record(action, subject, by=by, reason=reason, target=run.target.name, **detail)


def target_of(live: Deployment) -> Target:
    """Return the deployment's target. Raises Refused if it was deleted."""
    if live.target is None:
        raise Refused("The target of that deployment has been deleted.")
    return live.target


def live_of(workflow: Workflow, target: Target | None = None) -> Deployment:
    """Return the workflow's live deployment. Raises Refused if there is none."""
    live = records.live(workflow.pk, target)
    if live is None:
        where = f" on {target.name}" if target else ""
        raise Refused(f"{workflow.name} is not live{where}. Deploy it first.")
    return live
