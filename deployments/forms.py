"""The admin's form for targets: the token is write-only."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from deployments.models import Target

_ACCOUNT_ID = re.compile(r"[0-9a-f]{32}")


class TargetForm(forms.ModelForm[Target]):
    """A stored token is never part of a page; an empty input keeps it.

    The input is not called `api_token`: the admin would make it the model's field, and fill it in.
    """

    new_token = forms.CharField(
        label="API token",
        required=False,
        widget=forms.PasswordInput({"autocomplete": "new-password", "size": 60}),
    )

    class Meta:
        model = Target
        fields = ["name", "account_id", "api_base_url", "is_default"]
        help_texts = {
            "name": "Short, in letters, digits, - and _: what deploy_workflow --target takes.",
            "account_id": "32 hexadecimal digits, shown on the overview of your Cloudflare account.",
            "api_base_url": "Leave it as it is for Cloudflare.",
            "is_default": "Where a deployment goes when no target is named. It replaces the old default.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "new_token" in self.fields and self.instance.pk:
            self.fields["new_token"].help_text = "A token is stored. Type a new one to replace it."

    def clean_account_id(self) -> str:
        account_id = str(self.cleaned_data["account_id"]).strip().lower()
        if not _ACCOUNT_ID.fullmatch(account_id):
            raise ValidationError("An account id is 32 hexadecimal digits (0-9, a-f).")
        return account_id

    def clean_new_token(self) -> str:
        token = str(self.cleaned_data["new_token"]).strip()
        if not token and self.instance._state.adding:
            raise ValidationError("Type the API token of the account.")
        return token

    def _get_validation_exclusions(self) -> set[str]:
        """The old default gives way when this one is saved: see TargetAdmin.save_model."""
        return {*super()._get_validation_exclusions(), "is_default"}  # type: ignore[misc]

    def save(self, commit: bool = True) -> Target:  # noqa: FBT001, FBT002 - Django's
        if token := self.cleaned_data.get("new_token"):
            self.instance.api_token = token
        return super().save(commit)
