"""The retries, timeout and secrecy of a durable step; the first two are always in the generated code."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.ir.reading.durations import MAX_DURATION
from workflows.ir.reading.fields import Duration, milliseconds_of
from workflows.ir.reading.reader import Reader

_DEFAULT_TIMEOUT = Duration(10 * 60 * 1000)
BACKOFFS = ("constant", "linear", "exponential")


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


def read_policy(data: Reader, *, retries: int = 5, own_timeout: bool = True) -> StepPolicy:
    """Read the retry settings of `data`; those in the node's `config` take precedence.

    Without `own_timeout`, the type's `timeout` means something else and attempts have the default.
    """
    config = data.config
    inner = config.child("retries") if config else None
    limit = _source(inner, "limit") or (data, "retryLimit")
    delay = _source(inner, "delay") or (data, "retryDelay")
    backoff = _source(inner, "backoff") or (data, "backoff")
    timeout = _source(config, "timeout") or (data, "timeout")
    sensitive = _source(config, "sensitive") or (data, "sensitive")
    data.know("retryLimit", "retryDelay", "backoff", "timeout", "sensitive")
    if config:
        config.know("retries", "timeout", "sensitive")
    if inner:
        inner.know("limit", "delay", "backoff")
        inner.warn_about_unknown()
    policy = StepPolicy(
        limit=limit[0].integer(limit[1], retries, least=0, most=10_000),
        delay=delay[0].duration(delay[1], "10 seconds"),
        backoff=backoff[0].choice(backoff[1], "exponential", BACKOFFS),
        timeout=timeout[0].timeout(timeout[1], "10 minutes") if own_timeout else _DEFAULT_TIMEOUT,
        sensitive=sensitive[0].flag(sensitive[1], default=False),
    )
    length = milliseconds_of(policy.delay)
    if length is not None and _total_wait(policy, length) > MAX_DURATION:
        reader, key = limit if limit[0].has(limit[1]) else delay
        reader.warning(
            key,
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


def _source(reader: Reader | None, key: str) -> tuple[Reader, str] | None:
    return (reader, key) if reader and reader.has(key) else None
