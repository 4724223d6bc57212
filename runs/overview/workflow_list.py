"""The Workflows that targets have, ours and others', with how many runs are in each state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from runs import statuses
from runs.sync.call_budget import counted
from targets.cloudflare import naming
from targets.cloudflare.account import SCRIPTS_READ, Account
from targets.cloudflare.errors import DeployError
from targets.lookup import account_of
from targets.models import Target
from workflows.models import Workflow
from workflows.picture.timestamps import parse_timestamp

_AT_ONCE: Final = 8
_SECONDS: Final = 8.0  # that a target may take: a page waits for the slowest


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """A Workflow at a target; `counts` are its runs by status, without those that have none.

    `workflow` is ours, None where somebody else made it.
    """

    name: str
    script: str
    class_name: str
    created: datetime
    modified: datetime
    counts: Mapping[str, int]
    workflow: Workflow | None = None

    @property
    def shown_counts(self) -> list[dict[str, str]]:
        """Each count with its status and in words."""
        return [
            {"status": name, "words": f"{count:,} {statuses.label(name).lower()}"}
            for name, count in self.counts.items()
        ]

    def as_json(self, target: str) -> dict[str, Any]:
        return {
            "target": target,
            "name": self.name,
            "script_name": self.script,
            "class_name": self.class_name,
            "created_on": self.created.isoformat(),
            "modified_on": self.modified.isoformat(),
            "instances": dict(self.counts),
            "workflow": self.workflow.pk if self.workflow else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A target with its Workflows, the newest first; `error` says why it could not be asked."""

    target: Target
    rows: tuple[Hosted, ...] = ()
    error: str = ""


def places(targets: Iterable[Target]) -> list[Place]:
    """Ask all targets at once; one that fails says so in its place."""
    wanted = [(target, *_account(target)) for target in targets]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        asked = list(threads.map(_ask, wanted))
    ours = _ours(row.name for place in asked for row in place.rows)
    return [
        replace(
            place,
            rows=tuple(
                replace(row, workflow=ours.get(naming.workflow_id(row.name))) for row in place.rows
            ),
        )
        for place in asked
    ]


def _account(target: Target) -> tuple[Account | None, str]:
    try:
        return counted(account_of(target)), ""
    except DeployError as refused:
        return None, str(refused)


def _ask(wanted: tuple[Target, Account | None, str]) -> Place:
    target, account, error = wanted
    if account is None:
        return Place(target=target, error=error)
    try:
        rows = sorted(_listed(account), key=lambda row: row.created, reverse=True)
    except DeployError as refused:
        return Place(target=target, error=str(refused))
    return Place(target=target, rows=tuple(rows))


def _listed(account: Account) -> list[Hosted]:
    with account.explained("list the Workflows", needs=SCRIPTS_READ):
        client = account.client.with_options(timeout=_SECONDS)
        return [_hosted(row) for row in client.workflows.list(account_id=account.account_id)]


def _hosted(told: Any) -> Hosted:
    row = told.to_dict(mode="json", use_api_names=True)
    counts = {str(name): int(count or 0) for name, count in (row.get("instances") or {}).items()}
    known = [*statuses.KNOWN, *sorted(counts.keys() - set(statuses.KNOWN))]
    return Hosted(
        name=str(row["name"]),
        script=str(row.get("script_name", "")),
        class_name=str(row.get("class_name", "")),
        created=parse_timestamp(row["created_on"]) or datetime.now(UTC),
        modified=parse_timestamp(row["modified_on"]) or datetime.now(UTC),
        counts={name: counts[name] for name in known if counts.get(name)},
    )


def _ours(names: Iterable[str]) -> dict[str, Workflow]:
    ids = {naming.workflow_id(name) for name in names if name.startswith(naming.PREFIX)}
    found = Workflow.objects.filter(pk__in=ids).only("pk", "name")
    return {workflow.pk: workflow for workflow in found}
