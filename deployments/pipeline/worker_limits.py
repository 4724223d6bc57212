"""Cloudflare's limits that a deployment can meet, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from targets.cloudflare.errors import Cause, Finding

_MEBIBYTE: Final = 1024 * 1024
LARGEST_WORKER: Final = 64 * _MEBIBYTE
LARGEST_VALUE: Final = 5 * 1024
MOST_VALUES: Final = 128
MOST_CRONS: Final = 250
_FREE_CRONS: Final = 5


def over_limits(
    script: str, *, values: Mapping[str, str], config: Mapping[str, Any]
) -> Iterator[Finding]:
    """Yield what Cloudflare would refuse; `values` are variables and secrets alike."""
    size = len(script.encode())
    if size > LARGEST_WORKER:
        yield _over(
            "Worker",
            f"The code has {size / _MEBIBYTE:.1f} MiB, and a Worker has at most 64 MiB.",
            "Use fewer or smaller npm packages.",
        )
    if len(values) > MOST_VALUES:
        yield _over(
            "variables",
            f"There are {len(values)} variables and secrets, and a Worker has at most "
            f"{MOST_VALUES} (64 on the free plan).",
            "Put several into one as JSON, or into a KV namespace.",
        )
    for name, value in sorted(values.items()):
        if len(value.encode()) > LARGEST_VALUE:
            yield _over(
                name,
                f"The value of {name} has {len(value.encode()):,} bytes, and Cloudflare takes "
                f"{LARGEST_VALUE:,}.",
                "Put it into a KV namespace or an R2 bucket.",
            )
    yield from _crons(config)


def _crons(config: Mapping[str, Any]) -> Iterator[Finding]:
    crons = len(config.get("triggers", {}).get("crons", []))
    if crons > MOST_CRONS:
        message = f"There are {crons} schedules, and an account has at most {MOST_CRONS}."
        yield _over("cronTriggers", message, "Join some of them into one expression.")
    elif crons > _FREE_CRONS:
        yield Finding(
            path="cronTriggers",
            message=f"There are {crons} schedules, and an account on the free plan has "
            f"{_FREE_CRONS} in all.",
            fix="On the paid plan this is fine.",
            cause=Cause.LIMIT,
            is_warning=True,
        )


def _over(path: str, message: str, fix: str) -> Finding:
    return Finding(path=path, message=message, fix=fix, cause=Cause.LIMIT)
