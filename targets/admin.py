"""Admin pages of targets: account, last check, protection, required tests and freeze."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.trail import Actor
from targets import services
from targets.checks import target_checks
from targets.forms import TargetForm
from targets.models import Target
from targets.permissions import CHECK
from targets.templatetags.targets import check_state
from web.forms.edit_conflicts import EditConflictAdmin
from web.templatetags.ui import ago

_RULE_FIELDSETS = [
    (
        "Protection",
        {
            "fields": ["protected", "deployers"],
            "description": "Only these groups may deploy to a protected target, and they confirm each "
            "deploy with the workflow's name. Superusers and the command line always may.",
        },
    ),
    (
        "Tests",
        {
            "fields": ["requires_tests"],
            "description": "Before a version is deployed, its tests run on the embedded platform. People "
            "who may override required tests can deploy anyway if they give a reason.",
        },
    ),
    (
        "Freeze",
        {
            "fields": ["frozen_from", "frozen_until", "frozen_reason"],
            "description": "While a target is frozen, nothing is deployed, rolled back or taken down, "
            "except by people who may override a freeze and give a reason. Live Workers keep running.",
        },
    ),
]
_ACCOUNT = (
    "Cloudflare account",
    {
        "fields": ["account_id", "new_token", "api_base_url"],
        "description": "Token and account are verified with Cloudflare before they are saved.",
    },
)


_EMBEDDED = (
    None,
    {
        "fields": ["name", "kind", "account_id", "is_default"],
        "description": "Workers run on this host. The settings of a Workflow apply as on Cloudflare: "
        "concurrent runs, steps, retention, schedules. A jurisdiction is stored and cannot be changed, and "
        "a location hint is accepted, but neither decides where runs execute and are stored.",
    },
)


class TargetAdmin(EditConflictAdmin, admin.ModelAdmin[Target]):
    """Targets; the embedded platform has no token and cannot be deleted."""

    form = TargetForm
    empty_list_text = "A target is a place to deploy workflows to, such as a Cloudflare account."
    list_display = ["name", "kind", "account_id", "is_default", "rules", "last_check"]
    filter_horizontal = ["deployers"]
    change_form_template = "admin/targets/target/change_form.html"
    delete_confirmation_template = "admin/targets/target/delete_confirmation.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Target]:
        return super().get_queryset(request).defer("api_token")

    def get_fieldsets(self, request: HttpRequest, obj: Target | None = None) -> Any:
        return self.with_conflict_check(self._fieldsets(request, obj), request, obj)

    def _fieldsets(self, request: HttpRequest, obj: Target | None) -> Any:
        if obj and obj.embedded:
            return [_EMBEDDED, *_RULE_FIELDSETS]
        account = _ACCOUNT if self._may_save(request, obj) else _without_token(_ACCOUNT)
        return [(None, {"fields": ["name", "is_default"]}), account, *_RULE_FIELDSETS]

    def _may_save(self, request: HttpRequest, obj: Target | None) -> bool:
        if obj is None:
            return self.has_add_permission(request)
        return self.has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Target | None = None) -> list[str]:
        """The account and URL of the embedded platform come from the settings."""
        return ["name", "kind", "account_id"] if obj and obj.embedded else []

    @admin.display(ordering="embedded")
    def kind(self, target: Target) -> str:
        return "embedded platform" if target.embedded else "Cloudflare account"

    @admin.display(description="rules", empty_value="none")
    def rules(self, target: Target) -> str | None:
        rules = {
            "protected": target.protected,
            "requires tests": target.requires_tests,
            "frozen": target.is_frozen,
        }
        return ", ".join(name for name, applies in rules.items() if applies) or None

    @admin.display(description="last check", ordering="checked_at", empty_value="never checked")
    def last_check(self, target: Target) -> SafeString | None:
        if target.checked_at is None:
            return None
        state = render_to_string(
            "web/_status.html", check_state(target_checks.verdict(target).value)
        )
        return format_html("{} {}", state, ago(target.checked_at))

    def has_delete_permission(self, request: HttpRequest, obj: Target | None = None) -> bool:
        return not (obj and obj.embedded) and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        """Remove bulk deletion: it would include the embedded platform."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Run without a transaction: a slow target would block all other writes."""
        names = ("object_id", "form_url", "extra_context")
        values = {"object_id": None, "form_url": "", "extra_context": None}
        values |= dict(zip(names, args, strict=False)) | kwargs
        response: HttpResponse = self._changeform_view(request, **values)  # type: ignore[attr-defined]
        return response

    def save_model(self, request: HttpRequest, obj: Target, form: Any, change: bool) -> None:  # noqa: FBT001
        """Do nothing: `save_related` saves the target together with its groups."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        target, by = form.instance, Actor.of(request.user)
        changed = form.changed_fields
        if changed or not change:
            services.save(target, by=by, changed=changed, save_groups=form.save_m2m)
        for warning in _warnings(target, form):
            messages.warning(request, warning)
        if not form.warning and services.ACCESS.intersection(changed):
            target_checks.check(target, by=by)

    def delete_model(self, request: HttpRequest, obj: Target) -> None:
        services.delete(obj, by=Actor.of(request.user))

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context = {**context, "may_check": request.user.has_perm(CHECK)}
        return super().render_change_form(request, context, *args, **kwargs)


def _without_token(account: Any) -> Any:
    """Return the fieldset for users who can only view the target."""
    title, options = account
    fields = [name for name in options["fields"] if name != "new_token"]
    return title, {"fields": fields}


def _warnings(target: Target, form: Any) -> list[str]:
    warnings = []
    if form.warning:
        warnings.append(
            f"The target {target} was saved, but its token and account are not verified. "
            f'{form.warning} Click "Check now" later.'
        )
    if target.protected and not target.deployers.exists():
        warnings.append(
            f"The target {target} is protected and has no groups: only superusers and the command "
            "line can deploy to it."
        )
    return warnings
