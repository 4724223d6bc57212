"""The admin of retention: how long runs are kept."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from audit import trail
from audit.trail import Actor, Subject
from runs.models import Retention
from web.forms.edit_conflicts import EditConflictAdmin, EditConflictForm
from workflows.picker.field import HELP, WorkflowField


class RetentionForm(EditConflictForm[Retention]):
    """Chooses the workflow by typing."""

    workflow = WorkflowField(help_text=HELP)


@admin.register(Retention)
class RetentionAdmin(EditConflictAdmin, admin.ModelAdmin[Retention]):
    """The retention of each workflow; changes are recorded in the audit trail."""

    empty_list_text = (
        "Runs are kept for a year, unless AWAITSTEP_KEEP_RUNS_DAYS says otherwise. Add a retention to choose "
        "the number of days for the runs of a workflow."
    )
    form = RetentionForm
    list_display = ["workflow", "days", "keeps_details"]
    list_select_related = ["workflow"]

    def save_model(
        self,
        request: HttpRequest,
        obj: Retention,
        form: Any,
        change: bool,  # noqa: FBT001 - Django's
    ) -> None:
        super().save_model(request, obj, form, change)
        _record("retention set", request, obj, days=obj.days, keeps_details=obj.keeps_details)

    def delete_model(self, request: HttpRequest, obj: Retention) -> None:
        _record("retention removed", request, obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for retention in queryset:
            self.delete_model(request, retention)


def _record(action: str, request: HttpRequest, retention: Retention, **detail: Any) -> None:
    subject = Subject("workflow", retention.workflow_id, str(retention.workflow))
    trail.record(action, subject, by=Actor.of(request.user), **detail)
