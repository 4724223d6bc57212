"""`wait_until`: checks repeatedly until something has happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from workflows.codegen.steps.computed_settings import STORABLE
from workflows.codegen.steps.emitter import Emitter
from workflows.codegen.text.writer import Piece
from workflows.ir.document.model import Node
from workflows.ir.document.node_labels import first_line
from workflows.ir.document.node_types import Category, NodeType
from workflows.ir.document.step_policy import StepPolicy, read_policy, retry_fields
from workflows.ir.reading.fields import Code, Duration, milliseconds_of
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import (
    read_choice,
    read_code,
    read_duration,
    read_integer,
    read_optional_code,
    source_of,
)
from workflows.ir.settings.setting_field import (
    FieldKind,
    Parameter,
    Rules,
    SettingField,
    ShownWhen,
)
from workflows.nodes import http_request
from workflows.nodes.http_request import Request, read_request, write_request

CHECK: Final = SettingField(
    name="check",
    kind=FieldKind.SELECT,
    label="Check",
    help="`code`: runs your own code; `request`: sends an HTTP request.",
    default="code",
    options=("code", "request"),
)


def _of_check(check: str) -> ShownWhen:
    return ShownWhen(name=CHECK.name, values=(check,), default=str(CHECK.default))


CODE: Final = SettingField(
    name="code",
    kind=FieldKind.CODE,
    label="Code",
    help="The body of a function. The wait is over when it returns a truthy value.",
    details="See [Code](../values-and-references.md#code)",
    required=True,
    shown_when=_of_check("code"),
    takes_references=True,
)
REQUEST_FIELDS: Final = tuple(
    replace(field, shown_when=_of_check("request"))
    for field in (
        http_request.METHOD,
        http_request.URL,
        http_request.HEADERS,
        http_request.QUERY,
        http_request.BODY,
    )
)
CONDITION: Final = SettingField(
    name="condition",
    kind=FieldKind.CODE,
    label="Condition",
    help="An expression for whether the wait is over. `response` has the `status`, `headers` and `body`. "
    "By default, any status below 400 ends the wait.",
    shown_when=_of_check("request"),
    placeholder="response.body.state === 'done'",
    takes_references=True,
    is_expression=True,
    parameters=(Parameter(name="response", title="Response to this check"),),
)
INTERVAL: Final = SettingField(
    name="interval",
    kind=FieldKind.DURATION,
    label="Interval",
    help="How long to wait between two checks.",
    default="1 minute",
    rules=Rules(min=1),
    takes_references=True,
)
TIMEOUT: Final = SettingField(
    name="timeout",
    kind=FieldKind.DURATION,
    label="Timeout",
    help="How long to wait in total.",
    details="This adds up the waits between the checks, without the time that the checks take",
    default="1 hour",
    rules=Rules(min=1),
    takes_references=True,
    config_path="timeout",
)
MAX_CHECKS: Final = SettingField(
    name="maxChecks",
    kind=FieldKind.NUMBER,
    label="Maximum number of checks",
    help="How many times to check at most, if the timeout does not end the wait earlier.",
    rules=Rules(min=1, max=10_000),
    is_whole=True,
)
ON_TIMEOUT: Final = SettingField(
    name="onTimeout",
    kind=FieldKind.SELECT,
    label="At the limit",
    help="`fail`: the node fails; `continue`: the workflow continues, and `timedOut` is `true`.",
    default="fail",
    options=("fail", "continue"),
)
STEP_FIELDS: Final = tuple(field for field in retry_fields() if field.name != TIMEOUT.name)
FIELDS: Final = (
    CHECK, CODE, *REQUEST_FIELDS, CONDITION, INTERVAL, TIMEOUT, MAX_CHECKS, ON_TIMEOUT, *STEP_FIELDS,
)  # fmt: skip

_OUTPUT: Final = "{ value: any; checks: number; timedOut: boolean }"
_WAIT: Final = ": wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is checked is `code`, or a `request` with a `condition`; `max_checks` is None for no limit.

    `policy` applies to each check.
    """

    code: Code | None
    request: Request | None
    condition: Code | None
    interval: Duration
    timeout: Duration
    max_checks: int | None
    fails: bool
    policy: StepPolicy


def read(data: Reader) -> Settings:
    """Read what is checked, and the limits; the settings of the other check are ignored."""
    is_request = read_choice(data, CHECK) == "request"
    has_maximum = data.has(MAX_CHECKS.name)
    return Settings(
        code=None if is_request else read_code(data, CODE),
        request=read_request(data, REQUEST_FIELDS) if is_request else None,
        condition=read_optional_code(data, CONDITION) if is_request else None,
        interval=read_duration(data, INTERVAL),
        timeout=read_duration(source_of(data, TIMEOUT), TIMEOUT),
        max_checks=read_integer(data, MAX_CHECKS) if has_maximum else None,
        fails=read_choice(data, ON_TIMEOUT) == "fail",
        policy=read_policy(data, STEP_FIELDS),
    )


def about(settings: Settings) -> str:
    """Return the first line of the code, or the request."""
    if settings.request:
        return settings.request.label
    return first_line(settings.code.source) if settings.code else ""


def callback(node: Node, out: Emitter) -> None:
    """Write the function that checks once, and returns what it found."""
    settings: Settings = node.settings
    out.start_callback(node, settings.code)
    if settings.code:
        out.code(settings.code)
    if settings.request:
        with out.indented():
            write_request(settings.request, out, fails=False)
    out.line("};")


def emit(node: Node, out: Emitter) -> None:
    """Write the call of the helper that repeats the check."""
    settings: Settings = node.settings
    out.add_helper(STORABLE)
    out.add_helper(HELPER)
    check = out.without_retries(settings.policy, out.callback(node))
    out.line(*out.assign(node), "await runWaitUntil(step, {")
    with out.indented():
        out.line("name: (part) => ", out.step_name(node, part="part"), ",")
        out.line(f"check: {check},")
        out.line("isOver: ", *_is_over(settings, out), ",")
        out.line("interval: ", *out.milliseconds(settings.interval, least=1), ",")
        out.line("timeout: ", *out.milliseconds(settings.timeout, least=1), ",")
        out.line(f"maxChecks: {settings.max_checks or 'Infinity'},")
        out.line(f"failsAtLimit: {'true' if settings.fails else 'false'},")
        out.line("config:")
        out.policy(settings.policy, is_sensitive=out.is_sensitive(node))
    out.line("});")


def _is_over(settings: Settings, out: Emitter) -> list[Piece]:
    """Return a function that says whether the value of a check ends the wait."""
    if settings.condition:
        start = "async (response: HttpResponse, ctx: WorkflowStepContext): Promise<any> => ("
        return [start, *out.value(settings.condition), ")"]
    is_over = "response.status < 400" if settings.request else "value"
    return [f"async ({'response' if settings.request else 'value'}: any) => {is_over}"]


def max_wait(settings: Settings) -> Duration:
    """Return the timeout."""
    return settings.timeout


def step_count(settings: Settings) -> int:
    """Return the maximum number of checks; one if it depends on references."""
    interval, timeout = milliseconds_of(settings.interval), milliseconds_of(settings.timeout)
    most = settings.max_checks
    if not interval or timeout is None:
        return most or 1
    checks = -(-timeout // interval) + 1
    return checks if most is None else min(checks, most)


def request_count(settings: Settings) -> int:
    """Return the maximum number of requests."""
    return step_count(settings) if settings.request else 0


def has_output(suffix: str, result: Any) -> bool:
    """Return whether this is the last check."""
    return not suffix and isinstance(result, Mapping) and "timedOut" in result


def pinned(output: Any) -> dict[str, Any]:
    """Return the result of the only check; an output may be only what a check returns."""
    result = {"value": None, "checks": 1, "timedOut": False}
    is_whole = isinstance(output, Mapping) and output.keys() & result.keys()
    return {"": result | (dict(output) if is_whole else {"value": output})}


TYPE = NodeType(
    name="wait_until",
    title="Wait until",
    category=Category.WAIT,
    summary="Checks repeatedly until a condition is true, up to a limit.",
    docs="nodes/wait_until.md",
    icon="wait_until",
    fields=FIELDS,
    example={"code": "return event.payload.done;"},
    about=about,
    read=read,
    output=_OUTPUT,
    callback=callback,
    emit=emit,
    max_wait=max_wait,
    step_count=step_count,
    step_suffixes=("", _WAIT),
    has_output=has_output,
    pinned=pinned,
    returned_code=f"data.{CODE.name}",
    request_count=request_count,
)

HELPER: Final = f"""\
type WaitCall = {{
  name: (part: string) => string;
  check: (ctx: WorkflowStepContext) => Promise<any>;
  isOver: (value: any, ctx: WorkflowStepContext) => Promise<any>;
  interval: number;
  timeout: number;
  maxChecks: number;
  failsAtLimit: boolean;
  config: any;
}};

/** Checks until the wait is over, or until the limit. Each check is a step, whose result says whether it is the last. */
async function runWaitUntil(step: WorkflowStep, poll: WaitCall): Promise<{_OUTPUT}> {{
  for (let checks = 1, waited = 0; ; checks++) {{
    const isLast = checks >= poll.maxChecks || waited >= poll.timeout;
    const check = async (ctx: any): Promise<any> => {{
      const value = await poll.check(ctx);
      if (await poll.isOver(value, ctx)) return {{ value, checks, timedOut: false }};
      if (!isLast) return {{ value, checks }};
      if (!poll.failsAtLimit) return {{ value, checks, timedOut: true }};
      throw new NonRetryableError(`${{poll.name("")}}: not true after ${{checks}} checks in ${{waited}} ms`);
    }};
    const checked: any = await step.do(poll.name(""), poll.config, storable(check));
    if ("timedOut" in checked) return checked;
    const pause = Math.min(poll.interval, poll.timeout - waited);
    await step.sleep(poll.name("{_WAIT}"), pause);
    waited += pause;
  }}
}}
"""
