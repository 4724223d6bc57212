"""The form of a target: the token is write-only, and the account can be looked up with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

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
    WrongUrl,
    as_account_id,
    as_token,
    verify,
)
from web.forms.edit_conflicts import EditConflictForm

_YEARS: Final = range(2000, 9000)  # others may not exist in UTC or in the time zone of the pages


class TargetForm(EditConflictForm[Target]):
    """Edits a target. The stored token is never rendered; an empty input keeps it.

    Token and account are verified before they are saved; `warning` says why they could not be. The
    input is not called `api_token`, because the admin would fill it from the model's field.
    """

    new_token = forms.CharField(
        label="API token",
        required=False,
        widget=forms.PasswordInput({"autocomplete": "new-password", "size": 60}),
        help_text="A user token or an account-owned token with the permissions Workers Scripts Write "
        "and, for routes, Workers Routes Write, Zone Read and DNS Read. It is stored encrypted and "
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
            "requires_tests",
            "frozen_from",
            "frozen_until",
            "frozen_reason",
        ]
        help_texts = {
            "name": "Letters, digits, - and _. Used in deploy_workflow --target.",
            "account_id": "32 hexadecimal digits, shown on the overview of your Cloudflare account. "
            "Leave it empty to use the token's account.",
            "api_base_url": "Change it only if you do not use Cloudflare itself.",
            "is_default": "Used when no target is named. It replaces the current default.",
            "frozen_from": "Nothing is deployed from then on; running deployments finish.",
            "frozen_until": "Leave it empty to freeze until someone lifts the freeze.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.embedded:
            self.fields.pop("new_token", None)
        if "account_id" in self.fields:
            self.fields["account_id"].required = False
        if "new_token" in self.fields and self.instance.pk:
            self.fields["new_token"].help_text = "A token is stored. Enter a new one to replace it."

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
            raise ValidationError("Enter the API token for the account.")
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
        """The names of the changed model fields."""
        return [CREDENTIAL if name == "new_token" else name for name in self.changed_data]

    def _check_freeze(self, cleaned: Mapping[str, Any]) -> None:
        start, end = cleaned.get("frozen_from"), cleaned.get("frozen_until")
        for name in ("frozen_from", "frozen_until"):
            moment = cleaned.get(name)
            if moment and moment.year not in _YEARS:
                self.add_error(name, f"Enter a year from {_YEARS[0]} to {_YEARS[-1]}.")
        if end and not start and "frozen_from" not in self.errors:
            self.add_error("frozen_from", "Enter when the freeze starts.")
        elif start and end and end <= start:
            self.add_error("frozen_until", "The freeze must end after it starts.")

    def _verify(self, cleaned: dict[str, Any]) -> None:
        token = cleaned["new_token"] or self._stored_token()
        if not token:
            return
        try:
            verification = verify(
                api_base_url=cleaned["api_base_url"],
                api_token=token,
                account_id=cleaned["account_id"],
            )
        except WrongUrl as refused:
            self.add_error("api_base_url", str(refused))
        except WrongToken as refused:
            self.add_error("new_token", str(refused))
        except WrongAccount as refused:
            self.add_error("account_id", str(refused))
            self._offer_accounts(refused.owners)
        else:
            cleaned["account_id"] = verification.account_id
            self.warning = verification.warning

    def _stored_token(self) -> str:
        """Return the stored token, but never send it to a URL that it was not entered for."""
        if "api_base_url" in self.changed_data:
            self.add_error("new_token", "Enter the token again: the stored one is for another URL.")
            return ""
        try:
            return self.instance.api_token
        except UnreadableSecret as error:
            self.add_error("new_token", str(error))
            return ""

    def _offer_accounts(self, owners: tuple[Owner, ...]) -> None:
        """Replace the input with radio buttons for the token's accounts."""
        if owners:
            choices = [(owner.id, str(owner)) for owner in owners]
            self.fields["account_id"].widget = AdminRadioSelect({"class": "radiolist"}, choices)

    def full_clean(self) -> None:
        """Ask for the token again on every page with errors, including those of the model."""
        super().full_clean()
        if self.errors and self.data.get("new_token") and "new_token" in self.fields:
            self.add_error("new_token", "Nothing was saved: enter the token again.")
            self.data = _without(self.data, "new_token")

    def _get_validation_exclusions(self) -> set[str]:
        """Allow a second default: `services.save` replaces the old one."""
        return {*super()._get_validation_exclusions(), "is_default"}  # type: ignore[misc]

    def save(self, commit: bool = True) -> Target:  # noqa: FBT001, FBT002 - Django's
        if token := self.cleaned_data.get("new_token"):
            self.instance.api_token = token
        return super().save(commit)


def _without(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the posted data without one value, to render the form again."""
    copy = cast("QueryDict", data).copy()
    copy.pop(name, None)
    return copy
