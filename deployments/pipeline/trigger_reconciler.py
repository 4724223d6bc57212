"""Bring a Worker's routes and triggers to their expected state, after a deploy or in a retry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Final

from deployments.pipeline.errors import Cancelled, Incomplete, LeaseLost
from deployments.pipeline.ports import DeployRequest, Remote, Upload
from targets.cloudflare.errors import Cause, DeployError
from targets.cloudflare.worker_parts import Part, PartKind, PartResult, Triggers, differences

CODE: Final = Part(kind=PartKind.CODE, name="")
CODE_DONE: Final = PartResult(part=CODE, is_done=True)
_NEVER_REMOVED: Final = (PartKind.CODE, PartKind.SUBDOMAIN, PartKind.WORKFLOW)
_INCOMPLETE: Final = (
    "The code is live, but some routes or triggers failed: {names}. The parts below say why. Retry to "
    "apply only the failed parts."
)


def reconcile(
    request: DeployRequest, expected: Triggers, *, tools: Remote, upload_error: str
) -> list[PartResult]:
    """Remove triggers that are no longer expected, and return the result of every part.

    After an `upload_error` of wrangler each part is read back from the target. Raises Incomplete if
    one is not in its expected state.
    """
    removed = [
        attempt(part, partial(tools.remove, request.worker_name, part, request.previous_triggers))
        for part in _obsolete(request.previous_triggers, expected)
        if part.kind is not PartKind.SCHEDULE  # wrangler replaces them all
    ]
    errors = dict.fromkeys(expected.descriptions(), "")
    if upload_error:
        errors |= _read_back(request, expected, tools=tools, upload_error=upload_error)
    results = [
        PartResult(part=part, is_done=not error, message=error) for part, error in errors.items()
    ]
    failed = [result for result in removed if not result.is_done and result.part not in errors]
    return require_done([CODE_DONE, *results, *failed])


def _obsolete(previous: Triggers, expected: Triggers) -> list[Part]:
    """Return the parts that are no longer expected, except those that are never removed."""
    parts = (part for part in previous.descriptions() if part not in expected.descriptions())
    return [part for part in parts if part.kind not in _NEVER_REMOVED]


def _read_back(
    request: DeployRequest, expected: Triggers, *, tools: Remote, upload_error: str
) -> dict[Part, str]:
    """Return an error for each part that is not as expected; for all if the target does not respond."""
    previous = request.previous_triggers
    try:
        actual = tools.triggers(request.worker_name, merged(previous, expected))
    except (LeaseLost, Cancelled):
        raise
    except DeployError as error:
        schedules = (
            part for part in _obsolete(previous, expected) if part.kind is PartKind.SCHEDULE
        )
        message = f"Unknown: {error} {upload_error}"
        return dict.fromkeys([*expected.descriptions(), *schedules], message)
    return {each.part: f"{each} {upload_error}" for each in differences(expected, actual)}


def confirm_upload(
    upload: Upload, request: DeployRequest, *, expected: Triggers, tools: Remote
) -> str:
    """Return the version that is live after an upload; raises DeployError if it is a different one."""
    live = confirm_live(
        upload.version,
        tools,
        request.worker_name,
        expected=expected,
        previous=request.previous_triggers,
        upload_error=upload.error,
    )
    if upload.version != live:
        raise DeployError(
            f"wrangler uploaded version {upload.version}, but the target now serves "
            f"{live or 'no version'}. Someone else may have deployed this Worker at the same time: "
            "check the target, then deploy again.",
            cause=Cause.CHANGED,
        )
    return live


def confirm_live(
    version: str,
    tools: Remote,
    worker: str,
    *,
    expected: Triggers,
    previous: Triggers,
    upload_error: str = "",
) -> str:
    """Return the version that is live on the target; raises Incomplete if it does not respond.

    In that case all parts count as failed, so that a retry checks all of them, not only the code.
    """
    try:
        return tools.live_version(worker)
    except (LeaseLost, Cancelled):
        raise
    except DeployError as error:
        message = f"Not confirmed: {error} {upload_error}".rstrip()
        parts = [CODE, *expected.descriptions(), *_obsolete(previous, expected)]
        raise Incomplete(
            f"Version {version} was uploaded, but the target did not confirm that it is live. Retry "
            "the failed parts.",
            [PartResult(part=part, is_done=False, message=message) for part in parts],
        ) from None


def restore(
    worker: str, expected: Triggers, *, actual: Triggers, tools: Remote
) -> list[PartResult]:
    """Change every part that differs from its expected state; return the results.

    `actual` are the triggers on the target. Raises Incomplete if a part fails.
    """
    results = [
        _apply_or_remove(each.part, worker, expected=expected, previous=actual, tools=tools)
        for each in differences(expected, actual)
        if each.expected or each.part.kind is not PartKind.WORKFLOW
    ]
    return require_done([CODE_DONE, *results])


def reapply(
    worker: str, parts: Iterable[Part], expected: Triggers, *, previous: Triggers, tools: Remote
) -> list[PartResult]:
    """Apply the failed parts again, or remove unexpected ones; raises Incomplete if one fails."""
    return require_done(
        [
            _apply_or_remove(part, worker, expected=expected, previous=previous, tools=tools)
            for part in parts
        ]
    )


def _apply_or_remove(
    part: Part, worker: str, *, expected: Triggers, previous: Triggers, tools: Remote
) -> PartResult:
    if part in expected.descriptions():
        return attempt(part, partial(tools.apply, worker, part, expected))
    return attempt(part, partial(tools.remove, worker, part, previous))


def attempt(part: Part, change: Callable[[], None]) -> PartResult:
    """Make the change and return its result, so that a failed part does not stop the others."""
    try:
        change()
    except (LeaseLost, Cancelled):
        raise
    except DeployError as error:
        return PartResult(part=part, is_done=False, message=str(error))
    return PartResult(part=part, is_done=True)


def require_done(results: list[PartResult], message: str = _INCOMPLETE) -> list[PartResult]:
    """Return the results; raises Incomplete with the message if one failed."""
    failed = [result for result in results if not result.is_done]
    if failed:
        names = ", ".join(str(result.part) for result in failed)
        raise Incomplete(message.format(names=names), results)
    return results


def merged(first: Triggers, second: Triggers) -> Triggers:
    """Return triggers with all zones, queues and Workflows of both; switches are the second's."""
    return replace(
        second,
        workflows={**first.workflows, **second.workflows},
        routes={**first.routes, **second.routes},
        domains=first.domains | second.domains,
        crons=first.crons | second.crons,
        consumers={**first.consumers, **second.consumers},
    )
