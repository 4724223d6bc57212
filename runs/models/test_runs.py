"""Test runs of drafts, and the results of saved tests."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from workflows.models import Workflow


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
