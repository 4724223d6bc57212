"""Changes to a Worker that is already there, each as a generator of the stages that it enters.

Like the pipeline they know no database and no framework. Each looks first and refuses before it
has written anything; what it then could not do, it says part by part.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from deployments.pipeline.ports import ChangeTools, Progress, Record
from deployments.pipeline.stages import Stage
from deployments.pipeline.trigger_reconciler import (
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

_CODE: Final = Part(kind=PartKind.CODE, name="")
_NOT_REMOVED: Final = (
    "The Worker is still there, because this could not be removed: {names}. Each part says why. Take "
    "it down again."
)
_NOT_PUT_BACK: Final = (
    "What led to the version cannot be put back as it was. Nothing was changed. Mend it on the target, "
    "or deploy the earlier snapshot anew with other settings:"
)
_IN_THE_WAY: Final = (Cause.TAKEN, Cause.ENVIRONMENT, Cause.ROUTING)
_NAMED: Final = (
    BindingKind.KV,
    BindingKind.D1,
    BindingKind.R2,
    BindingKind.QUEUE,
    BindingKind.VECTORIZE,
    BindingKind.HYPERDRIVE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """What a change is about: a Worker, and what is known of it.

    `record` is the deployment that a rollback goes back to or a retry goes on with, `failed` the
    parts that it could not put, `secrets` the names to delete, `used_secrets` those that what is
    live now was deployed with. `previous_triggers` are those that may lead to the Worker since earlier deployments.
    """

    worker_name: str
    record: Record | None = None
    failed: tuple[Part, ...] = ()
    secrets: tuple[str, ...] = ()
    used_secrets: frozenset[str] = frozenset()
    previous_triggers: Triggers = field(default_factory=Triggers)


Stages = Generator[Progress, None, None]


def roll_back(request: ChangeRequest, tools: ChangeTools) -> Stages:
    """Put the recorded version live again, then what leads to the Worker, and read it back."""
    record, worker = _record(request), request.worker_name
    yield Progress(stage=Stage.INITIALIZING)
    tools.verify()
    live = tools.live_version(worker)
    _check_can_roll_back(request, record, tools)
    wanted = record.triggers
    found = tools.triggers(worker, merged(request.previous_triggers, wanted))
    _check_can_put_back(worker, wanted, found=found, tools=tools)

    yield Progress(stage=Stage.DEPLOYING, facts={"live_before": live})
    tools.make_live(worker, record.version_id)

    yield Progress(
        stage=Stage.WORKER_DEPLOYED, facts={"version_id": record.version_id, "uploaded": "yes"}
    )
    live = confirm_live(record.version_id, tools, worker, wanted=wanted, previous=found)
    if live != record.version_id:
        raise DeployError(
            f"Version {record.version_id} was put live, but the target says that "
            f"{live or 'no version'} takes all requests. Somebody else may have deployed in the "
            "same moment: look at the target, then roll back again.",
            cause=Cause.CHANGED,
        )

    yield Progress(stage=Stage.UPDATING_WORKFLOW, facts={"live_version": live})
    parts = restore(worker, wanted, found=found, tools=tools)

    yield _completed(parts)


def _check_can_roll_back(request: ChangeRequest, record: Record, tools: ChangeTools) -> None:
    """Raise DeployError with all that the version needs and the target has no more."""
    if not tools.has_worker(request.worker_name):
        raise DeployError(
            f"There is no Worker {request.worker_name} on this target any more. Nothing was "
            "changed. Deploy the earlier snapshot anew instead.",
            cause=Cause.CHANGED,
        )
    if not tools.has_version(request.worker_name, record.version_id):
        raise DeployError(
            f"Cloudflare has version {record.version_id} no more: it keeps the 100 newest. Nothing "
            "was changed. Deploy the earlier snapshot anew instead.",
            cause=Cause.CHANGED,
        )
    gone = list(_gone(record, tools))
    if gone:
        headline = (
            "The version is bound to what the target has no more. Nothing was changed. Make it "
            "anew, or deploy the earlier snapshot with another resource:"
        )
        raise DeployError.listing(headline, gone, cause=Cause.ENVIRONMENT)


def _gone(record: Record, tools: ChangeTools) -> Iterator[Finding]:
    for one in record.resources:
        kind = BindingKind(one["kind"]) if one["kind"] in set(BindingKind) else None
        if kind in _NAMED and one["resource"] and not tools.exists(kind, one["resource"]):
            message = f"The {kind.label} {one['resource']} is gone."
            yield Finding(path=one["name"], message=message, cause=Cause.ENVIRONMENT)
        elif kind is BindingKind.SERVICE and not tools.has_worker(one["resource"]):
            message = f"The Worker {one['resource']} is gone."
            yield Finding(path=one["name"], message=message, cause=Cause.ENVIRONMENT)


def _check_can_put_back(
    worker: str, wanted: Triggers, *, found: Triggers, tools: ChangeTools
) -> None:
    """Raise DeployError with all that leads to the version and cannot be put back."""
    blocked = list(_blocked(worker, wanted, found=found, tools=tools))
    if blocked:
        raise DeployError.listing(_NOT_PUT_BACK, blocked, cause=blocked[0].cause)


def _blocked(
    worker: str, wanted: Triggers, *, found: Triggers, tools: ChangeTools
) -> Iterator[Finding]:
    for part in (one.part for one in differences(wanted, found) if one.wanted):
        try:
            tools.check_put(worker, part, wanted)
        except DeployError as refused:
            if refused.cause not in _IN_THE_WAY:
                raise
            yield Finding(path=part.name, message=str(refused), cause=refused.cause)


def retry(request: ChangeRequest, tools: ChangeTools) -> Stages:
    """Put the parts that failed, and no others; the code stays as it is.

    Where it was not known whether the code is live, all parts are compared with the target.
    """
    record, worker = _record(request), request.worker_name
    yield Progress(stage=Stage.INITIALIZING)
    tools.verify()
    live = tools.live_version(worker)
    if live != record.version_id:
        raise DeployError(
            f"Another version is live now ({live or 'none'}): what deployment #{record.number} "
            "left undone may not fit it. Nothing was changed. Deploy again instead.",
            cause=Cause.CHANGED,
        )
    wanted = record.triggers
    found = (
        tools.triggers(worker, merged(request.previous_triggers, wanted))
        if _CODE in request.failed
        else None
    )

    facts = {"live_before": live, "version_id": live, "live_version": live, "uploaded": "yes"}
    yield Progress(stage=Stage.UPDATING_WORKFLOW, facts=facts)
    if found:
        parts = restore(worker, wanted, found=found, tools=tools)
    else:
        parts = reapply(
            worker, request.failed, wanted, previous=request.previous_triggers, tools=tools
        )

    yield _completed(parts)


def delete_secrets(request: ChangeRequest, tools: ChangeTools) -> Stages:
    """Delete secrets of the Worker that no variable of ours sets; Cloudflare makes one version of it."""
    worker = request.worker_name
    yield Progress(stage=Stage.INITIALIZING)
    tools.verify()
    live = tools.live_version(worker)
    check_can_delete(request.secrets, there=tools.secret_names(worker), used=request.used_secrets)
    if tools.newest_version(worker) != live:
        raise DeployError(NOT_NEWEST, cause=Cause.CHANGED)

    yield Progress(stage=Stage.UPDATING_WORKFLOW, facts={"live_before": live})
    tools.delete_secrets(worker, request.secrets)
    live = tools.live_version(worker)

    facts = {"live_version": live, "version_id": live, "uploaded": "yes"}
    yield Progress(stage=Stage.COMPLETED, facts=facts)


def check_can_delete(
    names: Iterable[str], *, there: frozenset[str] | None, used: frozenset[str]
) -> None:
    """Raise DeployError for names that what is live uses, or that the Worker does not have.

    `there` is None where it is not known which it has.
    """
    asked = frozenset(names)
    if in_use := sorted(asked & used):
        raise DeployError(
            f"What is live uses {', '.join(in_use)}. Nothing was deleted: delete the variable and "
            "deploy first, then delete the secret."
        )
    missing = [] if there is None else sorted(asked - there)
    if missing:
        raise DeployError(
            f"The Worker has no secret {', '.join(missing)}. Nothing was deleted: look again at "
            "which there are."
        )


def take_down(request: ChangeRequest, tools: ChangeTools) -> Stages:
    """Remove what leads to the Worker, its Workflows with their runs, and the Worker."""
    worker = request.worker_name
    yield Progress(stage=Stage.INITIALIZING)
    tools.verify()
    live = tools.live_version(worker)
    users = sorted(tools.users(worker))
    if users:
        raise DeployError(
            f"{', '.join(users)} is bound to this Worker and would fail without it. Nothing was "
            "changed. Take that down first, or deploy it without the binding.",
            cause=Cause.TAKEN,
        )
    found = (
        tools.triggers(worker, request.previous_triggers)
        if tools.has_worker(worker)
        else Triggers()
    )

    yield Progress(stage=Stage.UPDATING_WORKFLOW, facts={"live_before": live})
    parts = list(_removals(worker, found, tools))
    require_done(parts, _NOT_REMOVED)  # what still leads here must not lead nowhere
    tools.delete_worker(worker)
    if tools.has_worker(worker):
        raise DeployError(f"The target still has the Worker {worker}: take it down again.")

    removed = [*parts, PartResult(part=_CODE, is_done=True)]
    yield Progress(
        stage=Stage.COMPLETED,
        facts={"live_version": "", "parts": [part.as_row() for part in removed]},
    )


def _removals(worker: str, found: Triggers, tools: ChangeTools) -> Iterator[PartResult]:
    for part in found.descriptions():
        if part.kind not in (PartKind.SUBDOMAIN, PartKind.WORKFLOW):
            yield attempt(part, partial(tools.remove, worker, part, found))
    for name in sorted(tools.workflows(worker)):
        part = Part(kind=PartKind.WORKFLOW, name=name)
        yield attempt(part, partial(tools.delete_workflow, name))


def _record(request: ChangeRequest) -> Record:
    if request.record is None:
        raise DeployError("The deployment that this is about has left no record.")
    return request.record


def _completed(parts: list[PartResult]) -> Progress:
    facts: dict[str, Any] = {"parts": [part.as_row() for part in parts]}
    return Progress(stage=Stage.COMPLETED, facts=facts)
