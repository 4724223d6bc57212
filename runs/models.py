"""The index of runs: what is known here of instances whose system of record is their target."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils import timezone

from deployments.models import Deployment, ProcessLease
from runs import statuses
from targets.models import Target
from workflows.models import Workflow


class Run(models.Model):
    """One instance of a Workflow at a target, as it was seen last; it holds no payload.

    `deployment` is the one whose code it began with, as far as the times tell. `seconds` is how long
    it took, `retries` how often a step was tried again.
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
    due_at = models.DateTimeField(null=True, help_text="When it goes on by itself.")
    is_open = models.BooleanField(default=True)
    seen_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, help_text="When its steps were read.")
    gone_at = models.DateTimeField(null=True, help_text="The target keeps it no more.")

    class Meta:
        ordering = ["-created_at", "-pk"]
        permissions = [
            ("trigger_run", "Can start runs and send events"),
            ("control_run", "Can pause, resume, restart, terminate and delete runs"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["target", "workflow_name", "instance_id"], name="a_run_is_indexed_once"
            )
        ]
        indexes = [
            # Status and seconds are for the overview, which then reads nothing but the index.
            models.Index(
                fields=["-created_at", "-id", "status", "seconds"], name="runs_by_time_covering"
            ),
            models.Index(
                fields=["workflow", "-created_at", "-id", "status", "seconds"],
                name="runs_of_workflow_covering",
            ),
            models.Index(fields=["status", "-created_at", "-id"], name="runs_by_status"),
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
                fields=["target", "due_at"], condition=models.Q(is_open=True), name="runs_due"
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
    def trigger_label(self) -> str:
        return statuses.trigger_label(self.trigger)


class RunText(models.Model):
    """What a run was given, gave and failed with, redacted and cut: for the search alone."""

    run = models.OneToOneField(Run, primary_key=True, on_delete=models.CASCADE, related_name="text")
    params = models.TextField(blank=True)
    output = models.TextField(blank=True)
    error = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"text of {self.run_id}"


class RunDetails(models.Model):
    """A run as the target told it last, redacted: for all who look at it, and for minutes only.

    It is kept longer where the workflow's retention says so.
    """

    run = models.OneToOneField(
        Run, primary_key=True, on_delete=models.CASCADE, related_name="details"
    )
    told = models.JSONField()
    asked_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"details of {self.run_id}"


class RunStep(models.Model):
    """One step of a run, without what it gave: for the figures of the overview."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    name = models.CharField(max_length=256)
    kind = models.CharField(max_length=20)
    seconds = models.FloatField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    has_failed = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["name", "attempts", "run"], name="runs_by_step")]

    def __str__(self) -> str:
        return f"{self.name} of {self.run_id}"


class RunChange(models.Model):
    """One row per change of a run: what open pages are told of. It is pruned within the hour."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"change {self.pk} of {self.run_id}"


class Interest(models.Model):
    """Somebody looks at a run, a workflow's runs or all runs: these are asked for more often.

    `about` is `run-<id>`, `runs-<workflow>` or `runs`, the channel of the page.
    """

    about = models.CharField(max_length=64, primary_key=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"interest in {self.about}"


class Retention(models.Model):
    """How long a workflow's runs are kept here; without a row, as long as the target keeps them."""

    workflow = models.OneToOneField(
        Workflow, primary_key=True, on_delete=models.CASCADE, related_name="retention"
    )
    days = models.PositiveIntegerField(default=30)
    keeps_details = models.BooleanField(
        default=True,
        help_text="Keep steps and outputs too, redacted, after the target forgot them.",
    )

    def __str__(self) -> str:
        return f"{self.days} days of {self.workflow_id}"


class Polling(models.Model):
    """How the one process that asks the targets for runs stands with one of them.

    `calls_in_window` are those of the last five minutes to the target's account.
    """

    target = models.OneToOneField(
        Target, primary_key=True, on_delete=models.CASCADE, related_name="polling"
    )
    asked_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    calls_in_window = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"polling of {self.target_id}"


class Watermark(models.Model):
    """Up to when all runs of a Workflow at a target are in the index.

    A listing that was cut short goes on at `cursor`; what it began with is `begun_at`.
    """

    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="+")
    workflow_name = models.CharField(max_length=64)
    complete_until = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(null=True)
    cursor = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "workflow_name"], name="one_watermark_of_a_workflow"
            )
        ]

    def __str__(self) -> str:
        return f"{self.workflow_name} up to {self.complete_until}"


class CallCount(models.Model):
    """The calls about runs to an account: by use, for each half minute since the epoch."""

    account_id = models.CharField(max_length=64, primary_key=True)
    buckets = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"calls to {self.account_id}"


class PollerLease(models.Model):
    """Which process is the poller; another one takes over when it has been silent."""

    name = models.CharField(max_length=20, primary_key=True, default="poller")
    holder = models.UUIDField()
    beat_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"poller {self.holder}"


class BulkChange(models.Model):
    """One action on many runs, with its progress; the filter is the list's query.

    `run_ids` are the runs that are changed. `starts` are those that a batch starts, of `deployment`:
    the id and the payload of each, which are forgotten when it has ended. `there` are those of them
    that were there already, `failed` what was refused.
    """

    action = models.CharField(max_length=20)
    query = models.CharField(max_length=500, blank=True)
    reason = models.TextField(blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    by_name = models.CharField(max_length=150, blank=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    there = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    errors = models.JSONField(default=list)
    run_ids = models.JSONField(default=list)
    starts = models.JSONField(default=list)
    deployment = models.ForeignKey(
        Deployment, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    waits_until = models.DateTimeField(null=True, help_text="When the target takes calls again.")
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.action} of {self.total} run{pluralize(self.total)}"

    def get_absolute_url(self) -> str:
        return reverse("runs:bulk", args=[self.pk])

    @property
    def settled(self) -> int:
        """Of how many runs it is known what became of them."""
        return self.done + self.there + self.failed

    @property
    def left(self) -> int:
        return self.total - self.settled


class BulkLease(ProcessLease):
    """Who works on a change of many runs; it ends with the change."""

    change = models.OneToOneField(BulkChange, on_delete=models.CASCADE, related_name="lease")

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} for {self.change_id}"
