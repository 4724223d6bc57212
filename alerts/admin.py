"""The admin pages of rules and channels; changes are recorded in the audit trail."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from alerts import services
from alerts.forms import ChannelForm, RuleForm
from alerts.models import AlertChannel, AlertRule, ChannelKind
from audit.trail import Actor
from web.forms.edit_conflicts import EditConflictAdmin
from workflows.picker.admin_filter import WorkflowFilter

_WATCHES: Final = frozenset({"enabled", "condition", "workflow", "target"})
"""If one of these fields changes, only later events count."""


@admin.register(AlertRule)
class AlertRuleAdmin(EditConflictAdmin, admin.ModelAdmin[AlertRule]):
    """Rules: what to watch for, where, whom to tell, and when not to."""

    form = RuleForm
    empty_list_text = (
        "A rule says what to watch for, such as failed runs, and where to send a message. Add a channel "
        "first: e-mail, Slack or a webhook."
    )
    list_display = ["name", "condition", "scope", "sent_to", "enabled"]
    list_filter = ["enabled", "condition", WorkflowFilter]
    list_select_related = ["workflow", "target"]
    search_fields = ["name"]
    filter_horizontal = ["channels"]
    fieldsets = [
        (None, {"fields": ["name", "enabled", "condition"]}),
        (
            "Where",
            {
                "fields": ["workflow", "target"],
                "description": "Without a workflow or a target, the rule applies to all of them. Each "
                "workflow has a separate alert on each target.",
            },
        ),
        (
            "Parameters",
            {
                "fields": ["threshold_percent", "minimum_runs", "window_minutes", "age_minutes"],
                "description": "Each condition uses some of these. <em>Error rate too high</em>: "
                "threshold, minimum runs, window. <em>Run failed</em>: window. <em>No successful "
                "run</em> and <em>Run waits for too long</em>: age.",
            },
        ),
        ("Messages", {"fields": ["channels", "reminder_hours"]}),
        (
            "Quiet hours",
            {
                "fields": ["quiet_from", "quiet_until", "time_zone"],
                "description": "Messages are held back and sent together when the quiet hours end. "
                "Quiet hours can span midnight, such as 22:00 to 07:00.",
            },
        ),
    ]

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Leave out the buttons that add and change the related objects."""
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        for name in ("can_add_related", "can_change_related", "can_view_related"):
            if hasattr(getattr(field, "widget", None), name):
                setattr(field.widget, name, False)
        return field

    def get_queryset(self, request: HttpRequest) -> QuerySet[AlertRule]:
        large = (f"workflow__{field}" for field in ("ir", "files", "entry_code", "dependencies"))
        rules = super().get_queryset(request).defer(*large, "target__api_token")
        return rules.prefetch_related("channels")

    @admin.display(description="where")
    def scope(self, rule: AlertRule) -> str:
        workflow = rule.workflow.name if rule.workflow else "all workflows"
        return f"{workflow} on {rule.target.name}" if rule.target else workflow

    @admin.display(description="sent to", empty_value="only this installation's page")
    def sent_to(self, rule: AlertRule) -> str | None:
        return ", ".join(channel.name for channel in rule.channels.all()) or None

    def save_model(self, request: HttpRequest, obj: AlertRule, form: Any, change: bool) -> None:  # noqa: FBT001
        if _WATCHES.intersection(form.changed_data):
            obj.active_since = timezone.now()
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        super().save_related(request, form, formsets, change)
        rule, by = form.instance, Actor.of(request.user)
        if form.changed_data or not change:
            action = "alert rule changed" if change else "alert rule added"
            services.record_rule(action, rule, by=by, fields=form.changed_data)
        if rule.enabled and not rule.channels.exists():
            messages.warning(
                request, f"The rule {rule} has no channel: its alerts are only shown on this site."
            )

    def delete_model(self, request: HttpRequest, obj: AlertRule) -> None:
        services.record_rule("alert rule deleted", obj, by=Actor.of(request.user))
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[AlertRule]) -> None:
        for rule in queryset:
            self.delete_model(request, rule)


@admin.register(AlertChannel)
class AlertChannelAdmin(EditConflictAdmin, admin.ModelAdmin[AlertChannel]):
    """Channels. The kind is chosen once: the URL of one kind is of no use to another."""

    form = ChannelForm
    empty_list_text = (
        "A channel is where messages about alerts are sent: e-mail, Slack or a webhook."
    )
    list_display = ["name", "kind", "where"]
    search_fields = ["name"]
    change_form_template = "admin/alerts/alertchannel/change_form.html"

    @admin.display(description="sends to", empty_value="the stored URL")
    def where(self, channel: AlertChannel) -> str | None:
        return ", ".join(channel.addresses) or None

    def get_fields(self, request: HttpRequest, obj: AlertChannel | None = None) -> Any:
        if obj is None:
            return ["name", "kind", "recipients", "new_url", "new_secret"]
        if not self.has_change_permission(request, obj):
            return ["name", "kind", "recipients"]
        of_kind = {
            ChannelKind.EMAIL: ["recipients"],
            ChannelKind.SLACK: ["new_url"],
            ChannelKind.WEBHOOK: ["new_url", "new_secret"],
        }
        return ["name", "kind", *of_kind[ChannelKind(obj.kind)]]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["kind"] if obj else []

    def save_model(self, request: HttpRequest, obj: AlertChannel, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        if form.changed_data or not change:
            action = "alert channel changed" if change else "alert channel added"
            by = Actor.of(request.user)
            services.record_channel(action, obj, by=by, fields=form.changed_fields)

    def delete_model(self, request: HttpRequest, obj: AlertChannel) -> None:
        services.record_channel("alert channel deleted", obj, by=Actor.of(request.user))
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[AlertChannel]) -> None:
        for channel in queryset:
            self.delete_model(request, channel)
