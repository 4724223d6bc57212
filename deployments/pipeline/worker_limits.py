"""Cloudflare's limits for a Worker, checked before anything is uploaded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from deployments.pipeline.binding_detection import Env
from deployments.pipeline.ports import Bundle
from targets.cloudflare.errors import Cause, DeployError, Finding
from workflows.ir.document.cron import cron_errors
from workflows.ir.document.cron_calendar import never_fires
from workflows.ir.document.triggers import NEVER_FIRES

_MEBIBYTE: Final = 1024 * 1024
MAX_WORKER_SIZE: Final = 64 * _MEBIBYTE
MAX_VALUE_SIZE: Final = 5 * 1024
MAX_VALUES: Final = 128
MAX_CRONS: Final = 250
_FREE_CRONS: Final = 5
_OVER_LIMITS: Final = "The deployment exceeds Cloudflare's limits. Nothing was uploaded:"


def check_limits(bundle: Bundle, env: Env) -> list[Finding]:
    """Return warnings; raises DeployError with everything that exceeds Cloudflare's limits."""
    variables = {name: _as_text(value) for name, value in env.variables.items()}
    size = len(bundle.script.encode()) + sum(map(len, bundle.modules.values()))
    findings = list(over_limits(size, values={**variables, **env.secrets}, config=bundle.config))
    if any(not finding.is_warning for finding in findings):
        raise DeployError.listing(_OVER_LIMITS, findings, cause=Cause.LIMIT)
    return findings


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def over_limits(
    size: int, *, values: Mapping[str, str], config: Mapping[str, Any]
) -> Iterator[Finding]:
    """Yield everything that Cloudflare would reject; `values` are the variables and secrets.

    `size` is that of the code in bytes.
    """
    if size > MAX_WORKER_SIZE:
        yield _over(
            "Worker",
            f"The code is {size / _MEBIBYTE:.1f} MiB. A Worker can have up to 64 MiB.",
            "Use fewer or smaller npm packages.",
        )
    if len(values) > MAX_VALUES:
        yield _over(
            "variables",
            f"There are {len(values)} variables and secrets. A Worker can have up to {MAX_VALUES} "
            "(64 on the free plan).",
            "Combine several into one JSON value, or move them to a KV namespace.",
        )
    for name, value in sorted(values.items()):
        if len(value.encode()) > MAX_VALUE_SIZE:
            yield _over(
                name,
                f"The value of {name} has {len(value.encode()):,} bytes. Cloudflare allows up to "
                f"{MAX_VALUE_SIZE:,}.",
                "Move it to a KV namespace or an R2 bucket.",
            )
    yield from _crons(config)
    yield from _repeated_schedules(config)
    yield from _schedules_that_never_fire(config)


def _crons(config: Mapping[str, Any]) -> Iterator[Finding]:
    crons = len(config.get("triggers", {}).get("crons", []))
    if crons > MAX_CRONS:
        message = f"There are {crons} schedules. An account can have up to {MAX_CRONS}."
        yield _over("cronTriggers", message, "Combine some of them into one expression.")
    elif crons > _FREE_CRONS:
        yield Finding(
            path="cronTriggers",
            message=f"There are {crons} schedules. An account on the free plan can have up to "
            f"{_FREE_CRONS}.",
            fix="You can ignore this on the paid plan.",
            cause=Cause.LIMIT,
            is_warning=True,
        )


def _repeated_schedules(config: Mapping[str, Any]) -> Iterator[Finding]:
    """The Worker's schedules and the Workflow's each start a run."""
    of_worker = config.get("triggers", {}).get("crons", [])
    schedules = (workflow.get("schedules", []) for workflow in config.get("workflows", []))
    for cron in dict.fromkeys(cron for each in schedules for cron in each if cron in of_worker):
        yield Finding(
            path="workflow.schedules",
            message=f"{cron} is also a schedule of the Worker, so it starts two runs each time.",
            fix="Remove one of them.",
            cause=Cause.LIMIT,
            is_warning=True,
        )


def _schedules_that_never_fire(config: Mapping[str, Any]) -> Iterator[Finding]:
    of_workflows = [workflow.get("schedules", []) for workflow in config.get("workflows", [])]
    places = {"cronTriggers": config.get("triggers", {}).get("crons", [])}
    places["workflow.schedules"] = [cron for each in of_workflows for cron in each]
    for path, crons in places.items():
        for cron in dict.fromkeys(crons):
            if not any(cron_errors(cron)) and never_fires(cron):
                yield Finding(
                    path=path,
                    message=f"The schedule {cron} {NEVER_FIRES}.",
                    fix="Choose another day or month.",
                    cause=Cause.LIMIT,
                    is_warning=True,
                )


def _over(path: str, message: str, fix: str) -> Finding:
    return Finding(path=path, message=message, fix=fix, cause=Cause.LIMIT)
