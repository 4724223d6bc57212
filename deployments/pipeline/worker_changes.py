"""Changes to a deployed Worker: rollback, retry, secret deletion and takedown.

Each is a generator of its stages and, like the pipeline, uses no database or framework. Each checks
first and refuses before it writes anything; later failures are reported part by part.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from deployments.pipeline.ports import ChangeTools, Progress, Record
from deployments.pipeline.secret_changes import check_secrets
from deployments.pipeline.stages import Stage
from deployments.pipeline.trigger_reconciler import (
    CODE,
    CODE_DONE,
    attempt,
    confirm_live,
    merged,
    reapply,
    require_done,
    restore,
)
from targets.cloudflare.errors import Cause, DeployError, Finding
from targets.cloudflare.versions import NOT_NEWEST
from targets.cloudflare.worker_parts import Part, PartKind, PartResult, Triggers, differences
from workflows.ir.reading.bindings import BindingKind

_NOT_REMOVED: Final = (
    "The Worker was not deleted, because some parts could not be removed: {names}. The parts below say "
    "why. Fix that, then take it down again."
)
_CANNOT_RESTORE: Final = (
    "The routes and triggers of the version cannot be restored. Nothing was changed. Fix the following "
    "on the target, or deploy the earlier snapshot again with other settings:"
)
_CONFLICTS: Final = (Cause.TAKEN, Cause.ENVIRONMENT, Cause.ROUTING, Cause.JURISDICTION)
_CHECKED_RESOURCES: Final = (
    BindingKind.KV,
    BindingKind.D1,
    BindingKind.R2,
    BindingKind.QUEUE,
    BindingKind.VECTORIZE,
    BindingKind.HYPERDRIVE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """A change to a Worker, and what our records say about it.

    `record` is the deployment to roll back to or to retry, `failed` its failed parts. `secrets` are
    the names to delete, `used_secrets` those that the live version was deployed with.
    `previous_triggers` are all that earlier deployments may have left.
    """

    worker_name: str
    record: Record | None = None
    failed: tuple[Part, ...] = ()
    secrets: tuple[str, ...] = ()
    used_secrets: frozenset[str] = frozenset()
    previous_triggers: Triggers = field(default_factory=Triggers)


Stages = Generator[Progress, None, None]


def roll_back(request: ChangeRequest, tools: ChangeTools) -> Stages:
    """Make the recorded version live again, confirm it, and restore its routes and triggers."""
    record, worker = _record(request), request.worker_name
    yield Progress(stage=Stage.INITIALIZING)
    tools.verify()
    live = tools.live_version(worker)
    _check_can_roll_back(request, record, tools, live=live)
    expected = record.triggers
    actual = tools.triggers(worker, merged(request.previous_triggers, expected))
    _check_can_restore(worker, expected, actual=actual, tools=tools)

    yield Progress(stage=Stage.DEPLOYING, facts={"live_before": live})
    tools.make_live(worker, record.version_id)

    yield Progress(
        stage=Stage.WORKER_DEPLOYED, facts={"version_id": record.version_id, "uploaded": "yes"}
    )
    live = confirm_live(record.version_id, tools, worker, expected=expected, previous=actual)
    if live != record.version_id:
        raise DeployError(
            f"Version {record.version_id} was made live, but the target now serves "
            f"{live or 'no version'}. Someone else may have deployed at the same time: check the "
            "target, then roll back again.",
            cause=Cause.CHANGED,
        )

    yield Progress(stage=Stage.UPDATING_WORKFLOW, facts={"live_version": live})
    parts = restore(worker, expected, actual=actual, tools=tools)

    yield _completed(parts)


def _check_can_roll_back(
    request: ChangeRequest, record: Record, tools: ChangeTools, *, live: str
) -> None:
    """Raise DeployError if the version or a resource is gone, or if secrets were added or deleted since."""
    if not tools.has_worker(request.worker_name):
        raise DeployError(
            f"The Worker {request.worker_name} no longer exists on this target. Nothing was changed. "
            "Deploy the earlier snapshot again instead.",
            cause=Cause.CHANGED,
        )
    secrets = tools.version_secrets(request.worker_name, record.version_id)
    if secrets is None:
        raise DeployError(
            f"Cloudflare no longer has version {record.version_id}: "
            "it keeps only the latest 100 versions. Nothing "
            "was changed. Deploy the earlier snapshot again instead.",
            cause=Cause.CHANGED,
        )
    missing = list(_missing_resources(record, tools))
    if missing:
        headline = (
            "The version is bound to resources that no longer exist on the target. Nothing was changed. "
            "Create them again, or deploy the earlier snapshot with other resources:"
        )
        raise DeployError.listing(headline, missing, cause=Cause.ENVIRONMENT)
    if live != record.version_id:  # a version that is live keeps its secrets
        check_secrets(secrets, tools.secret_names(request.worker_name))


def _missing_resources(record: Record, tools: ChangeTools) -> Iterator[Finding]:
    for row in record.resources:
        kind = BindingKind(row["kind"]) if row["kind"] in set(BindingKind) else None
        resource = row["resource"]
        if kind in _CHECKED_RESOURCES and resource and not tools.exists(kind, resource):
            message = f"The {kind.label} {resource} does not exist."
            yield Finding(path=row["name"], message=message, cause=Cause.ENVIRONMENT)
        elif kind is BindingKind.SERVICE and not tools.has_worker(resource):
            message = f"The Worker {resource} does not exist."
            yield Finding(path=row["name"], message=message, cause=Cause.ENVIRONMENT)


def _check_can_restore(
    worker: str, expected: Triggers, *, actual: Triggers, tools: ChangeTools
) -> None:
    """Raise DeployError with every part that cannot be restored."""
    conflicts = list(_conflicts(worker, expected, actual=actual, tools=tools))
    if conflicts:
        raise DeployError.listing(_CANNOT_RESTORE, conflicts, cause=conflicts[0].cause)


def _conflicts(
    worker: str, expected: Triggers, *, actual: Triggers, tools: ChangeTools
) -> Iterator[Finding]:
    for part in (each.part for each in differences(expected, actual) if each.expected):
        try:
            tools.check_can_apply(worker, part, expected)
        except DeployError as error:
            if error.cause not in _CONFLICTS:
                raise
            yield Finding(path=part.name, message=str(error), cause=error.cause)


def retry(request: ChangeRequest, tools: ChangeTools) -> Stages:
    """Apply only the parts that failed; the code is not uploaded again.

    If it was unknown whether the code is live, all parts are compared with the target.
    """
    record, worker = _record(request), request.worker_name
    yield Progress(stage=Stage.INITIALIZING)
    tools.verify()
    live = tools.live_version(worker)
    if live != record.version_id:
        raise DeployError(
            f"Another version is live now ({live or 'none'}), so the failed parts of deployment "
            f"#{record.number} may no longer apply. Nothing was changed. Deploy again instead.",
            cause=Cause.CHANGED,
        )
    expected = record.triggers
    actual = (
        tools.triggers(worker, merged(request.previous_triggers, expected))
        if CODE in request.failed
        else None
    )

    facts = {"live_before": live, "version_id": live, "live_version": live, "uploaded": "yes"}
    yield Progress(stage=Stage.UPDATING_WORKFLOW, facts=facts)
    if actual:
        parts = restore(worker, expected, actual=actual, tools=tools)
    else:
        parts = reapply(
            worker, request.failed, expected, previous=request.previous_triggers, tools=tools
        )

    yield _completed(parts)


def delete_secrets(request: ChangeRequest, tools: ChangeTools) -> Stages:
    """Delete secrets of the Worker that no variable sets; Cloudflare creates one new version."""
    worker = request.worker_name
    yield Progress(stage=Stage.INITIALIZING)
    tools.verify()
    live = tools.live_version(worker)
    check_can_delete(
        request.secrets, existing=tools.secret_names(worker), used=request.used_secrets
    )
    if tools.newest_version(worker) != live:
        raise DeployError(NOT_NEWEST, cause=Cause.CHANGED)

    yield Progress(stage=Stage.UPDATING_WORKFLOW, facts={"live_before": live})
    tools.delete_secrets(worker, request.secrets)
    live = tools.live_version(worker)

    facts = {"live_version": live, "version_id": live, "uploaded": "yes"}
    yield Progress(stage=Stage.COMPLETED, facts=facts)


def check_can_delete(
    names: Iterable[str], *, existing: frozenset[str] | None, used: frozenset[str]
) -> None:
    """Raise DeployError for secrets that the live version uses or the Worker does not have.

    `existing` is None if the Worker's secrets are unknown.
    """
    secrets = frozenset(names)
    if in_use := sorted(secrets & used):
        raise DeployError(
            f"The live version uses {', '.join(in_use)}. Nothing was deleted. Delete the variable and "
            "deploy first, then delete the secret."
        )
    missing = [] if existing is None else sorted(secrets - existing)
    if missing:
        raise DeployError(
            f"The Worker has no secret {', '.join(missing)}. Nothing was deleted. Reload the list of "
            "secrets."
        )


def take_down(request: ChangeRequest, tools: ChangeTools) -> Stages:
    """Remove the Worker's routes and triggers, its Workflows with their runs, and the Worker."""
    worker = request.worker_name
    yield Progress(stage=Stage.INITIALIZING)
    tools.verify()
    live = tools.live_version(worker)
    bound = sorted(tools.bound_workers(worker))
    if bound:
        raise DeployError(
            f"Other Workers are bound to this Worker and would fail without it: {', '.join(bound)}. "
            "Nothing was changed. Take them down first, or deploy them without the binding.",
            cause=Cause.TAKEN,
        )
    actual = (
        tools.triggers(worker, request.previous_triggers)
        if tools.has_worker(worker)
        else Triggers()
    )

    yield Progress(stage=Stage.UPDATING_WORKFLOW, facts={"live_before": live})
    parts = list(_removals(worker, actual, tools))
    require_done(parts, _NOT_REMOVED)  # a remaining route must not point to a deleted Worker
    tools.delete_worker(worker)
    if tools.has_worker(worker):
        raise DeployError(f"The Worker {worker} still exists on the target: repeat the takedown.")

    removed = [*parts, CODE_DONE]
    yield Progress(
        stage=Stage.COMPLETED,
        facts={"live_version": "", "parts": [part.as_row() for part in removed]},
    )


def _removals(worker: str, actual: Triggers, tools: ChangeTools) -> Iterator[PartResult]:
    for part in actual.descriptions():
        if part.kind not in (PartKind.SUBDOMAIN, PartKind.WORKFLOW):
            yield attempt(part, partial(tools.remove, worker, part, actual))
    for name in sorted(tools.workflows(worker)):
        part = Part(kind=PartKind.WORKFLOW, name=name)
        yield attempt(part, partial(tools.delete_workflow, name))


def _record(request: ChangeRequest) -> Record:
    if request.record is None:
        raise DeployError("The original deployment has no record of what it deployed.")
    return request.record


def _completed(parts: list[PartResult]) -> Progress:
    facts: dict[str, Any] = {"parts": [part.as_row() for part in parts]}
    return Progress(stage=Stage.COMPLETED, facts=facts)
