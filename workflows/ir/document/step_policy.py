"""The retries, timeout and secrecy of a durable step; the first two are always in the generated code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from workflows.ir.reading.durations import MAX_DURATION
from workflows.ir.reading.fields import Duration, milliseconds_of
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import (
    read_choice,
    read_duration,
    read_integer,
    read_switch,
)
from workflows.ir.settings.setting_field import FieldKind, Group, Rules, SettingField

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
    help="Hides the step's output from everyone; other nodes can use it as usual.",
    details="The target does not show it to anyone, not even to AwaitStep",
    default=False,
    group=Group.RETRIES,
    config_path="sensitive",
)


def retry_fields(**changes: dict[str, Any]) -> tuple[SettingField, ...]:
    """Return the fields of a durable step, with changes by field name, such as a different default."""
    fields = (RETRY_LIMIT, RETRY_DELAY, BACKOFF, TIMEOUT, SENSITIVE)
    return tuple(replace(field, **changes.get(field.name, {})) for field in fields)


RETRY_FIELDS: Final = retry_fields()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPolicy:
    """`limit` is the number of retries, `delay` the wait before them, `timeout` that of each attempt.

    The output of a `sensitive` step is shown to no one, but passed on in the workflow as usual.
    """

    limit: int
    delay: Duration
    backoff: str
    timeout: Duration
    sensitive: bool = False


def read_policy(data: Reader, fields: Iterable[SettingField] = RETRY_FIELDS) -> StepPolicy:
    """Read the retry settings of `data`; those in the node's `config` take precedence.

    If there is no field for the timeout, each attempt has the default timeout.
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
        sensitive=read_switch(*sources.of(by_name["sensitive"])),
    )
    length = milliseconds_of(policy.delay)
    if length is not None and _total_wait(policy, length) > MAX_DURATION:
        reader, field = sources.of(limit)
        if not reader.has(field.name):
            reader, field = sources.of(delay)
        reader.warning(
            field.name,
            f"the delays of {policy.limit} retries add up to more than 365 days: "
            "reduce the limit or the delay, or use another backoff",
        )
    return policy


def is_sensitive(settings: object) -> bool:
    """Return whether the settings of a node, of any type, hide its output."""
    policy = getattr(settings, "policy", settings)
    return isinstance(policy, StepPolicy) and policy.sensitive


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
