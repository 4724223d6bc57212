"""The heading of all pages of a workflow: what is live on each target, and how the draft differs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from deployments.models import Deployment
from deployments.presentation.live_workers import Worker, workers_of
from workflows.models import Workflow, WorkflowVersion


@dataclass(frozen=True, kw_only=True)
class WorkflowHead:
    """The data for the heading of a workflow's pages."""

    workflow: Workflow

    @cached_property
    def _version(self) -> WorkflowVersion | None:
        versions = WorkflowVersion.objects.filter(workflow=self.workflow.pk)
        return versions.order_by("-number").first()

    @property
    def newest(self) -> int | None:
        """The number of the newest version; None if there is none yet."""
        return self._version.number if self._version else None

    @property
    def next(self) -> int:
        """The version number that the draft will get when it is saved."""
        return (self.newest or 0) + 1

    @cached_property
    def is_unsaved(self) -> bool:
        """Whether the draft differs from the newest version."""
        version = self._version
        return version is not None and not version.has_content(self.workflow.content)

    @cached_property
    def workers(self) -> list[Worker]:
        """The Worker on each target, live ones first."""
        return sorted(workers_of(self.workflow), key=lambda worker: worker.live is None)

    @cached_property
    def last(self) -> Deployment | None:
        """The last deployment, however it ended."""
        deployments = Deployment.objects.filter(workflow_public_id=self.workflow.pk)
        return deployments.only("status", "stage").order_by("-pk").first()

    @property
    def running(self) -> Deployment | None:
        """The deployment that is queued or running."""
        return self.last if self.last and not self.last.is_final else None

    @property
    def is_ahead(self) -> bool:
        """Whether an earlier version is live on some target, but the newest one is not live anywhere."""
        live = [worker.live.version_number for worker in self.workers if worker.live]
        return bool(live and self.newest and self.newest > max(live))
