"""What leads to a Worker is put in order: after a deploy, a rollback, and for a retry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Final

from deployments.pipeline.errors import Cancelled, Incomplete, LeaseLost
from deployments.pipeline.ports import DeployRequest, Remote
from targets.cloudflare.errors import DeployError
from targets.cloudflare.worker_parts import Part, PartKind, PartResult, Triggers, differences, done

_CODE = Part(kind=PartKind.CODE, name="")
_NEVER_REMOVED = (PartKind.CODE, PartKind.SUBDOMAIN, PartKind.WORKFLOW)


def settle(
    request: DeployRequest, wanted: Triggers, *, tools: Remote, trouble: str
) -> list[PartResult]:
    """Remove what led to the Worker before and is meant no more; return all parts.

    Where wrangler had trouble, the target is asked for each part. Raises Incomplete where one is
    not as it was meant.
    """
    removed = [
        attempt(part, partial(tools.remove, request.worker_name, part, request.former))
        for part in _left(request.former, wanted)
        if part.kind is not PartKind.SCHEDULE  # wrangler replaces them all
    ]
    put = dict.fromkeys(wanted.words(), "")
    if trouble:
        put |= _undone(request, wanted, tools=tools, trouble=trouble)
    results = [
        PartResult(part=part, is_done=not message, message=message) for part, message in put.items()
    ]
    failed = [one for one in removed if not one.is_done and one.part not in put]
    return all_done([*done([_CODE]), *results, *failed])


def _left(former: Triggers, wanted: Triggers) -> list[Part]:
    """Return what led to the Worker and is meant no more, but for what is never removed."""
    gone = [part for part in former.words() if part not in wanted.words()]
    return [part for part in gone if part.kind not in _NEVER_REMOVED]


def _undone(
    request: DeployRequest, wanted: Triggers, *, tools: Remote, trouble: str
) -> dict[Part, str]:
    """Return why each part counts as not put; all of them where the target cannot be asked."""
    try:
        found = tools.triggers(request.worker_name, joined(request.former, wanted))
    except (LeaseLost, Cancelled):
        raise
    except DeployError as refused:
        schedules = (
            part for part in _left(request.former, wanted) if part.kind is PartKind.SCHEDULE
        )
        return dict.fromkeys([*wanted.words(), *schedules], f"Not known: {refused} {trouble}")
    return {one.part: f"{one} {trouble}" for one in differences(wanted, found)}


def confirmed(
    version: str,
    tools: Remote,
    worker: str,
    *,
    wanted: Triggers,
    former: Triggers,
    trouble: str = "",
) -> str:
    """Return what the target says is live; raises Incomplete where it cannot be asked now.

    No part is done then: a retry puts all of them in order, and not the code alone.
    """
    try:
        return tools.live_version(worker)
    except (LeaseLost, Cancelled):
        raise
    except DeployError as refused:
        message = f"Not confirmed: {refused} {trouble}".rstrip()
        parts = [_CODE, *wanted.words(), *_left(former, wanted)]
        raise Incomplete(
            f"Version {version} was put live, and the target could not be asked whether it is. Try "
            "again what failed.",
            [PartResult(part=part, is_done=False, message=message) for part in parts],
        ) from None


def put_back(worker: str, wanted: Triggers, *, found: Triggers, tools: Remote) -> list[PartResult]:
    """Make what leads to the Worker what it is meant to be; return each part that was touched.

    `found` are the triggers that are there. Raises Incomplete where a part cannot be put.
    """
    results = [
        _put_or_removed(one.part, worker, wanted=wanted, former=found, tools=tools)
        for one in differences(wanted, found)
        if one.wanted or one.part.kind is not PartKind.WORKFLOW
    ]
    return all_done([*done([_CODE]), *results])


def put_again(
    worker: str, parts: Iterable[Part], wanted: Triggers, *, former: Triggers, tools: Remote
) -> list[PartResult]:
    """Put the parts that failed, or remove those that are not meant; raises Incomplete."""
    return all_done(
        [_put_or_removed(part, worker, wanted=wanted, former=former, tools=tools) for part in parts]
    )


def _put_or_removed(
    part: Part, worker: str, *, wanted: Triggers, former: Triggers, tools: Remote
) -> PartResult:
    if part in wanted.words():
        return attempt(part, partial(tools.put, worker, part, wanted))
    return attempt(part, partial(tools.remove, worker, part, former))


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


def all_done(results: list[PartResult], otherwise: str = _NOT_PUT) -> list[PartResult]:
    """Return the results; raises Incomplete where one is not done, in the words of `otherwise`."""
    failed = [one for one in results if not one.is_done]
    if failed:
        names = ", ".join(str(one.part) for one in failed)
        raise Incomplete(otherwise.format(names=names), results)
    return results


def joined(one: Triggers, other: Triggers) -> Triggers:
    """Return triggers that name all zones, queues and Workflows of both."""
    return replace(
        other,
        workflows={**one.workflows, **other.workflows},
        routes={**one.routes, **other.routes},
        domains=one.domains | other.domains,
        crons=one.crons | other.crons,
        consumers={**one.consumers, **other.consumers},
    )
