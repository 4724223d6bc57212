"""The index of runs. The system of record is the target, where a run is a Workflow instance."""

from __future__ import annotations

from typing import Any

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
    """A whole run in the shape of Cloudflare's API, redacted.

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


class Watcher(models.Model):
    """An open page that shows runs, which are polled more often while it is open.

    `channel` is `run-<id>`, `runs-<workflow>` or `runs`.
    """

    channel = models.CharField(max_length=64, primary_key=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"watcher of {self.channel}"


class Retention(models.Model):
    """How long a workflow's runs are kept; without a row, as long as the target keeps them."""

    workflow = models.OneToOneField(
        Workflow, primary_key=True, on_delete=models.CASCADE, related_name="retention"
    )
    days = models.PositiveIntegerField(default=30)
    keeps_details = models.BooleanField(
        default=True,
        help_text="Also keep steps and outputs, redacted, after the target has deleted them.",
    )

    def __str__(self) -> str:
        return f"{self.days} days of {self.workflow_id}"


class PollStatus(models.Model):
    """When and with what result the poller last read a target.

    `calls_in_window` counts the calls to the target's account in the last five minutes.
    """

    target = models.OneToOneField(
        Target, primary_key=True, on_delete=models.CASCADE, related_name="poll_status"
    )
    polled_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    calls_in_window = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"poll status of {self.target_id}"


class Watermark(models.Model):
    """The time up to which the index has all runs of a Workflow on a target.

    A listing that was interrupted continues at `cursor`; `newest_at` is the newest run it has listed.
    """

    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="+")
    workflow_name = models.CharField(max_length=64)
    complete_until = models.DateTimeField(null=True)
    newest_at = models.DateTimeField(null=True)
    cursor = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["target", "workflow_name"], name="unique_watermark")
        ]

    def __str__(self) -> str:
        return f"{self.workflow_name} up to {self.complete_until}"


class CallCount(models.Model):
    """API calls about runs to an account, by use, for each half minute since the epoch."""

    account_id = models.CharField(max_length=64, primary_key=True)
    buckets = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"calls to {self.account_id}"


class PollerLease(models.Model):
    """Which process polls; another takes over when the lease has not been renewed."""

    name = models.CharField(max_length=20, primary_key=True, default="poller")
    holder = models.UUIDField()
    beat_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"poller {self.holder}"


class BulkChange(models.Model):
    """One action on many runs, with its progress; `query` is the filter of the list.

    `run_ids` are the runs to change. `starts` are the runs of `deployment` that a batch starts: their
    ids and payloads, deleted when it ends. `existing` counts those that already existed, `failed`
    those that were refused.
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
    existing = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    errors = models.JSONField(default=list)
    run_ids = models.JSONField(default=list)
    starts = models.JSONField(default=list)
    deployment = models.ForeignKey(
        Deployment, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    waits_until = models.DateTimeField(null=True, help_text="When the target accepts calls again.")
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.action} of {self.total} run{pluralize(self.total)}"

    def get_absolute_url(self) -> str:
        return reverse("runs:bulk_progress", args=[self.pk])

    @property
    def processed(self) -> int:
        """How many runs have a result."""
        return self.done + self.existing + self.failed

    @property
    def remaining(self) -> int:
        return self.total - self.processed


class BulkLease(ProcessLease):
    """Which process works on a bulk change; deleted when the change ends."""

    change = models.OneToOneField(BulkChange, on_delete=models.CASCADE, related_name="lease")

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} for {self.change_id}"


class TestSetup(models.Model):
    """How a user test-runs a draft: the payload as text, the pins by node, and the clock's speed.

    A `speed` of None skips everything that takes time.
    """

    __test__ = False

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    payload = models.TextField(default="{}")
    pins = models.JSONField(default=dict)
    speed = models.FloatField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["workflow", "user"], name="unique_test_setup")
        ]

    def __str__(self) -> str:
        return f"test setup of {self.user} for {self.workflow_id}"


class TestRun(models.Model):
    """A run of a draft in a Worker of its own, which only its owner sees; deleted when it expires.

    `ir` and `node_types` are the draft at that time. `user` is None on the command line. `until` is
    the node after which the run stops, or "". `saved_test` is the name of the test that it is a run of,
    or "". `ended_at` is when its end was noticed.
    """

    __test__ = False

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="test_runs")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+"
    )
    worker_name = models.CharField(max_length=63, unique=True)
    revision = models.PositiveIntegerField()
    ir = models.JSONField()
    node_types = models.JSONField(default=list)
    until = models.CharField(max_length=256, blank=True)
    pins = models.JSONField(default=dict)
    speed = models.FloatField(null=True)
    saved_test = models.CharField(max_length=100, blank=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"test run {self.worker_name}"


class TestResult(models.Model):
    """The result of a saved test, for the content that has the `key`; see `saved_tests.execution`.

    `differences` are those of the run, and `states` those of its nodes in the picture of `ir`. `actual`
    is what the test would have to expect to pass; {} if the run did not end.
    """

    __test__ = False

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="test_results")
    name = models.CharField(max_length=100)
    key = models.CharField(max_length=64)
    passed = models.BooleanField()
    differences = models.JSONField(default=list)
    states = models.JSONField(default=dict)
    ir = models.JSONField()
    node_types = models.JSONField(default=list)
    actual = models.JSONField(default=dict)
    seconds = models.FloatField()
    by_name = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]
        default_permissions = ()
        indexes = [models.Index(fields=["workflow", "name", "key"], name="test_result_by_key")]

    def __str__(self) -> str:
        return f"{self.name} {'passed' if self.passed else 'failed'}"

    def as_json(self) -> dict[str, Any]:
        """Return the result as the API and `test_workflow --json` show it."""
        return {
            "test": self.name,
            "passed": self.passed,
            "seconds": round(self.seconds, 3),
            "differences": self.differences,
        }
