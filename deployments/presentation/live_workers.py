"""What is live of a workflow at each target, by the record, for the pages that show it."""

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
from deployments.presentation.cron_words import Schedule, describe_cron
from targets.cloudflare.errors import DeployError
from targets.cloudflare.time_limits import time_limited
from targets.cloudflare.worker_parts import Triggers, parse_triggers
from targets.lookup import account_of
from targets.models import Target
from targets.policy import Refused
from web.tones import Tone
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
    """A workflow at one target: what is live there, or what took it away, and how it compares."""

    target: Target
    live: Deployment | None
    taken_down: Deployment | None
    running: Deployment | None
    last_drift_check: DriftCheck | None

    @property
    def drift_check(self) -> DriftCheck | None:
        """The last comparison; None where it was made before what is live now came there."""
        found, live = self.last_drift_check, self.live
        if found is None or live is None or found.checked_at is None:
            return None
        newer = live.finished_at and live.finished_at > found.checked_at
        return None if newer else found

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
        """A gradual rollout has no version to take over."""
        return self.is_drifted and bool(self.drift_check and self.drift_check.live_version)

    @property
    def is_gone(self) -> bool:
        return bool(self.drift_check and self.drift_check.state == DriftState.GONE)

    @cached_property
    def triggers(self) -> Triggers:
        """What leads to the Worker by the record, or by what was adopted since."""
        live, drift_check = self.live, self.last_drift_check
        if live is None:
            return Triggers()
        if drift_check and drift_check.adopted_config and drift_check.was_adopted_after(live.pk):
            return parse_triggers(drift_check.adopted_config)
        return parse_triggers(json.loads(live.wrangler_json or "{}"))

    @property
    def adopted_version(self) -> str:
        """The version that somebody took over since this came live; "" where none was."""
        drift_check, live = self.last_drift_check, self.live
        if drift_check is None or live is None or not drift_check.was_adopted_after(live.pk):
            return ""
        return drift_check.adopted_version

    @property
    def addresses(self) -> list[tuple[str, str]]:
        """Each route and custom domain with its URL; "" where a wildcard stands for many hosts."""
        routes = [(pattern, _url(pattern)) for pattern in self.triggers.routes]
        domains = [(domain, f"https://{domain}") for domain in sorted(self.triggers.domains)]
        return [*routes, *domains]

    @property
    def schedules(self) -> list[Schedule]:
        told = (describe_cron(one, timezone.now()) for one in sorted(self.triggers.crons))
        return [one for one in told if one]


def _url(pattern: str) -> str:
    host = host_of(pattern)
    path = (pattern.partition("://")[2] or pattern)[len(host) :]
    return "" if "*" in host else f"https://{host}{path.rstrip('*')}"


def workers_of(workflow: Workflow) -> list[Worker]:
    """Return a place for each target where the workflow was ever deployed, in the targets' order."""
    targets = Target.objects.filter(
        Exists(Deployment.objects.filter(workflow_public_id=workflow.pk, target=OuterRef("pk")))
    )
    drift_checks = {one.target_id: one for one in DriftCheck.objects.filter(workflow=workflow)}
    found = targets.defer("api_token")
    return [_place(workflow, target, drift_checks.get(target.pk)) for target in found]


def worker_on(workflow: Workflow, target: Target) -> Worker:
    drift_check = DriftCheck.objects.filter(workflow=workflow, target=target).first()
    return _place(workflow, target, drift_check)


def _place(workflow: Workflow, target: Target, drift_check: DriftCheck | None) -> Worker:
    mine = records.of_worker(workflow.pk, target).only(*_SHOWN, "wrangler_json")
    last = mine.filter(records.changed_what_is_live()).first()
    was_removed = last is not None and last.work is Action.TAKEDOWN
    return Worker(
        target=target,
        live=None if was_removed else last,
        taken_down=last if was_removed else None,
        running=mine.filter(status__in=UNFINISHED).last(),
        last_drift_check=drift_check,
    )


def live_workers_of(workflow: Workflow) -> list[Worker]:
    return [one for one in workers_of(workflow) if one.live]


def rollbacks(one: Worker) -> list[Deployment]:
    """Return what can be gone back to, the newest first: each version once, and not what is live."""
    live = one.live
    if live is None:
        return []
    earlier = records.of_worker(live.workflow_public_id, one.target).only(*_SHOWN)
    earlier = earlier.filter(records.went_live()).exclude(version_id__in=["", live.version_id])
    newest: dict[str, Deployment] = {}
    for deployment in earlier[: 5 * ROLLBACKS]:
        if deployment.can_be_rolled_back_to:
            newest.setdefault(deployment.version_id, deployment)
    return list(newest.values())[:ROLLBACKS]


def unused_secrets(one: Worker) -> list[str]:
    """Ask the target for the secrets that the Worker has and what is live did not set.

    Raises DeployError where the target cannot be asked.
    """
    if one.live is None:
        return []
    with time_limited(account_of(one.target)) as account:
        there = account.secret_names(one.live.worker_name)
    return sorted(there - set(one.live.secret_names))


def deletable_secrets(one: Worker, names: Iterable[str]) -> list[str]:
    """Return the secrets that can be deleted; raises DeployError for none, or where one cannot."""
    asked = sorted(set(filter(None, names)))
    if not asked:
        raise Refused("No secret was chosen, and nothing was deleted: tick at least one.")
    used = frozenset(one.live.secret_names if one.live else ())
    try:
        there = frozenset(unused_secrets(one)) | used
    except DeployError:
        there = None  # whoever deletes them is told then
    check_can_delete(asked, there=there, used=used)
    return asked
