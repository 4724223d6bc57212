"""All Workflows on the targets, including those deployed elsewhere, with run counts per status."""

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

_THREADS: Final = 8
_TIMEOUT: Final = 8.0  # seconds; a page waits for the slowest target


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetWorkflow:
    """A Workflow on a target; `counts` are its runs by status, zeros left out.

    `workflow` is None if the Workflow was not deployed from here.
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
        """Each count with its status and as text."""
        return [
            {"status": name, "text": f"{count:,} {statuses.label(name).lower()}"}
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
class TargetWorkflows:
    """A target with its Workflows, newest first; `error` says why they could not be listed."""

    target: Target
    rows: tuple[TargetWorkflow, ...] = ()
    error: str = ""


def list_workflows(targets: Iterable[Target]) -> list[TargetWorkflows]:
    """List the Workflows of all targets in parallel; a target that fails has an `error`."""
    requests = [(target, *_account(target)) for target in targets]
    with ThreadPoolExecutor(_THREADS) as threads:
        results = list(threads.map(_fetch, requests))
    workflows = _workflows(row.script for result in results for row in result.rows)
    return [
        replace(
            result,
            rows=tuple(
                replace(row, workflow=workflows.get(naming.workflow_id(row.script)))
                for row in result.rows
            ),
        )
        for result in results
    ]


def _account(target: Target) -> tuple[Account | None, str]:
    try:
        return counted(account_of(target)), ""
    except DeployError as error:
        return None, str(error)


def _fetch(request: tuple[Target, Account | None, str]) -> TargetWorkflows:
    target, account, message = request
    if account is None:
        return TargetWorkflows(target=target, error=message)
    try:
        rows = sorted(_list(account), key=lambda row: row.created, reverse=True)
    except DeployError as error:
        return TargetWorkflows(target=target, error=str(error))
    return TargetWorkflows(target=target, rows=tuple(rows))


def _list(account: Account) -> list[TargetWorkflow]:
    with account.explained("list the Workflows", needs=SCRIPTS_READ):
        client = account.client.with_options(timeout=_TIMEOUT)
        return [
            _target_workflow(row) for row in client.workflows.list(account_id=account.account_id)
        ]


def _target_workflow(response: Any) -> TargetWorkflow:
    row = response.to_dict(mode="json", use_api_names=True)
    counts = {str(name): int(count or 0) for name, count in (row.get("instances") or {}).items()}
    ordered = [*statuses.KNOWN, *sorted(counts.keys() - set(statuses.KNOWN))]
    return TargetWorkflow(
        name=str(row["name"]),
        script=str(row.get("script_name", "")),
        class_name=str(row.get("class_name", "")),
        created=parse_timestamp(row["created_on"]) or datetime.now(UTC),
        modified=parse_timestamp(row["modified_on"]) or datetime.now(UTC),
        counts={name: counts[name] for name in ordered if counts.get(name)},
    )


def _workflows(workers: Iterable[str]) -> dict[str, Workflow]:
    ids = {naming.workflow_id(name) for name in workers if name.startswith(naming.PREFIX)}
    workflows = Workflow.objects.filter(pk__in=ids).only("pk", "name")
    return {workflow.pk: workflow for workflow in workflows}
