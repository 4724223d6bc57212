"""The forms about targets: a token is write-only, an account may be found by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.contrib.admin.widgets import AdminRadioSelect
from django.core.exceptions import ValidationError
from django.http import QueryDict

from audit.encrypted_fields import UnreadableSecret
from targets.cloudflare.tokens import Owner
from targets.models import Target
from targets.services import (
    ACCESS,
    CREDENTIAL,
    WrongAccount,
    WrongToken,
    as_account_id,
    as_token,
    verify,
)


class TargetForm(forms.ModelForm[Target]):
    """A stored token is never part of a page; an empty input keeps it.

    Token and account are asked for before they are saved: `warning` says where they could not be.
    The input is not called `api_token`: the admin would make it the model's field, and fill it in.
    """

    new_token = forms.CharField(
        label="API token",
        required=False,
        widget=forms.PasswordInput({"autocomplete": "new-password", "size": 60}),
        help_text="A user token or an account-owned token with the permissions Workers Scripts Write "
        "and, for routes, Workers Routes Write, Zone Read and DNS Read. It is kept encrypted and "
        "never shown again.",
    )
    warning = ""

    class Meta:
        model = Target
        fields = [
            "name",
            "account_id",
            "api_base_url",
            "is_default",
            "protected",
            "deployers",
            "frozen_from",
            "frozen_until",
            "frozen_reason",
        ]
        help_texts = {
            "name": "Short, in letters, digits, - and _: what deploy_workflow --target takes.",
            "account_id": "32 hexadecimal digits, shown on the overview of your Cloudflare account. "
            "Empty: the account that the token is for.",
            "api_base_url": "Leave it as it is for Cloudflare.",
            "is_default": "Where a deployment goes when no target is named. It replaces the old default.",
            "frozen_from": "From then on nothing is deployed to it; deployments that run go on.",
            "frozen_until": "Empty: until somebody lifts the freeze.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.embedded:
            self.fields.pop("new_token", None)
        if "account_id" in self.fields:
            self.fields["account_id"].required = False
        if "new_token" in self.fields and self.instance.pk:
            self.fields["new_token"].help_text = "A token is stored. Type a new one to replace it."

    def clean_account_id(self) -> str:
        account_id = str(self.cleaned_data["account_id"])
        if not account_id.strip():
            return ""
        try:
            return as_account_id(account_id)
        except WrongAccount as refused:
            raise ValidationError(str(refused)) from None

    def clean_new_token(self) -> str:
        token = str(self.cleaned_data["new_token"]).strip()
        if not token and self.instance._state.adding:
            raise ValidationError("Type the API token of the account.")
        try:
            return as_token(token) if token else ""
        except WrongToken as refused:
            raise ValidationError(str(refused)) from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self._check_freeze(cleaned)
        if not self.errors and ACCESS.intersection(self.changed_fields):
            self._verify(cleaned)
        return cleaned

    @property
    def changed_fields(self) -> list[str]:
        """The names of the model's fields that were changed."""
        return [CREDENTIAL if name == "new_token" else name for name in self.changed_data]

    def _check_freeze(self, cleaned: Mapping[str, Any]) -> None:
        begins, ends = cleaned.get("frozen_from"), cleaned.get("frozen_until")
        if ends and not begins and "frozen_from" not in self.errors:
            self.add_error("frozen_from", "Say when the freeze begins.")
        elif begins and ends and ends <= begins:
            self.add_error("frozen_until", "The freeze has to end after it begins.")

    def _verify(self, cleaned: dict[str, Any]) -> None:
        token = cleaned["new_token"] or self._stored_token()
        if not token:
            return
        try:
            found = verify(
                api_base_url=cleaned["api_base_url"],
                api_token=token,
                account_id=cleaned["account_id"],
            )
        except WrongToken as refused:
            self.add_error("new_token", str(refused))
        except WrongAccount as refused:
            self.add_error("account_id", str(refused))
            self._offer(refused.owners)
        else:
            cleaned["account_id"] = found.account_id
            self.warning = found.warning

    def _stored_token(self) -> str:
        """A stored token goes to no other address than the one that it was typed for."""
        if "api_base_url" in self.changed_data:
            self.add_error(
                "new_token", "Type the token again: the stored one is for another address."
            )
            return ""
        try:
            return self.instance.api_token
        except UnreadableSecret as error:
            self.add_error("new_token", str(error))
            return ""

    def _offer(self, owners: tuple[Owner, ...]) -> None:
        """Show the token's accounts as buttons, in place of the input."""
        if owners:
            choices = [(owner.id, str(owner)) for owner in owners]
            self.fields["account_id"].widget = AdminRadioSelect({"class": "radiolist"}, choices)

    def full_clean(self) -> None:
        """After the model's own checks, too, a page with an error asks for the token again."""
        super().full_clean()
        if self.errors and self.data.get("new_token") and "new_token" in self.fields:
            self.add_error("new_token", "Nothing was saved: type the token again.")
            self.data = _without(self.data, "new_token")

    def _get_validation_exclusions(self) -> set[str]:
        """The old default gives way when this one is saved: see services.save."""
        return {*super()._get_validation_exclusions(), "is_default"}  # type: ignore[misc]

    def save(self, commit: bool = True) -> Target:  # noqa: FBT001, FBT002 - Django's
        if token := self.cleaned_data.get("new_token"):
            self.instance.api_token = token
        return super().save(commit)


def _without(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return what was posted without one value, for the form to show."""
    changed = cast("QueryDict", data).copy()
    changed.pop(name, None)
    return changed
