"""`human_approval`: asks a person for a decision, and waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.approvals import EVENT_PREFIX, FIELD_TYPES, options_of
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Category, NodeType
from workflows.ir.reading.fields import Duration, Text, milliseconds_of
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import (
    read_choice,
    read_duration,
    read_optional_duration,
    read_string,
    read_switch,
    read_text,
    source_of,
)
from workflows.ir.settings.setting_field import FieldKind, Rules, SettingField

TITLE: Final = SettingField(
    name="title",
    kind=FieldKind.TEXT,
    label="Title",
    help="What is to be decided, in one line.",
    required=True,
    takes_references=True,
    placeholder="Order {{ trigger.id }}",
)
MESSAGE: Final = SettingField(
    name="message",
    kind=FieldKind.TEXT,
    label="Message",
    help="What people need to know for the decision.",
    takes_references=True,
    is_multiline=True,
)
ASSIGNED_TO: Final = SettingField(
    name="assignedTo",
    kind=FieldKind.TEXT,
    label="Assigned to",
    help="Who should decide, for example a team.",
    details="It is shown with the approval. Everyone who may control runs can decide",
    takes_references=True,
    placeholder="Accounting",
)
FIELD_NAME: Final = SettingField(
    name="name",
    kind=FieldKind.TEXT,
    label="Name",
    help="The key of the value in `fields` of the output.",
    required=True,
)
FIELD_LABEL: Final = SettingField(
    name="label",
    kind=FieldKind.TEXT,
    label="Label",
    help="The label in the form. By default, it is the name.",
)
FIELD_TYPE: Final = SettingField(
    name="type",
    kind=FieldKind.SELECT,
    label="Type",
    help="What the field holds.",
    default=FIELD_TYPES[0],
    options=FIELD_TYPES,
)
FIELD_OPTIONS: Final = SettingField(
    name="options",
    kind=FieldKind.TEXT,
    label="Options of a choice",
    help="The options of a `choice`, one per line.",
    is_multiline=True,
)
FIELD_REQUIRED: Final = SettingField(
    name="required",
    kind=FieldKind.SWITCH,
    label="Required",
    help="Whether it must be filled in to approve.",
    default=False,
)
FORM: Final = SettingField(
    name="fields",
    kind=FieldKind.LIST,
    label="Form",
    help="The fields that people fill in, each with a `name`, and optionally a `label`, a `type`, its "
    "`options`, and whether it is `required`.",
    details="At most 40. Without any, the form has only a comment",
    items=(FIELD_NAME, FIELD_LABEL, FIELD_TYPE, FIELD_OPTIONS, FIELD_REQUIRED),
)
TIMEOUT: Final = SettingField(
    name="timeout",
    kind=FieldKind.DURATION,
    label="Timeout",
    help="How long to wait for the decision in total.",
    details="At most 365 days",
    default="7 days",
    rules=Rules(min=1),
    takes_references=True,
    config_path="timeout",
)
ON_TIMEOUT: Final = SettingField(
    name="onTimeout",
    kind=FieldKind.SELECT,
    label="On timeout",
    help="`fail`: the node fails; `continue`: the workflow continues, and `outcome` is `timed_out`.",
    default="fail",
    options=("fail", "continue"),
)
ESCALATE_AFTER: Final = SettingField(
    name="escalateAfter",
    kind=FieldKind.DURATION,
    label="Escalate after",
    help="How long to wait until the approval is escalated. By default, it never is.",
    rules=Rules(min=1),
    takes_references=True,
)
ON_ESCALATION: Final = SettingField(
    name="onEscalation",
    kind=FieldKind.SELECT,
    label="When it is escalated",
    help="`remind`: changes the approval and keeps waiting; `continue`: the workflow continues, and "
    "`outcome` is `escalated`.",
    default="remind",
    options=("remind", "continue"),
)
ESCALATE_TO: Final = SettingField(
    name="escalateTo",
    kind=FieldKind.TEXT,
    label="Escalate to",
    help="Who should decide after the escalation.",
    takes_references=True,
)
ESCALATION_MESSAGE: Final = SettingField(
    name="escalationMessage",
    kind=FieldKind.TEXT,
    label="Message of the escalation",
    help="An additional message to show after the escalation.",
    takes_references=True,
    is_multiline=True,
)
FIELDS: Final = (
    TITLE, MESSAGE, ASSIGNED_TO, FORM, TIMEOUT, ON_TIMEOUT, ESCALATE_AFTER, ON_ESCALATION, ESCALATE_TO,
    ESCALATION_MESSAGE,
)  # fmt: skip

_MAX_FIELDS: Final = 40
_REQUEST: Final = ": request"
_ESCALATION: Final = ": escalation"
_DECISION: Final = ": decision"
_OUTPUT: Final = (
    "{ approved: boolean; outcome: string; by: string | null; comment: string; "
    "fields: Record<string, any>; escalated: boolean }"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is asked, and when it is escalated; `escalate_after` is None if it never is."""

    title: Text
    message: Text
    assigned_to: Text
    timeout: Duration
    fails: bool
    escalate_after: Duration | None
    continues: bool
    escalate_to: Text
    escalation_message: Text


def read(data: Reader) -> Settings:
    """Read the texts, the form and the times; the form is only needed where it is filled in."""
    _check_form(data)
    timeout = read_duration(source_of(data, TIMEOUT), TIMEOUT)
    escalate_after = read_optional_duration(data, ESCALATE_AFTER)
    if escalate_after:
        _check_order(data, escalate_after, timeout)
    return Settings(
        title=read_text(data, TITLE),
        message=read_text(data, MESSAGE),
        assigned_to=read_text(data, ASSIGNED_TO),
        timeout=timeout,
        fails=read_choice(data, ON_TIMEOUT) == "fail",
        escalate_after=escalate_after,
        continues=read_choice(data, ON_ESCALATION) == "continue",
        escalate_to=read_text(data, ESCALATE_TO),
        escalation_message=read_text(data, ESCALATION_MESSAGE),
    )


def _check_order(data: Reader, escalate_after: Duration, timeout: Duration) -> None:
    length, limit = milliseconds_of(escalate_after), milliseconds_of(timeout)
    if length is not None and limit is not None and length >= limit > 0:
        data.problem(
            ESCALATE_AFTER.name,
            "must be shorter than the timeout, which ends the approval first: shorten it, or increase "
            "the timeout",
        )


def _check_form(data: Reader) -> None:
    if not data.has(FORM.name):
        return
    readers = list(data.objects(FORM.name))
    if len(readers) > _MAX_FIELDS:
        data.problem(FORM.name, f"must have at most {_MAX_FIELDS} fields, not {len(readers)}")
    seen: set[str] = set()
    for reader in readers:
        name = read_string(reader, FIELD_NAME)
        if name and name in seen:
            reader.problem(
                FIELD_NAME.name, f"{quoted(name)} is already used: choose a different name"
            )
        seen.add(name)
        _check_field(reader)
        reader.warn_about_unknown()


def _check_field(reader: Reader) -> None:
    read_string(reader, FIELD_LABEL)
    read_switch(reader, FIELD_REQUIRED)
    options = options_of(read_string(reader, FIELD_OPTIONS))
    is_choice = read_choice(reader, FIELD_TYPE) == "choice"
    if is_choice and not options:
        reader.problem(
            FIELD_OPTIONS.name, "is empty: write the options of the choice, one per line"
        )
    if options and not is_choice:
        reader.warning(FIELD_OPTIONS.name, "has no effect, because the field is not a choice")


def about(settings: Settings) -> str:
    """Return the title."""
    return settings.title.source


def emit(node: Node, out: Emitter) -> None:
    """Write the call of the helper that asks and waits."""
    settings: Settings = node.settings
    out.add_helper(HELPER)
    out.line(*out.assign(node), "await runApproval(step, {")
    with out.indented():
        out.line("name: (part) => ", out.step_name(node, part="part"), ",")
        out.line("request: () => ({")
        with out.indented():
            out.line("title: ", *out.text(settings.title), ",")
            _texts(out, message=settings.message, assignedTo=settings.assigned_to)
        out.line("}),")
        out.line("timeout: ", *out.milliseconds(settings.timeout, least=1), ",")
        out.line(f"failsAtTimeout: {'true' if settings.fails else 'false'},")
        if settings.escalate_after:
            _escalation(settings, settings.escalate_after, out)
    out.line("});")


def _escalation(settings: Settings, after: Duration, out: Emitter) -> None:
    out.line("escalateAfter: ", *out.milliseconds(after, least=1), ",")
    if settings.continues:
        return
    out.line("escalation: () => ({")
    with out.indented():
        _texts(out, message=settings.escalation_message, assignedTo=settings.escalate_to)
    out.line("}),")


def _texts(out: Emitter, **texts: Text) -> None:
    for name, text in texts.items():
        if text.source:
            out.line(f"{name}: ", *out.text(text), ",")


def max_wait(settings: Settings) -> Duration:
    """Return the timeout."""
    return settings.timeout


def step_count(settings: Settings) -> int:
    """Return the steps for the request, the wait and the decision, and those of an escalation."""
    if settings.escalate_after is None or settings.continues:
        return 3
    return 5


def has_output(suffix: str, _result: Any) -> bool:
    """Return whether this is the step that stores the decision."""
    return suffix == _DECISION


TYPE = NodeType(
    name="human_approval",
    title="Human approval",
    category=Category.WAIT,
    summary="Asks people for a decision, and waits until someone approves or rejects.",
    docs="nodes/human_approval.md",
    icon="human_approval",
    fields=FIELDS,
    example={"title": "Approve {{ trigger.id }}?"},
    about=about,
    read=read,
    output=_OUTPUT,
    emit=emit,
    max_wait=max_wait,
    step_count=step_count,
    step_suffixes=("", _REQUEST, _ESCALATION, _DECISION),
    has_output=has_output,
    receives_event=True,
)

HELPER: Final = f"""\
type ApprovalCall = {{
  name: (part: string) => string;
  request: () => {{ title: string; message?: string; assignedTo?: string }};
  timeout: number;
  failsAtTimeout: boolean;
  escalateAfter?: number;
  escalation?: () => {{ message?: string; assignedTo?: string }};
}};

type Approval = {_OUTPUT};

/** Asks for a decision. Its event has a type that no other approval has, so that nobody decides the wrong one. */
async function runApproval(step: WorkflowStep, ask: ApprovalCall): Promise<Approval> {{
  const config = {{ retries: {{ limit: 5, delay: 1000 }}, timeout: 60_000 }};
  const {{ eventType }} = await step.do(ask.name("{_REQUEST}"), config, async () => ({{
    eventType: `{EVENT_PREFIX}${{(globalThis as any).crypto.randomUUID()}}`,
    ...ask.request(),
  }}));
  const decided = async (timeout: number, isLast: boolean): Promise<any> => {{
    try {{
      const event: any = await step.waitForEvent<any>(ask.name(""), {{ type: eventType, timeout }});
      return event.payload ?? {{}};
    }} catch (error: any) {{
      const isTimeout = /time(d )?out/i.test(`${{error?.name}} ${{error?.message}}`);
      if (!isTimeout || (isLast && ask.failsAtTimeout)) throw error;
    }}
  }};
  const escalates = ask.escalateAfter < ask.timeout;
  let decision = await decided(escalates ? ask.escalateAfter : ask.timeout, !escalates);
  let outcome = escalates ? "escalated" : "timed_out";
  const escalated = escalates && decision === undefined;
  const {{ escalation }} = ask;
  if (escalated && escalation) {{
    await step.do(ask.name("{_ESCALATION}"), config, async () => ({{ eventType, ...escalation() }}));
    decision = await decided(ask.timeout - ask.escalateAfter, true);
    outcome = "timed_out";
  }}
  const {{ approved, by, comment, fields }} = decision ?? {{}};
  if (decision !== undefined) outcome = approved === true ? "approved" : "rejected";
  return await step.do(ask.name("{_DECISION}"), config, async () => ({{
    approved: approved === true,
    outcome,
    by: by ?? null,
    comment: comment ?? "",
    fields: fields ?? {{}},
    escalated,
  }}));
}}
"""
