"""Decisions about approvals: each wait for one takes one."""

from __future__ import annotations

from django.db import models

from runs.models.run import Run


class ApprovalDecision(models.Model):
    """A decision that is being sent to a run, or was sent; `wait` is the event's type and the wait's start."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    wait = models.CharField(max_length=100, unique=True)
    at = models.DateTimeField(auto_now_add=True)
    is_sent = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"decision of {self.run_id} for {self.wait}"
