"""The retries, timeout, secrecy and rollback of a durable step.

Retries and timeouts are always in the generated code.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from workflows.ir.reading.durations import MAX_DURATION
from workflows.ir.reading.fields import Code, Duration, milliseconds_of
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import (
    read_choice,
    read_duration,
    read_integer,
    read_optional_code,
    read_optional_switch,
    read_string,
)
from workflows.ir.settings.patterns import read_pattern
from workflows.ir.settings.setting_field import FieldKind, Group, Parameter, Rules, SettingField

_DEFAULT_TIMEOUT: Final = Duration(10 * 60 * 1000)

RETRY_LIMIT: Final = SettingField(
    name="retryLimit",
    kind=FieldKind.NUMBER,
    label="Retries",
    help="How many times a failed step is retried.",
    details="0 means never",
    default=5,
    rules=Rules(min=0, max=10_000),
    group=Group.RETRIES,
    is_whole=True,
    config_path="retries.limit",
)
RETRY_DELAY: Final = SettingField(
    name="retryDelay",
    kind=FieldKind.DURATION,
    label="Delay",
    help="How long to wait before the next attempt.",
    default="10 seconds",
    group=Group.RETRIES,
    takes_references=True,
    config_path="retries.delay",
)
RETRY_DELAY_CODE: Final = SettingField(
    name="retryDelayExpression",
    kind=FieldKind.CODE,
    label="Delay as an expression",
    help="An expression for the delay, instead of `retryDelay` and `backoff`. `attempt` is the number "
    "of the attempt that failed, and `error` is its error.",
    details="Its value is a [duration](../steps.md#durations)",
    placeholder="Math.min(attempt * 5_000, 60_000)",
    takes_references=True,
    is_expression=True,
    parameters=(
        Parameter(name="attempt", title="Number of the attempt that failed"),
        Parameter(name="error", title="Error of that attempt"),
    ),
    group=Group.RETRIES,
)
BACKOFF: Final = SettingField(
    name="backoff",
    kind=FieldKind.SELECT,
    label="Backoff",
    help="How the delay grows from one retry to the next.",
    default="exponential",
    options=("constant", "linear", "exponential"),
    group=Group.RETRIES,
    config_path="retries.backoff",
)
NOT_RETRIED: Final = SettingField(
    name="notRetried",
    kind=FieldKind.TEXT,
    label="Errors that are not retried",
    help="The names of error classes, separated by commas. An error of one of them, or of a class "
    "derived from it, immediately fails the step.",
    details="See [Errors that are not retried](../steps.md#errors-that-are-not-retried)",
    placeholder="TypeError, PaymentRefused",
    rules=Rules(
        max_length=500,
        pattern=read_pattern(r"^\s*[A-Za-z_$][\w$]*(\s*,\s*[A-Za-z_$][\w$]*)*\s*$"),
        pattern_rule="must be names of error classes, separated by commas: TypeError, PaymentRefused",
    ),
    group=Group.RETRIES,
)
TIMEOUT: Final = SettingField(
    name="timeout",
    kind=FieldKind.DURATION,
    label="Timeout",
    help="How long one attempt may take.",
    default="10 minutes",
    rules=Rules(min=1),
    group=Group.RETRIES,
    takes_references=True,
    config_path="timeout",
)
SENSITIVE: Final = SettingField(
    name="sensitive",
    kind=FieldKind.SWITCH,
    label="Sensitive",
    help="Hides the step's output from everyone; other nodes can use it as usual. Without a value, a "
    "`step` whose code reads a secret is hidden.",
    details="The target does not show it to anyone, not even to AwaitStep",
    group=Group.RETRIES,
    config_path="sensitive",
)


ROLLBACK: Final = SettingField(
    name="rollback",
    kind=FieldKind.CODE,
    label="Rollback",
    help="The body of a function that undoes the step if the run fails. `output` is what the step "
    "returned, and `error` is why the run failed.",
    takes_references=True,
    parameters=(
        Parameter(name="output", title="Output of this step", may_be_missing=True),
        Parameter(name="error", title="Error that made the run fail"),
    ),
    group=Group.ROLLBACK,
)


def _of_rollback(field: SettingField, name: str, text: str) -> SettingField:
    return replace(field, name=name, help=text, group=Group.ROLLBACK, config_path="")


ROLLBACK_LIMIT: Final = _of_rollback(
    RETRY_LIMIT, "rollbackRetryLimit", "How many times a failed rollback is retried."
)
ROLLBACK_DELAY: Final = _of_rollback(
    RETRY_DELAY, "rollbackRetryDelay", "How long to wait before the next attempt of the rollback."
)
ROLLBACK_BACKOFF: Final = _of_rollback(
    BACKOFF, "rollbackBackoff", "How the delay grows from one retry of the rollback to the next."
)
ROLLBACK_TIMEOUT: Final = _of_rollback(
    TIMEOUT, "rollbackTimeout", "How long one attempt of the rollback may take."
)


def retry_fields(**changes: dict[str, Any]) -> tuple[SettingField, ...]:
    """Return the fields of a durable step, with changes by field name, such as a different default."""
    fields = (
        RETRY_LIMIT, RETRY_DELAY, BACKOFF, RETRY_DELAY_CODE, NOT_RETRIED, TIMEOUT, SENSITIVE,
    )  # fmt: skip
    return tuple(replace(field, **changes.get(field.name, {})) for field in fields)


RETRY_FIELDS: Final = retry_fields()
ROLLBACK_FIELDS: Final = (
    ROLLBACK, ROLLBACK_LIMIT, ROLLBACK_DELAY, ROLLBACK_BACKOFF, ROLLBACK_TIMEOUT,
)  # fmt: skip
STEP_FIELDS: Final = (*RETRY_FIELDS, *ROLLBACK_FIELDS)
"""The fields of a durable step that can be undone."""
ROLLBACK_PATH: Final = f"data.{ROLLBACK.name}"


def can_be_undone(fields: Iterable[SettingField]) -> bool:
    """Return whether nodes with these fields can have a rollback."""
    return any(field.name == ROLLBACK.name and field.group is Group.ROLLBACK for field in fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPolicy:
    """`limit` is the number of retries, `delay` the wait before them, `timeout` that of each attempt.

    `delay_code` is an expression for the delay, which replaces `delay` and `backoff`. Errors of the
    classes in `not_retried` are final.

    The output of a `sensitive` step is shown to no one, but passed on in the workflow as usual. None if
    that depends on whether its code reads a secret.
    """

    limit: int
    delay: Duration
    backoff: str
    timeout: Duration
    sensitive: bool | None = None
    delay_code: Code | None = None
    not_retried: tuple[str, ...] = ()
    rollback: Rollback | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """The code that undoes a step, and the retries and the timeout of that code."""

    code: Code
    policy: StepPolicy


def read_policy(data: Reader, fields: Iterable[SettingField] = RETRY_FIELDS) -> StepPolicy:
    """Read the retry settings of `data`; those in the node's `config` take precedence.

    If there is no field for the timeout, each attempt has the default timeout. What else has no field has
    no value.
    """
    by_name = {field.name: field for field in fields}
    sources = _Sources(data)
    data.know(*by_name)
    timeout = by_name.get("timeout")
    limit, delay = by_name["retryLimit"], by_name["retryDelay"]
    policy = StepPolicy(
        limit=read_integer(*sources.of(limit)),
        delay=read_duration(*sources.of(delay)),
        backoff=read_choice(*sources.of(by_name["backoff"])),
        timeout=read_duration(*sources.of(timeout)) if timeout else _DEFAULT_TIMEOUT,
        sensitive=read_optional_switch(*sources.of(by_name["sensitive"])),
        delay_code=_delay_code(data, sources) if RETRY_DELAY_CODE.name in by_name else None,
        not_retried=_not_retried(data) if NOT_RETRIED.name in by_name else (),
        rollback=_rollback(data) if ROLLBACK.name in by_name else None,
    )
    if policy.delay_code is None:
        _check_total_wait(policy, sources.of(limit), sources.of(delay))
    return policy


def _delay_code(data: Reader, sources: _Sources) -> Code | None:
    """Read the expression for the delay; settings that it replaces get a warning."""
    code = read_optional_code(data, RETRY_DELAY_CODE)
    for field in (RETRY_DELAY, BACKOFF) if code else ():
        reader, place = sources.of(field)
        if reader.has(place.name):
            reader.warning(
                place.name,
                f"has no effect, because `{RETRY_DELAY_CODE.name}` decides the delay: remove one of them",
            )
    return code


def _not_retried(data: Reader) -> tuple[str, ...]:
    names = (name.strip() for name in read_string(data, NOT_RETRIED).split(","))
    return tuple(dict.fromkeys(filter(None, names)))


def _rollback(data: Reader) -> Rollback | None:
    """Read the rollback; its retries and its timeout are read even if there is no code."""
    policy = StepPolicy(
        limit=read_integer(data, ROLLBACK_LIMIT),
        delay=read_duration(data, ROLLBACK_DELAY),
        backoff=read_choice(data, ROLLBACK_BACKOFF),
        timeout=read_duration(data, ROLLBACK_TIMEOUT),
    )
    _check_total_wait(policy, (data, ROLLBACK_LIMIT), (data, ROLLBACK_DELAY))
    code = read_optional_code(data, ROLLBACK)
    return Rollback(code=code, policy=policy) if code else None


_Source = tuple[Reader, SettingField]


def _check_total_wait(policy: StepPolicy, limit: _Source, delay: _Source) -> None:
    length = milliseconds_of(policy.delay)
    if length is None or _total_wait(policy, length) <= MAX_DURATION:
        return
    reader, field = limit if limit[0].has(limit[1].name) else delay
    reader.warning(
        field.name,
        f"the delays of {policy.limit} retries add up to more than 365 days: "
        "reduce the limit or the delay, or use another backoff",
    )


def policy_of(settings: object) -> StepPolicy | None:
    """Return the policy in the settings of a node of any type; None if its type has no steps."""
    policy = getattr(settings, "policy", settings)
    return policy if isinstance(policy, StepPolicy) else None


def is_sensitive(settings: object) -> bool:
    """Return whether a node, of any type, is marked as sensitive."""
    policy = policy_of(settings)
    return policy is not None and policy.sensitive is True


def rollback_of(settings: object) -> Rollback | None:
    """Return the rollback in the settings of a node of any type; None if it has none."""
    policy = policy_of(settings)
    return policy.rollback if policy else None


def _total_wait(policy: StepPolicy, delay: int) -> int:
    """Return the sum of the delays of all retries, in milliseconds."""
    match policy.backoff:
        case "exponential":
            return delay * ((1 << min(policy.limit, 64)) - 1)
        case "linear":
            return delay * policy.limit * (policy.limit + 1) // 2
        case _:
            return delay * policy.limit


class _Sources:
    """Where each retry setting is: in `config`, which takes precedence, or in `data`."""

    def __init__(self, data: Reader) -> None:
        self._data = data
        self._config = data.config
        self._retries = self._config.child("retries") if self._config else None
        if self._config:
            self._config.know("retries", "timeout", "sensitive")
        if self._retries:
            self._retries.know("limit", "delay", "backoff")
            self._retries.warn_about_unknown()

    def of(self, field: SettingField) -> tuple[Reader, SettingField]:
        """Return the reader that has the field, and the field under its name there."""
        parent, _, key = field.config_path.rpartition(".")
        reader = self._retries if parent else self._config
        if reader and reader.has(key):
            return reader, replace(field, name=key)
        return self._data, field
