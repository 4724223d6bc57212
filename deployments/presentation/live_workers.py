"""A workflow's Worker on each target, as recorded, for the pages that show it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Exists, OuterRef
from django.utils import timezone

from deployments.history import records
from deployments.models import Deployment, DriftCheck, DriftState
from deployments.pipeline.stages import UNFINISHED, Action
from deployments.pipeline.worker_changes import check_can_delete
from targets.cloudflare.errors import DeployError
from targets.cloudflare.time_limits import time_limited
from targets.cloudflare.worker_parts import Triggers, parse_triggers
from targets.lookup import account_of
from targets.models import Target
from targets.policy import Refused
from web.tones import Tone
from workflows.cron_words import Schedule, describe_crons
from workflows.ir.deploy.route_patterns import host_of
from workflows.models import Workflow

ROLLBACKS = 10
_SHOWN = (
    "workflow_id",
    "workflow_public_id",
    "workflow_name",
    "version_number",
    "target_id",
    "target_name",
    "requested_by_name",
    "action",
    "about_id",
    "status",
    "stage",
    "version_id",
    "live_version",
    "worker_name",
    "worker_url",
    "dashboard_url",
    "secret_names",
    "created_at",
    "started_at",
    "finished_at",
)
_TONES = {
    DriftState.SAME: Tone("check", "good", "✓"),
    DriftState.DRIFTED: Tone("half", "warn", "◐"),
    DriftState.GONE: Tone("cross", "bad", "✗"),
    DriftState.UNKNOWN: Tone("dot", "quiet", "…"),
}


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A workflow's Worker on one target: what is live, or what took it down, and its drift."""

    target: Target
    live: Deployment | None
    taken_down: Deployment | None
    running: Deployment | None
    last_drift_check: DriftCheck | None

    @property
    def drift_check(self) -> DriftCheck | None:
        """The last check; None if it is older than the live deployment."""
        check, live = self.last_drift_check, self.live
        if check is None or live is None or check.checked_at is None:
            return None
        is_outdated = live.finished_at and live.finished_at > check.checked_at
        return None if is_outdated else check

    @property
    def tone(self) -> Tone:
        return (
            _TONES[DriftState(self.drift_check.state)]
            if self.drift_check
            else _TONES[DriftState.UNKNOWN]
        )

    @property
    def drift_label(self) -> str:
        return self.drift_check.get_state_display() if self.drift_check else "Not checked"

    @property
    def is_drifted(self) -> bool:
        return bool(self.drift_check and self.drift_check.state == DriftState.DRIFTED)

    @property
    def can_be_adopted(self) -> bool:
        """Whether the drift can be adopted; a gradual rollout has no version to adopt."""
        return self.is_drifted and bool(self.drift_check and self.drift_check.live_version)

    @property
    def is_gone(self) -> bool:
        return bool(self.drift_check and self.drift_check.state == DriftState.GONE)

    @cached_property
    def triggers(self) -> Triggers:
        """The triggers of the Worker, as recorded or adopted since."""
        live, drift_check = self.live, self.last_drift_check
        if live is None:
            return Triggers()
        if drift_check and drift_check.adopted_config and drift_check.was_adopted_after(live.pk):
            return parse_triggers(drift_check.adopted_config)
        return parse_triggers(json.loads(live.wrangler_json or "{}"))

    @property
    def adopted_version(self) -> str:
        """The version that was adopted since the live deployment; "" if none was."""
        drift_check, live = self.last_drift_check, self.live
        if drift_check is None or live is None or not drift_check.was_adopted_after(live.pk):
            return ""
        return drift_check.adopted_version

    @property
    def addresses(self) -> list[tuple[str, str]]:
        """Each route and custom domain with its URL; "" if a wildcard matches many hosts."""
        routes = [(pattern, _url(pattern)) for pattern in self.triggers.routes]
        domains = [(domain, f"https://{domain}") for domain in sorted(self.triggers.domains)]
        return [*routes, *domains]

    @property
    def schedules(self) -> list[Schedule]:
        """The schedules of the Worker and of its Workflow."""
        of_workflows = (part.settings.schedules for part in self.triggers.workflows.values())
        crons = self.triggers.crons.union(*of_workflows)
        return describe_crons(sorted(crons), timezone.now())


def _url(pattern: str) -> str:
    host = host_of(pattern)
    path = (pattern.partition("://")[2] or pattern)[len(host) :]
    return "" if "*" in host else f"https://{host}{path.rstrip('*')}"


def workers_of(workflow: Workflow) -> list[Worker]:
    """Return the Worker on each target that the workflow was ever deployed to."""
    targets = Target.objects.filter(
        Exists(Deployment.objects.filter(workflow_public_id=workflow.pk, target=OuterRef("pk")))
    )
    drift_checks = {
        check.target_id: check for check in DriftCheck.objects.filter(workflow=workflow)
    }
    return [
        _worker(workflow, target, drift_checks.get(target.pk))
        for target in targets.defer("api_token")
    ]


def worker_on(workflow: Workflow, target: Target) -> Worker:
    """Return the Worker on one target, even if the workflow was never deployed to it."""
    drift_check = DriftCheck.objects.filter(workflow=workflow, target=target).first()
    return _worker(workflow, target, drift_check)


def _worker(workflow: Workflow, target: Target, drift_check: DriftCheck | None) -> Worker:
    deployments = records.of_worker(workflow.pk, target).only(*_SHOWN, "wrangler_json")
    last = deployments.filter(records.changed_what_is_live()).first()
    was_removed = last is not None and last.work is Action.TAKEDOWN
    # A subquery, because SQLite would read all deployments of the Worker.
    unfinished = Deployment.objects.order_by().filter(status__in=UNFINISHED).values("pk")
    return Worker(
        target=target,
        live=None if was_removed else last,
        taken_down=last if was_removed else None,
        running=deployments.filter(pk__in=unfinished).last(),
        last_drift_check=drift_check,
    )


def live_workers_of(workflow: Workflow) -> list[Worker]:
    """Return the workflow's live Workers, at most one per target."""
    return [worker for worker in workers_of(workflow) if worker.live]


def rollbacks(worker: Worker) -> list[Deployment]:
    """Return the deployments to roll back to, newest first: each version once, except the live one."""
    live = worker.live
    if live is None:
        return []
    earlier = records.of_worker(live.workflow_public_id, worker.target).only(*_SHOWN)
    earlier = earlier.filter(records.went_live()).exclude(version_id__in=["", live.version_id])
    newest: dict[str, Deployment] = {}
    for deployment in earlier[: 5 * ROLLBACKS]:
        if deployment.can_be_rolled_back_to:
            newest.setdefault(deployment.version_id, deployment)
    return list(newest.values())[:ROLLBACKS]


def unused_secrets(worker: Worker) -> list[str]:
    """Return the secrets on the Worker that the live deployment did not set.

    Raises DeployError if the target cannot be read.
    """
    if worker.live is None:
        return []
    with time_limited(account_of(worker.target)) as account:
        existing = account.secret_names(worker.live.worker_name)
    return sorted(existing - set(worker.live.secret_names))


def deletable_secrets(worker: Worker, names: Iterable[str]) -> list[str]:
    """Return the secrets to delete. Raises DeployError if none are selected or one is in use."""
    chosen = sorted(set(filter(None, names)))
    if not chosen:
        raise Refused("No secret was deleted: select at least one.")
    used = frozenset(worker.live.secret_names if worker.live else ())
    try:
        existing = frozenset(unused_secrets(worker)) | used
    except DeployError:
        existing = None  # the deletion will report the error
    check_can_delete(chosen, existing=existing, used=used)
    return chosen
