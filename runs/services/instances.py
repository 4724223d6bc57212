"""Runs as Cloudflare has them: instances of a Workflow, read through the official SDK."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cloudflare
from cloudflare.types.workflows import InstanceGetResponse

from deployments.history import records, workflow_names
from deployments.models import Deployment
from runs.sync.call_budget import counted
from targets.cloudflare.account import Account
from targets.cloudflare.naming import worker_name
from targets.lookup import account_of, default_target
from workflows.ir.document.kinds import SCRIPT, kind_of
from workflows.models import Workflow

LATEST = "latest"


class NoRun(Exception):
    """The workflow has no such run."""


@dataclass(frozen=True, slots=True)
class WorkflowRuns:
    """The runs of one workflow on the target where it is live."""

    account: Account
    workflow: str

    def describe(self, instance: str) -> InstanceGetResponse:
        """Return a run with its steps; `instance` is an id or "latest".

        Raises NoRun if there is none.
        """
        instance_id = self.latest() if instance == LATEST else instance
        with counted(self.account).explained(f"read the run {instance_id}"):
            try:
                return self.account.client.workflows.instances.get(
                    instance_id, account_id=self.account.account_id, workflow_name=self.workflow
                )
            except cloudflare.NotFoundError:
                raise NoRun(f"{self.workflow} has no run {instance_id}.") from None

    def latest(self) -> str:
        """Return the id of the newest run. Raises NoRun if there is none."""
        with counted(self.account).explained(f"list the runs of {self.workflow}"):
            page = self.account.client.workflows.instances.list(
                self.workflow, account_id=self.account.account_id
            )
        newest = max(page.result, key=lambda run: run.created_on, default=None)
        if newest is None:
            raise NoRun(f"{self.workflow} has no runs yet. Start one with trigger_workflow.")
        return newest.id


def workflow_runs(workflow: Workflow, name: str = "") -> WorkflowRuns:
    """Return the runs on the target where the workflow is live, or else on the default target.

    `name` is one of several Workflows of a project. Raises NoRun for a script, or for a project that
    is not live.
    """
    live = records.live(workflow.pk)
    if kind_of(live.ir if live else workflow.ir) == SCRIPT:
        raise NoRun(_script_message(workflow, live))
    if live:
        return deployment_runs(live, name)
    if workflow.is_project:
        raise NoRun(f"{workflow.name} is not live. Deploy it first.")
    return WorkflowRuns(account_of(default_target()), worker_name(workflow.pk))


def deployment_runs(live: Deployment, name: str = "") -> WorkflowRuns:
    """Return the runs on the deployment's target, or on the default target if it was deleted.

    `name` is one of several Workflows of a project. Raises NoWorkflow.
    """
    account = account_of(live.target or default_target())
    return WorkflowRuns(account, workflow_names.choose(live, name))


def _script_message(script: Workflow, live: Deployment | None) -> str:
    """Explain that a script has no runs, and how to call it."""
    reason = f"{script.name} is a script: it answers requests and has no runs"
    if live is None:
        return f"{reason}. Deploy it to get an address."
    trigger = live.ir.get("trigger", {})
    method, path = trigger.get("method", "POST"), trigger.get("path", "/")
    return f"{reason}. Send a request: {method} {live.worker_url}{path}"


def instance_as_json(instance: InstanceGetResponse) -> dict[str, Any]:
    """Return the run in the format of Cloudflare's API."""
    return instance.to_dict(mode="json", use_api_names=True) if instance else {}
