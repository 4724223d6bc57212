from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from deployments.pipeline.stages import HAPPY_PATH, Action, Stage, Status, Uploaded
from targets.cloudflare.errors import Cause
from targets.models import Target
from workflows.models import Workflow


class Deployment(models.Model):
    """One attempt to put one version of a workflow on one target, with all that it used.

    What was deployed is copied in, so that history outlives edits and deletions. Status and stage
    change in deployments.queue.transitions alone.
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
        help_text="The deployment that a rollback goes back to, or a retry goes on with.",
    )
    overwrite = models.BooleanField(
        default=False, help_text="A person said that changes made at the target may be lost."
    )
    overrides_freeze = models.BooleanField(
        default=False, help_text="A person gave a reason to deploy to a frozen target."
    )
    reason = models.TextField(blank=True, help_text="Why, in the words of who asked.")
    not_before = models.DateTimeField(null=True, help_text="It waits until then.")
    attempt = models.PositiveSmallIntegerField(
        default=1, help_text="More than 1: the server tries again what a busy target refused."
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
        help_text="The last of the ten that was entered: where it failed, if it did.",
    )
    message = models.TextField(blank=True)
    cause = models.CharField(
        max_length=16, blank=True, choices=[(cause.value, cause.label) for cause in Cause]
    )
    parts = models.JSONField(
        default=list, blank=True, help_text="What became of the code and of all that leads to it."
    )
    waits_until = models.DateTimeField(null=True, help_text="The target asked to wait until then.")
    cancel_asked_at = models.DateTimeField(null=True)
    cancelled_by = models.CharField(max_length=150, blank=True)
    problems = models.JSONField(default=list, blank=True)
    warnings = models.JSONField(
        default=list, blank=True, help_text="What may go wrong with the code that was deployed."
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
    entry_code = models.TextField(blank=True)
    dependencies = models.JSONField(default=dict)
    bindings = models.JSONField(
        "declared bindings", default=dict, help_text="The kind of each, by its name."
    )
    node_types = models.JSONField(
        "custom node types",
        default=list,
        help_text="The definition and the template of each that the document uses.",
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
        default=list, help_text="What it set; of a deletion of secrets, what it deleted."
    )
    variable_origins = models.JSONField(default=dict)
    resources = models.JSONField(
        default=list, help_text="Name, kind and resource of each binding that the Worker got."
    )
    wrangler_version = models.CharField(max_length=40, blank=True)
    worker_url = models.CharField("Worker URL", max_length=300, blank=True)
    dashboard_url = models.CharField("dashboard URL", max_length=300, blank=True)
    version_id = models.CharField("Cloudflare's version", max_length=64, blank=True)
    live_before = models.CharField("version live before", max_length=64, blank=True)
    live_version = models.CharField("version live afterwards", max_length=64, blank=True)

    class Meta:
        ordering = ["-pk"]
        permissions = [
            ("rollback_deployment", "Can roll back and take down"),
            ("cancel_deployment", "Can cancel deployments"),
        ]
        indexes = [
            models.Index(fields=["workflow_public_id", "-id"], name="deployments_of_workflow"),
            models.Index(fields=["status", "id"], name="deployments_by_status"),
            models.Index(fields=["-created_at"], name="deployments_by_date"),
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
    def mark(self) -> str:
        """The tag of the version that this deployment uploads, by which it is known again."""
        return f"awaitstep-{self.pk}-{self.created_at:%Y%m%d%H%M%S}"

    @property
    def work(self) -> Action:
        return Action(self.action)

    @property
    def is_final(self) -> bool:
        return self.state.is_final

    @property
    def percent(self) -> int:
        return Stage(self.stage).percent if self.stage else 0
