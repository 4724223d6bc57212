"""The Workflows of projects: which name on a target belongs to which workflow."""

from __future__ import annotations

from django.db import models

from targets.models import Target


class ProjectWorkflow(models.Model):
    """A Workflow that a project runs on a target, under the name in its configuration.

    The Workflow of a graph has the name of its Worker, which contains the id; so it has no row.
    """

    target = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=64)
    workflow_public_id = models.CharField(max_length=20, db_index=True)
    class_name = models.CharField(max_length=128)

    class Meta:
        ordering = ["pk"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["target", "name"], name="one_project_for_each_workflow")
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.workflow_public_id}"
