"""The forms of rules and channels. A stored URL or secret is never rendered; an empty input keeps it."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Any, Final, cast

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import QueryDict

from alerts.delivery.guarded_http import url_problem
from alerts.models import AlertChannel, AlertRule, ChannelKind
from web.forms.edit_conflicts import EditConflictForm
from web.forms.text_area import TextArea
from workflows.picker.field import HELP, WorkflowField

_PREFIX: Final = "whsec_"
_KEY_BYTES: Final = range(24, 65)  # as Standard Webhooks requires
_MOST_RECIPIENTS: Final = 20
_SECRETS: Final = {"new_url": "url", "new_secret": "secret"}


class RuleForm(EditConflictForm[AlertRule]):
    """A rule; the workflow is chosen by typing."""

    workflow = WorkflowField(required=False, help_text=f"{HELP} Leave it empty for all workflows.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "target" in self.fields:  # the view permission alone gives no fields
            cast("forms.ModelChoiceField[Any]", self.fields["target"]).empty_label = "All targets"


def new_secret() -> str:
    """Return a random secret for the signatures of a webhook."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


class ChannelForm(EditConflictForm[AlertChannel]):
    """A channel. The inputs of secrets are not named after the fields, which the admin would fill in."""

    new_url = forms.CharField(
        label="URL",
        required=False,
        max_length=2000,
        widget=forms.PasswordInput({"autocomplete": "off", "size": 60}),
        help_text="Slack: the URL of an incoming webhook. Webhook: the URL of your receiver. It is stored "
        "encrypted and never shown again.",
    )
    new_secret = forms.CharField(
        label="Signing secret",
        required=False,
        max_length=200,
        widget=forms.TextInput({"autocomplete": "off", "size": 60, "spellcheck": "false"}),
        help_text="Webhook: verifies the signatures at the receiver. Copy it now: it is stored encrypted "
        "and never shown again.",
    )

    class Meta:
        model = AlertChannel
        fields = ["name", "kind", "recipients"]
        widgets = {"recipients": TextArea({"rows": 3, "cols": 60})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "recipients" in self.fields:
            self.fields["recipients"].help_text = "E-mail: addresses, one per line."
        if "new_secret" not in self.fields:
            return
        if self.instance._state.adding:
            self.fields["new_secret"].initial = new_secret
            return
        for name, field in _SECRETS.items():
            if self.instance.__dict__.get(field):
                self.fields[name].help_text = "One is stored. Enter a new one to replace it."

    def clean_recipients(self) -> str:
        addresses = str(self.cleaned_data["recipients"]).replace(",", " ").split()
        if len(addresses) > _MOST_RECIPIENTS:
            raise ValidationError(f"Enter at most {_MOST_RECIPIENTS} addresses.")
        for address in addresses:
            validate_email(address)
        return "\n".join(addresses)

    def clean_new_url(self) -> str:
        url = str(self.cleaned_data["new_url"]).strip()
        private = settings.AWAITSTEP.alert_private_addresses
        if url and (problem := url_problem(url, allows_private=private)):
            raise ValidationError(problem)
        return url

    def clean_new_secret(self) -> str:
        secret = str(self.cleaned_data["new_secret"]).strip()
        if secret and not _is_secret(secret):
            raise ValidationError("Enter whsec_ and 24 to 64 bytes in Base64.")
        return secret

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind = cleaned.get("kind") or self.instance.kind
        if kind == ChannelKind.EMAIL and not cleaned.get("recipients") and not self.errors:
            self.add_error("recipients", "Enter at least one address.")
        if kind in (ChannelKind.SLACK, ChannelKind.WEBHOOK) and not self._has("new_url"):
            self.add_error("new_url", "Enter the URL.")
        if kind == ChannelKind.WEBHOOK and not self._has("new_secret"):
            self.add_error("new_secret", "Enter a secret.")
        return cleaned

    def _has(self, name: str) -> bool:
        """Return whether a secret was entered or is stored, or whether its input has an error already."""
        stored = self.instance.__dict__.get(_SECRETS[name])
        return bool(self.cleaned_data.get(name) or stored or name in self.errors)

    @property
    def changed_fields(self) -> list[str]:
        """The names of the changed model fields."""
        return [_SECRETS.get(name, name) for name in self.changed_data]

    def full_clean(self) -> None:
        """Ask for the URL again on a page with errors: it is not rendered."""
        super().full_clean()
        if self.errors and self.data.get("new_url") and "new_url" in self.fields:
            self.add_error("new_url", "Nothing was saved: enter the URL again.")
            copy = cast("QueryDict", self.data).copy()
            copy.pop("new_url", None)
            self.data = copy

    def save(self, commit: bool = True) -> AlertChannel:  # noqa: FBT001, FBT002 - Django's
        is_webhook = self.instance.kind == ChannelKind.WEBHOOK
        uses_url = self.instance.kind != ChannelKind.EMAIL
        if (url := self.cleaned_data.get("new_url")) and uses_url:
            self.instance.url = url
        if (secret := self.cleaned_data.get("new_secret")) and is_webhook:
            self.instance.secret = secret
        return super().save(commit)


def _is_secret(text: str) -> bool:
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text.startswith(_PREFIX) and len(key) in _KEY_BYTES
