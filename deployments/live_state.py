"""What is live of a workflow at each target, by the record, for the pages that show it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Exists, OuterRef
from django.utils import timezone

from deployments import records
from deployments.changes import check_can_delete
from deployments.cloudflare.parts import Triggers, triggers_of
from deployments.errors import DeployError
from deployments.models import Deployment, DriftState, Standing, Target
from deployments.policy import Refused
from deployments.presentation import Tone
from deployments.schedule_words import Fires, fires
from deployments.stages import UNFINISHED, Action
from deployments.targets import account_of
from deployments.tools.brief_calls import briefly
from workflows.models import Workflow
from workflows.route_patterns import host_of

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
class Place:
    """A workflow at one target: what is live there, or what took it away, and how it compares."""

    target: Target
    live: Deployment | None
    taken_down: Deployment | None
    running: Deployment | None
    last_standing: Standing | None

    @property
    def standing(self) -> Standing | None:
        """The last comparison; None where it was made before what is live now came there."""
        found, live = self.last_standing, self.live
        if found is None or live is None or found.checked_at is None:
            return None
        newer = live.finished_at and live.finished_at > found.checked_at
        return None if newer else found

    @property
    def tone(self) -> Tone:
        return (
            _TONES[DriftState(self.standing.state)] if self.standing else _TONES[DriftState.UNKNOWN]
        )

    @property
    def drift_label(self) -> str:
        return self.standing.get_state_display() if self.standing else "Not checked"

    @property
    def is_drifted(self) -> bool:
        return bool(self.standing and self.standing.state == DriftState.DRIFTED)

    @property
    def can_be_adopted(self) -> bool:
        """A gradual rollout has no version to take over."""
        return self.is_drifted and bool(self.standing and self.standing.live_version)

    @property
    def is_gone(self) -> bool:
        return bool(self.standing and self.standing.state == DriftState.GONE)

    @cached_property
    def triggers(self) -> Triggers:
        """What leads to the Worker by the record, or by what was adopted since."""
        live, standing = self.live, self.last_standing
        if live is None:
            return Triggers()
        if standing and standing.adopted and standing.was_adopted_after(live.pk):
            return triggers_of(standing.adopted)
        return triggers_of(json.loads(live.wrangler_json or "{}"))

    @property
    def adopted_version(self) -> str:
        """The version that somebody took over since this came live; "" where none was."""
        standing, live = self.last_standing, self.live
        if standing is None or live is None or not standing.was_adopted_after(live.pk):
            return ""
        return standing.adopted_version

    @property
    def addresses(self) -> list[tuple[str, str]]:
        """Each route and custom domain with its URL; "" where a wildcard stands for many hosts."""
        routes = [(pattern, _url(pattern)) for pattern in self.triggers.routes]
        domains = [(domain, f"https://{domain}") for domain in sorted(self.triggers.domains)]
        return [*routes, *domains]

    @property
    def schedules(self) -> list[Fires]:
        told = (fires(one, timezone.now()) for one in sorted(self.triggers.crons))
        return [one for one in told if one]


def _url(pattern: str) -> str:
    host = host_of(pattern)
    path = (pattern.partition("://")[2] or pattern)[len(host) :]
    return "" if "*" in host else f"https://{host}{path.rstrip('*')}"


def places(workflow: Workflow) -> list[Place]:
    """Return a place for each target where the workflow was ever deployed, in the targets' order."""
    targets = Target.objects.filter(
        Exists(Deployment.objects.filter(workflow_public_id=workflow.pk, target=OuterRef("pk")))
    )
    standings = {one.target_id: one for one in Standing.objects.filter(workflow=workflow)}
    found = targets.defer("api_token")
    return [_place(workflow, target, standings.get(target.pk)) for target in found]


def place(workflow: Workflow, target: Target) -> Place:
    standing = Standing.objects.filter(workflow=workflow, target=target).first()
    return _place(workflow, target, standing)


def _place(workflow: Workflow, target: Target, standing: Standing | None) -> Place:
    mine = records.of_worker(workflow.pk, target).only(*_SHOWN, "wrangler_json")
    last = mine.filter(records.changed_what_is_live()).first()
    was_removed = last is not None and last.work is Action.TAKEDOWN
    return Place(
        target=target,
        live=None if was_removed else last,
        taken_down=last if was_removed else None,
        running=mine.filter(status__in=UNFINISHED).last(),
        last_standing=standing,
    )


def live_places(workflow: Workflow) -> list[Place]:
    return [one for one in places(workflow) if one.live]


def rollbacks(one: Place) -> list[Deployment]:
    """Return what can be gone back to, the newest first: each version once, and not what is live."""
    live = one.live
    if live is None:
        return []
    earlier = records.of_worker(live.workflow_public_id, one.target).only(*_SHOWN)
    earlier = earlier.filter(records.went_live()).exclude(version_id__in=["", live.version_id])
    newest: dict[str, Deployment] = {}
    for deployment in earlier[: 5 * ROLLBACKS]:
        if records.can_be_rolled_back_to(deployment):
            newest.setdefault(deployment.version_id, deployment)
    return list(newest.values())[:ROLLBACKS]


def left_over(one: Place) -> list[str]:
    """Ask the target for the secrets that the Worker has and what is live did not set.

    Raises DeployError where the target cannot be asked.
    """
    if one.live is None:
        return []
    with briefly(account_of(one.target)) as account:
        there = account.secret_names(one.live.worker_name)
    return sorted(there - set(one.live.secret_names))


def can_delete(one: Place, names: Iterable[str]) -> list[str]:
    """Return the secrets that can be deleted; raises DeployError for none, or where one cannot."""
    asked = sorted(set(filter(None, names)))
    if not asked:
        raise Refused("No secret was chosen, and nothing was deleted: tick at least one.")
    used = frozenset(one.live.secret_names if one.live else ())
    try:
        there = frozenset(left_over(one)) | used
    except DeployError:
        there = None  # whoever deletes them is told then
    check_can_delete(asked, there=there, used=used)
    return asked
