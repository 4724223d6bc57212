"""How far the poller has read each target, and which open pages it polls for."""

from __future__ import annotations

from django.db import models

from targets.models import Target


class Watcher(models.Model):
    """An open page that shows runs, which are polled more often while it is open.

    `channel` is `run-<id>`, `runs-<workflow>` or `runs`.
    """

    channel = models.CharField(max_length=64, primary_key=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"watcher of {self.channel}"


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
