"""What leads to a Worker is put in order: after a deploy, a rollback, and for a retry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Final

from deployments.pipeline.errors import Cancelled, Incomplete, LeaseLost
from deployments.pipeline.ports import DeployRequest, Remote
from targets.cloudflare.errors import DeployError
from targets.cloudflare.worker_parts import (
    Part,
    PartKind,
    PartResult,
    Triggers,
    differences,
    successes,
)

_CODE = Part(kind=PartKind.CODE, name="")
_NEVER_REMOVED = (PartKind.CODE, PartKind.SUBDOMAIN, PartKind.WORKFLOW)


def reconcile(
    request: DeployRequest, wanted: Triggers, *, tools: Remote, upload_error: str
) -> list[PartResult]:
    """Remove what led to the Worker before and is meant no more; return all parts.

    Where wrangler had upload_error, the target is asked for each part. Raises Incomplete where one is
    not as it was meant.
    """
    removed = [
        attempt(part, partial(tools.remove, request.worker_name, part, request.previous_triggers))
        for part in _left(request.previous_triggers, wanted)
        if part.kind is not PartKind.SCHEDULE  # wrangler replaces them all
    ]
    put = dict.fromkeys(wanted.descriptions(), "")
    if upload_error:
        put |= _undone(request, wanted, tools=tools, upload_error=upload_error)
    results = [
        PartResult(part=part, is_done=not message, message=message) for part, message in put.items()
    ]
    failed = [one for one in removed if not one.is_done and one.part not in put]
    return require_done([*successes([_CODE]), *results, *failed])


def _left(previous: Triggers, wanted: Triggers) -> list[Part]:
    """Return what led to the Worker and is meant no more, but for what is never removed."""
    gone = [part for part in previous.descriptions() if part not in wanted.descriptions()]
    return [part for part in gone if part.kind not in _NEVER_REMOVED]


def _undone(
    request: DeployRequest, wanted: Triggers, *, tools: Remote, upload_error: str
) -> dict[Part, str]:
    """Return why each part counts as not put; all of them where the target cannot be asked."""
    try:
        found = tools.triggers(request.worker_name, merged(request.previous_triggers, wanted))
    except (LeaseLost, Cancelled):
        raise
    except DeployError as refused:
        schedules = (
            part
            for part in _left(request.previous_triggers, wanted)
            if part.kind is PartKind.SCHEDULE
        )
        return dict.fromkeys(
            [*wanted.descriptions(), *schedules], f"Not known: {refused} {upload_error}"
        )
    return {one.part: f"{one} {upload_error}" for one in differences(wanted, found)}


def confirm_live(
    version: str,
    tools: Remote,
    worker: str,
    *,
    wanted: Triggers,
    previous: Triggers,
    upload_error: str = "",
) -> str:
    """Return what the target says is live; raises Incomplete where it cannot be asked now.

    No part is done then: a retry puts all of them in order, and not the code alone.
    """
    try:
        return tools.live_version(worker)
    except (LeaseLost, Cancelled):
        raise
    except DeployError as refused:
        message = f"Not confirmed: {refused} {upload_error}".rstrip()
        parts = [_CODE, *wanted.descriptions(), *_left(previous, wanted)]
        raise Incomplete(
            f"Version {version} was put live, and the target could not be asked whether it is. Try "
            "again what failed.",
            [PartResult(part=part, is_done=False, message=message) for part in parts],
        ) from None


def restore(worker: str, wanted: Triggers, *, found: Triggers, tools: Remote) -> list[PartResult]:
    """Make what leads to the Worker what it is meant to be; return each part that was touched.

    `found` are the triggers that are there. Raises Incomplete where a part cannot be put.
    """
    results = [
        _put_or_removed(one.part, worker, wanted=wanted, previous=found, tools=tools)
        for one in differences(wanted, found)
        if one.wanted or one.part.kind is not PartKind.WORKFLOW
    ]
    return require_done([*successes([_CODE]), *results])


def reapply(
    worker: str, parts: Iterable[Part], wanted: Triggers, *, previous: Triggers, tools: Remote
) -> list[PartResult]:
    """Put the parts that failed, or remove those that are not meant; raises Incomplete."""
    return require_done(
        [
            _put_or_removed(part, worker, wanted=wanted, previous=previous, tools=tools)
            for part in parts
        ]
    )


def _put_or_removed(
    part: Part, worker: str, *, wanted: Triggers, previous: Triggers, tools: Remote
) -> PartResult:
    if part in wanted.descriptions():
        return attempt(part, partial(tools.put, worker, part, wanted))
    return attempt(part, partial(tools.remove, worker, part, previous))


def attempt(part: Part, change: Callable[[], None]) -> PartResult:
    """Make the change and say what became of the part: one that fails keeps no other from its own."""
    try:
        change()
    except (LeaseLost, Cancelled):
        raise
    except DeployError as refused:
        return PartResult(part=part, is_done=False, message=str(refused))
    return PartResult(part=part, is_done=True)


_NOT_PUT: Final = (
    "The code is live, and not everything that leads to it: {names}. Each part says why; the failed "
    "ones alone can be tried again."
)


def require_done(results: list[PartResult], otherwise: str = _NOT_PUT) -> list[PartResult]:
    """Return the results; raises Incomplete where one is not done, in the words of `otherwise`."""
    failed = [one for one in results if not one.is_done]
    if failed:
        names = ", ".join(str(one.part) for one in failed)
        raise Incomplete(otherwise.format(names=names), results)
    return results


def merged(one: Triggers, other: Triggers) -> Triggers:
    """Return triggers that name all zones, queues and Workflows of both."""
    return replace(
        other,
        workflows={**one.workflows, **other.workflows},
        routes={**one.routes, **other.routes},
        domains=one.domains | other.domains,
        crons=one.crons | other.crons,
        consumers={**one.consumers, **other.consumers},
    )
