"""Approvals that a run waits for: what they ask, and the decisions about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.trail import Actor
from runs import statuses
from runs.index import writer
from runs.models import ApprovalDecision, Run
from runs.services import control
from runs.services.control import EventResult, Refused
from runs.steps.masking import redact_run
from runs.steps.step_nodes import document_of, node_ids, node_settings
from runs.steps.step_reader import Step, read_steps
from runs.sync import poller
from runs.sync.call_budget import counted
from targets.lookup import account_of
from workflows.ir.document.approvals import (
    MAX_COMMENT,
    Schema,
    fields_schema,
    form_fields,
    is_approval,
)
from workflows.ir.json_schema import value_error
from workflows.picture.states import State

_SECONDS_TO_SEND: Final = 120  # longer than a call can take, even with retries
CLOSED: Final = (
    "This approval is closed: it has already been decided, or it has timed out. Nothing was sent."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What an open wait asks; `fields` are those of its form, as the document has them.

    After an escalation, `reminder` is its message. `since` is the start of the wait, which tells it apart
    from one for the same event after a restart.
    """

    event_type: str
    since: str
    title: str
    message: str
    assigned_to: str
    is_escalated: bool
    will_escalate: bool
    reminder: str
    fields: Sequence[Mapping[str, Any]]

    def schema(self, *, is_approved: bool) -> Schema:
        """Return the JSON Schema of the fields."""
        return fields_schema(self.fields, is_approved=is_approved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person decides; `fields` are the values of the form by their names."""

    is_approved: bool
    fields: Mapping[str, Any]
    comment: str = ""


def approval_of(wait: Step, steps: Sequence[Step], settings: Mapping[str, Any]) -> Approval | None:
    """Return what an open wait asks for; None if it is not an approval. `settings` are those of its node."""
    if wait.state is not State.WAITING or not is_approval(wait.event_type):
        return None
    requests = list(_requests(wait.event_type, steps))
    first, last = (requests[0], requests[-1]) if requests else ({}, {})
    is_escalated = len(requests) > 1
    return Approval(
        event_type=wait.event_type,
        since=wait.start.isoformat() if wait.start else "",
        title=str(first.get("title") or wait.label),
        message=str(first.get("message") or ""),
        assigned_to=str(last.get("assignedTo") or first.get("assignedTo") or ""),
        is_escalated=is_escalated,
        will_escalate=not is_escalated and settings.get("escalateAfter") is not None,
        reminder=str(last.get("message") or "") if is_escalated else "",
        fields=form_fields(settings.get("fields")),
    )


def _requests(event_type: str, steps: Sequence[Step]) -> Iterator[Mapping[str, Any]]:
    """Yield what the steps that ask for this event have returned: the request, and its escalation."""
    for step in steps:
        output = step.output
        if isinstance(output, Mapping) and output.get("eventType") == event_type:
            yield output


def open_approvals(run: Run) -> list[Approval]:
    """Return the approvals that a run is waiting for, with secrets masked. Raises DeployError."""
    account = counted(account_of(run.target))
    data = poller.describe(account, run.workflow_name, run.instance_id) or {}
    masked = redact_run(data, writer.secrets_of(run))
    steps = read_steps(masked, is_over=statuses.is_final(str(data.get("status"))))
    waits = [step for step in steps if is_approval(step.event_type)]
    settings = node_settings(run.deployment_id, node_ids(document_of(run), steps) if waits else {})
    found = (approval_of(wait, steps, settings.get(wait.number, {})) for wait in waits)
    return [approval for approval in found if approval]


def decide(run: Run, event_type: str, decision: Decision, *, by: Actor) -> EventResult:
    """Send the decision to the run, in the name of the person who makes it.

    Raises Refused if the run no longer waits for it or if a field is not valid, DeployError.
    """
    approvals = {approval.event_type: approval for approval in open_approvals(run)}
    if event_type not in approvals:
        raise Refused(CLOSED)
    if len(decision.comment) > MAX_COMMENT:
        raise Refused(
            f"The comment has {len(decision.comment):,} characters; the limit is {MAX_COMMENT:,}. "
            "Nothing was sent."
        )
    schema = approvals[event_type].schema(is_approved=decision.is_approved)
    if problem := value_error(schema, dict(decision.fields)):
        raise Refused(f"The form is not filled in correctly: {problem}. Nothing was sent.")
    payload = {
        "approved": decision.is_approved,
        "by": by.name,
        "comment": decision.comment,
        "fields": dict(decision.fields),
    }
    action = "approved" if decision.is_approved else "rejected"
    with _only_once(run, approvals[event_type]):
        return control.deliver_event(
            run, event_type, payload, by=by, reason=decision.comment, action=action
        )


@contextmanager
def _only_once(run: Run, approval: Approval) -> Iterator[None]:
    """Send the only decision that an approval gets, unless sending fails. Raises Refused for another one.

    The run itself cannot tell: it still waits if it is paused, or has not got the event yet.
    """
    wait = f"{approval.event_type} {approval.since}"
    abandoned = timezone.now() - timedelta(seconds=_SECONDS_TO_SEND)
    ApprovalDecision.objects.filter(wait=wait, is_sent=False, at__lt=abandoned).delete()
    try:
        with transaction.atomic():
            sent = ApprovalDecision.objects.create(run=run, wait=wait)
    except IntegrityError:
        raise Refused(CLOSED) from None
    try:
        yield
    except BaseException:
        sent.delete()
        raise
    ApprovalDecision.objects.filter(pk=sent.pk).update(is_sent=True)
