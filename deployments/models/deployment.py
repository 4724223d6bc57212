"""Deployments, with a copy of everything they used."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from deployments.pipeline.stages import (
    DEPLOYS_CODE,
    HAPPY_PATH,
    WENT_LIVE,
    Action,
    Stage,
    Status,
    Uploaded,
)
from targets.cloudflare.errors import Cause
from targets.models import Target
from workflows.models import Workflow

_PHRASES: Final = {
    Action.ROLLBACK: "Rollback to",
    Action.RETRY: "Retry of",
    Action.DELETE_SECRETS: "Deletion of secrets",
    Action.TAKEDOWN: "Takedown",
}
_NAMES_SOURCE: Final = (Action.DEPLOY, Action.ROLLBACK, Action.RETRY)


class Deployment(models.Model):
    """One attempt to put a workflow version on a target, with a copy of everything it used.

    The copy keeps the history intact after edits and deletions. Only deployments.queue.transitions
    changes the status and the stage.
    """

    workflow = models.ForeignKey(
        Workflow, null=True, on_delete=models.SET_NULL, related_name="deployments"
    )
    workflow_public_id = models.CharField("workflow id", max_length=20, db_index=True)
    workflow_name = models.CharField("workflow", max_length=256)
    version_number = models.PositiveIntegerField("version")
    target = models.ForeignKey(
        Target, null=True, on_delete=models.SET_NULL, related_name="deployments"
    )
    target_name = models.CharField("target", max_length=60)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    requested_by_name = models.CharField("by", max_length=150, blank=True)

    action = models.CharField(
        max_length=16,
        choices=[(action.value, action.label) for action in Action],
        default=Action.DEPLOY.value,
    )
    about = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The deployment that is rolled back to, retried or redeployed.",
    )
    overwrite = models.BooleanField(
        default=False,
        help_text="A user confirmed that changes made on the target may be overwritten.",
    )
    overrides_freeze = models.BooleanField(
        default=False, help_text="A user gave a reason for deploying to a frozen target."
    )
    reason = models.TextField(blank=True, help_text="The reason given with the request.")
    not_before = models.DateTimeField(null=True, help_text="Not started before this time.")
    attempt = models.PositiveSmallIntegerField(
        default=1, help_text="Above 1 if a busy target refused the earlier attempts."
    )

    status = models.CharField(
        max_length=12,
        choices=[(status.value, status.label) for status in Status],
        default=Status.QUEUED.value,
    )
    stage = models.CharField(
        max_length=20,
        blank=True,
        choices=[(stage.value, stage.label) for stage in HAPPY_PATH],
        help_text="The last stage entered; if it failed, the stage where it failed.",
    )
    message = models.TextField(blank=True)
    cause = models.CharField(
        max_length=16, blank=True, choices=[(cause.value, cause.label) for cause in Cause]
    )
    parts = models.JSONField(
        default=list, blank=True, help_text="The result for the code and for each trigger."
    )
    waits_until = models.DateTimeField(
        null=True, help_text="The target asked to wait until this time."
    )
    cancel_requested_at = models.DateTimeField(null=True)
    cancelled_by = models.CharField(max_length=150, blank=True)
    problems = models.JSONField(default=list, blank=True)
    warnings = models.JSONField(
        default=list, blank=True, help_text="Possible problems in the deployed code."
    )
    required_tests = models.JSONField(
        null=True,
        help_text="How each test ended; null if the target required none.",
    )
    superseded_by = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    uploaded = models.CharField(
        max_length=8,
        choices=[(answer.value, answer.value) for answer in Uploaded],
        default=Uploaded.NO.value,
    )

    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    ir = models.JSONField("document (IR)")
    files = models.JSONField("files of a project", default=dict)
    entry_code = models.TextField(blank=True)
    dependencies = models.JSONField(default=dict)
    bindings = models.JSONField(
        "declared bindings", default=dict, help_text="Maps each name to its kind."
    )
    node_types = models.JSONField(
        "custom node types",
        default=list,
        help_text="Definition and template of each node type that the document uses.",
    )
    deploy_settings = models.JSONField(default=dict)
    class_name = models.CharField(max_length=128)
    worker_name = models.CharField(max_length=63)
    source = models.TextField("generated TypeScript", blank=True)
    script_size = models.PositiveIntegerField("size of the JavaScript in bytes", null=True)
    script_hash = models.CharField("SHA-256 of the JavaScript", max_length=64, blank=True)
    wrangler_json = models.TextField("wrangler.json", blank=True)
    variables = models.JSONField(default=dict)
    secret_names = models.JSONField(
        default=list, help_text="The secrets that were set, or deleted by a deletion of secrets."
    )
    variable_origins = models.JSONField(default=dict)
    resources = models.JSONField(
        default=list, help_text="Name, kind and resource of each binding of the Worker."
    )
    wrangler_version = models.CharField(max_length=40, blank=True)
    worker_url = models.CharField("Worker URL", max_length=300, blank=True)
    dashboard_url = models.CharField("dashboard URL", max_length=300, blank=True)
    version_id = models.CharField("Cloudflare version", max_length=64, blank=True)
    live_before = models.CharField("version live before", max_length=64, blank=True)
    live_version = models.CharField("version live afterwards", max_length=64, blank=True)

    output_removed_after = models.PositiveIntegerField(
        null=True, help_text="For how many days the output was kept that was removed."
    )
    stages_removed_after = models.PositiveIntegerField(
        null=True, help_text="For how many days the stage records were kept that were removed."
    )

    class Meta:
        ordering = ["-pk"]
        permissions = [
            ("rollback_deployment", "Can roll back and take down"),
            ("cancel_deployment", "Can cancel deployments"),
        ]
        indexes = [
            models.Index(fields=["workflow_public_id", "-id"], name="deployments_of_workflow"),
            models.Index(
                fields=["target", "workflow_public_id", "-id"], name="deployments_of_worker"
            ),
            models.Index(fields=["started_at"], name="deployments_by_start"),
            models.Index(fields=["status", "id"], name="deployments_by_status"),
            models.Index(fields=["-created_at"], name="deployments_by_date"),
            models.Index(fields=["cause", "-id"], name="deployments_by_cause"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["workflow_public_id", "target"],
                condition=Q(status=Status.RUNNING.value),
                name="one_running_deployment",
            ),
            models.UniqueConstraint(
                fields=["workflow_public_id", "target"],
                condition=Q(status=Status.QUEUED.value),
                name="one_waiting_deployment",
            ),
        ]

    def __str__(self) -> str:
        what = "" if self.work is Action.DEPLOY else f"{self.work.label} of "
        return f"#{self.pk} {what}{self.workflow_name} v{self.version_number} on {self.target_name}"

    def get_absolute_url(self) -> str:
        return reverse("deployments:deployment", args=[self.pk])

    @property
    def state(self) -> Status:
        return Status(self.status)

    @property
    def version_tag(self) -> str:
        """The tag that marks the uploaded version as ours."""
        return f"awaitstep-{self.pk}-{self.created_at:%Y%m%d%H%M%S}"

    @property
    def work(self) -> Action:
        return Action(self.action)

    @property
    def action_phrase(self) -> str:
        """What it does, up to the number of `about`; "" for a plain deploy."""
        return _PHRASES.get(self.work, "Snapshot of" if self.about_id else "")

    @property
    def names_source(self) -> bool:
        """Whether the number of `about` follows the phrase."""
        return self.work in _NAMES_SOURCE and self.about_id is not None

    @property
    def action_summary(self) -> str:
        """What it does: "Rollback to #12", "Takedown"; "" for a plain deploy."""
        number = f" #{self.about_id}" if self.names_source else ""
        return f"{self.action_phrase}{number}"

    @property
    def cancellation_notice(self) -> str:
        """Who requested a cancellation; "" if no one did."""
        if not self.cancel_requested_at:
            return ""
        return f"Cancellation requested by {self.cancelled_by or 'someone'}"

    @property
    def duration(self) -> timedelta | None:
        """How long it ran; None if it never started or has not ended."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at

    @property
    def can_retry(self) -> bool:
        """Whether a retry can fix a failed part. A failed takedown is requested again instead."""
        is_partial = self.state is Status.PARTIAL and self.work in DEPLOYS_CODE
        return is_partial and any(not part["done"] for part in self.parts)

    @property
    def can_be_rolled_back_to(self) -> bool:
        """Whether it made a version live that a rollback can name."""
        return bool(self.version_id) and self.state in WENT_LIVE and self.work in DEPLOYS_CODE

    @property
    def is_final(self) -> bool:
        return self.state.is_final

    @property
    def percent(self) -> int:
        return Stage(self.stage).percent if self.stage else 0
