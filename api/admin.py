"""The admin pages of API keys. A new key is shown once, on the page that responds to the form."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from api.keys import services
from api.keys.services import CreatedKey
from api.models import ApiKey
from api.scopes import Scope
from audit.listed_filters import ListedFilters
from targets.models import Target
from workflows.models import Workflow

_MAX_IDS = 100


class KeyForm(forms.ModelForm[ApiKey]):
    """A new key. Its owner is the user who creates it."""

    scopes = forms.MultipleChoiceField(
        choices=[(scope.value, f"{scope.value}: {scope.description}") for scope in Scope],
        widget=forms.CheckboxSelectMultiple,
        initial=[Scope.READ.value],
    )
    workflow_ids = forms.CharField(
        label="Only these workflows",
        required=False,
        widget=AdminTextInputWidget,
        help_text="Ids of workflows, separated by commas. If empty, the key is for all of them.",
    )
    only_targets = forms.ModelMultipleChoiceField(
        queryset=Target.objects.defer("api_token"),
        label="Only these targets",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="If none is chosen, the key is for all of them.",
    )

    class Meta:
        model = ApiKey
        fields = ["name", "scopes", "expires_at"]

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if problem := services.name_problem(name):
            raise ValidationError(problem)
        return name

    def clean_expires_at(self) -> datetime | None:
        expires_at: datetime | None = self.cleaned_data["expires_at"]
        if problem := services.expiry_problem(expires_at):
            raise ValidationError(problem)
        return expires_at

    def clean_workflow_ids(self) -> list[str] | None:
        ids = self.cleaned_data["workflow_ids"].replace(",", " ").split()
        known = Workflow.objects.filter(pk__in=ids[:_MAX_IDS]).values_list("pk", flat=True)
        if unknown := sorted(set(ids) - set(known)):
            raise ValidationError(f"There is no workflow {unknown[0]!r}.")
        return ids or None

    def create(self, *, by: User) -> CreatedKey:
        """Create the key; raises ValidationError."""
        values = self.cleaned_data
        return services.create_key(
            name=values["name"],
            scopes=values["scopes"],
            expires_at=values["expires_at"],
            workflows=values["workflow_ids"],
            targets=[target.pk for target in values["only_targets"]] or None,
            by=by,
        )


@admin.register(ApiKey)
class ApiKeyAdmin(ListedFilters, admin.ModelAdmin[ApiKey]):
    """Users see and revoke their own keys, administrators those of everyone. Keys never change."""

    form = KeyForm
    empty_list_text = "Keys with which programs call the API are listed here."
    list_display = [
        "name",
        "prefix",
        "owner",
        "listed_scopes",
        "state",
        "expires_at",
        "last_used_at",
    ]
    list_select_related = ["owner"]
    search_fields = ["name", "prefix", "owner__username"]
    actions = ["revoke"]
    fields = ["name", "scopes", "expires_at", "workflow_ids", "only_targets"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        return services.keys_for(cast("User", request.user))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.fields
        shown = ["prefix", "owner", "listed_scopes", "workflows", "targets", "state"]
        return ["name", *shown, "expires_at", "created_at", "last_used_at", "revoked_by"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def history_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse those who may not view keys, before the key is looked up among their own."""
        if not self.has_view_permission(request):
            raise PermissionDenied("api.view_apikey")
        return super().history_view(request, *args, **kwargs)

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say what only the service knows, such as that the user has too many keys."""
        try:
            return super().add_view(request, *args, **kwargs)
        except ValidationError as refused:
            messages.error(request, " ".join(refused.messages))
            return redirect("admin:api_apikey_changelist")

    @admin.display(description="scopes")
    def listed_scopes(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @admin.display(description="state")
    def state(self, key: ApiKey) -> str:
        return key.state

    @admin.action(description="Revoke selected keys", permissions=["view"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiKey]) -> None:
        """End the use of the keys immediately."""
        keys = list(chosen.filter(revoked_at=None))
        for key in keys:
            services.revoke_key(key, by=cast("User", request.user))
        messages.success(request, f"{len(keys)} API key{'s' if len(keys) != 1 else ''} revoked.")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        """Create the key by the service, which also records it in the audit trail."""
        created = form.create(by=cast("User", request.user))
        obj.pk, obj.owner = created.key.pk, created.key.owner
        obj.token = created.token

    def log_addition(self, *_args: Any) -> Any:
        """Add nothing to Django's own log: the audit trail has the entry."""

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the key. A message would store it in the session."""
        context = {
            **self.admin_site.each_context(request),
            "title": "New API key",
            "opts": self.opts,
            "key": obj,
            "token": obj.token,
        }
        return TemplateResponse(request, "api/created_key.html", context)
