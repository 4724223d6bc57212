"""Runs, as they were last seen on their targets. The system of record is the target."""

from __future__ import annotations

from django.db import models
from django.urls import reverse
from django.utils import timezone

from deployments.models import Deployment
from runs import statuses
from targets.cloudflare.naming import PREFIX
from targets.models import Target
from workflows.ir.document.approvals import is_approval
from workflows.models import Workflow


def max_length(model: type[models.Model], name: str) -> int:
    """Return how many characters fit into a field that has a limit."""
    field = model._meta.get_field(name)
    if not isinstance(field, models.CharField) or field.max_length is None:
        raise TypeError(f"{name} has no limit")
    return field.max_length


class Run(models.Model):
    """A Workflow instance on a target, as it was last seen; payloads are not stored here.

    `deployment` is the one whose code the run started with, judging by the times. `seconds` is its
    duration, `retries` counts the retries of all steps.
    """

    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="runs")
    workflow = models.ForeignKey(
        Workflow, null=True, on_delete=models.SET_NULL, related_name="runs"
    )
    workflow_name = models.CharField("Workflow", max_length=64)
    instance_id = models.CharField("id", max_length=271)
    status = models.CharField(max_length=20)
    trigger = models.CharField(max_length=20, blank=True)
    version_id = models.CharField(max_length=64, blank=True)
    deployment = models.ForeignKey(
        Deployment, null=True, on_delete=models.SET_NULL, related_name="runs"
    )
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    seconds = models.FloatField(null=True)
    error = models.CharField(max_length=500, blank=True)
    step_count = models.PositiveIntegerField(null=True)
    retries = models.PositiveIntegerField(null=True)
    waits_for = models.CharField(max_length=100, blank=True, help_text="An event type.")
    waits_since = models.DateTimeField(null=True, help_text="When its oldest open wait started.")
    due_at = models.DateTimeField(null=True, help_text="When it will continue on its own.")
    is_open = models.BooleanField(default=True)
    seen_at = models.DateTimeField(default=timezone.now)
    checked_at = models.DateTimeField(
        default=timezone.now, help_text="When the target last reported it, while it was open."
    )
    read_at = models.DateTimeField(null=True, help_text="When its steps were last read.")
    gone_at = models.DateTimeField(
        null=True, help_text="When the target was found to have deleted it."
    )
    viewed_at = models.DateTimeField(
        null=True, help_text="When a user who can act on the failure viewed it."
    )

    class Meta:
        ordering = ["-created_at", "-pk"]
        permissions = [
            ("trigger_run", "Can start runs and send events"),
            ("control_run", "Can pause, resume, restart, terminate and delete runs"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["target", "workflow_name", "instance_id"], name="unique_run"
            )
        ]
        indexes = [
            # Status and seconds let the overview use this index alone.
            models.Index(
                fields=["-created_at", "-id", "status", "seconds"], name="runs_by_time_covering"
            ),
            models.Index(
                fields=["workflow", "-created_at", "-id", "status", "seconds"],
                name="runs_of_workflow_covering",
            ),
            models.Index(fields=["status", "-created_at", "-id"], name="runs_by_status"),
            models.Index(
                fields=["trigger", "-created_at", "-id", "status"], name="runs_by_trigger"
            ),
            models.Index(fields=["target", "-created_at", "-id", "status"], name="runs_of_target"),
            models.Index(fields=["instance_id"], name="runs_by_instance_id"),
            models.Index(fields=["seconds"], name="runs_by_duration"),
            models.Index(
                fields=["workflow", "checked_at"],
                condition=models.Q(is_open=True),
                name="runs_unchecked_of_workflow",
            ),
            models.Index(fields=["error"], condition=~models.Q(error=""), name="runs_by_error"),
            models.Index(
                fields=["target", "read_at"],
                condition=models.Q(is_open=True) & ~models.Q(waits_for=""),
                name="runs_that_wait",
            ),
            models.Index(
                fields=["waits_since"],
                condition=models.Q(is_open=True) & ~models.Q(waits_for=""),
                name="runs_by_wait",
            ),
            models.Index(fields=["workflow", "status"], name="runs_counted"),
            models.Index(
                fields=["target", "workflow_name"],
                condition=models.Q(is_open=True),
                name="runs_open",
            ),
            models.Index(
                fields=["target", "-created_at"],
                condition=models.Q(read_at=None),
                name="runs_unread",
            ),
            models.Index(
                fields=["target", "workflow_name", "error"],
                condition=models.Q(status="errored", viewed_at=None),
                name="runs_unviewed",
            ),
            models.Index(
                fields=["target", "due_at"], condition=models.Q(is_open=True), name="runs_due"
            ),
            models.Index(
                fields=["checked_at"], condition=models.Q(is_open=True), name="runs_unchecked"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.workflow_name} {self.instance_id}"

    def get_absolute_url(self) -> str:
        return reverse("runs:run", args=[self.pk])

    @property
    def status_label(self) -> str:
        return statuses.label(self.status)

    @property
    def project_workflow(self) -> str:
        """The name that a project gives to the run's Workflow; "" for other workflows."""
        is_projects = self.workflow_id and not self.workflow_name.startswith(PREFIX)
        return self.workflow_name if is_projects else ""

    @property
    def awaits_approval(self) -> bool:
        """Whether the event that it waits for decides an approval."""
        return is_approval(self.waits_for)

    starter = ""
    """Who started the run here, if a page has looked it up."""

    @property
    def trigger_label(self) -> str:
        return statuses.trigger_label(self.trigger)

    @property
    def started_by(self) -> str:
        """Who or what started the run."""
        return self.starter or self.trigger_label


class RunText(models.Model):
    """Payload, output and error of a run, redacted and truncated, for the search."""

    run = models.OneToOneField(Run, primary_key=True, on_delete=models.CASCADE, related_name="text")
    params = models.TextField(blank=True)
    output = models.TextField(blank=True)
    error = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"text of {self.run_id}"


class RunDetails(models.Model):
    """A whole run in the format of Cloudflare's API, redacted.

    It is shared by all viewers and deleted after minutes, unless the workflow's retention keeps it.
    """

    run = models.OneToOneField(
        Run, primary_key=True, on_delete=models.CASCADE, related_name="details"
    )
    data = models.JSONField()
    fetched_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"details of {self.run_id}"


class RunStep(models.Model):
    """A step of a run without its output, for the figures of the overview.

    `label` is the name of its node, or else its own without counters; `node_id` is "" if the node is
    not known.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    name = models.CharField(max_length=256)
    node_id = models.CharField(max_length=256, blank=True)
    label = models.CharField(max_length=256, blank=True)
    kind = models.CharField(max_length=20)
    seconds = models.FloatField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    has_failed = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["name", "attempts", "run"], name="runs_by_step"),
            models.Index(fields=["label", "attempts", "run"], name="runs_by_node"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.run_id}"


class RunChange(models.Model):
    """A change to a run, to notify open pages; deleted within the hour."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"change {self.pk} of {self.run_id}"


class LaterSecrets(models.Model):
    """How far the index is masked for values that became secrets after runs were stored.

    `masked` is the newest MaskedValue that is masked in all runs. Those up to `next` are masked in
    the runs up to `run`.
    """

    name = models.CharField(max_length=20, primary_key=True, default="index")
    masked = models.PositiveBigIntegerField(default=0)
    next = models.PositiveBigIntegerField(default=0)
    run = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"values up to {self.masked}"


class Retention(models.Model):
    """How long a workflow's runs are kept; without a row, AWAITSTEP_KEEP_RUNS_DAYS applies."""

    workflow = models.OneToOneField(
        Workflow, primary_key=True, on_delete=models.CASCADE, related_name="retention"
    )
    days = models.PositiveIntegerField(default=30, help_text="0 keeps them forever.")
    keeps_details = models.BooleanField(
        default=True,
        help_text="Also keep steps and outputs, redacted, after the target has deleted them.",
    )

    def __str__(self) -> str:
        return f"{self.days} days of {self.workflow_id}"
