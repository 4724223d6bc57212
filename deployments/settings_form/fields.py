"""The fields of the deploy settings, each with what it is for and what it is when nobody says."""

from __future__ import annotations

from typing import Final

from django import forms

from workflows.ir.deploy.deploy_settings import COMPATIBILITY_DATE, COMPATIBILITY_FLAGS, Consumer

_USUAL: Final = Consumer(queue="")


def _area(rows: int, placeholder: str) -> forms.Textarea:
    looks = {"rows": rows, "spellcheck": "false", "placeholder": placeholder}
    return forms.Textarea(looks)


def _line(placeholder: str = "") -> forms.TextInput:
    return forms.TextInput({"spellcheck": "false", "placeholder": placeholder})


def _number(default: object) -> forms.TextInput:
    """A text: a browser empties a number that it cannot read, and then nobody can be told of it."""
    return forms.TextInput({"inputmode": "numeric", "size": 6, "placeholder": str(default)})


class SettingsForm(forms.Form):
    """All settings but the rows of routes and of queue consumers."""

    workers_dev = forms.BooleanField(
        label="workers.dev address",
        required=False,
        help_text="Default: on. The Worker answers at its address under workers.dev.",
    )
    preview_urls = forms.BooleanField(
        label="Preview URLs",
        required=False,
        help_text="Default: on. Each version can be asked at an address of its own.",
    )
    custom_domains = forms.CharField(
        label="Custom domains",
        required=False,
        widget=_area(3, "orders.example.com"),
        help_text="One a line. The whole host leads to the Worker; Cloudflare makes its DNS record "
        "and certificate. The domain's zone has to be in the target's account.",
    )
    crons = forms.CharField(
        label="Schedules",
        required=False,
        widget=_area(3, "0 8 * * MON-FRI"),
        help_text="Cron expressions in UTC, one a line, beside the schedule of the document's "
        "trigger. Each starts a run at its times. Sunday is 1 or SUN.",
    )
    compatibility_date = forms.CharField(
        label="Compatibility date",
        required=False,
        widget=_line(COMPATIBILITY_DATE),
        help_text=f"Default: {COMPATIBILITY_DATE}. The Workers runtime behaves as on this day.",
    )
    compatibility_flags = forms.CharField(
        label="Compatibility flags",
        required=False,
        widget=_area(2, "none"),
        help_text=f"One a line. Default: {', '.join(COMPATIBILITY_FLAGS)}, which the generated code "
        "needs for node: imports.",
    )
    placement = forms.ChoiceField(
        label="Placement",
        required=False,
        choices=[("off", "off: near who asks"), ("smart", "smart: near what it calls")],
        help_text="Default: off.",
    )
    cpu_ms = forms.IntegerField(
        label="CPU limit in milliseconds",
        required=False,
        widget=_number("none"),
        help_text="10 to 300000 for each run of a step or request. Default: the account's own.",
    )
    observability = forms.BooleanField(
        label="Workers Logs",
        required=False,
        help_text="Default: on. Cloudflare keeps what the Worker logs.",
    )
    sampling_rate = forms.FloatField(
        label="Sampling rate",
        required=False,
        widget=_number("all"),
        help_text="The part of requests that is logged, from 0 to 1. Default: all of them.",
    )
    logpush = forms.BooleanField(
        label="Logpush",
        required=False,
        help_text="Default: off. Logs go to the account's Logpush jobs (a paid plan).",
    )
    opened_at = forms.CharField(required=False, widget=forms.HiddenInput)


class RouteForm(forms.Form):
    pattern = forms.CharField(
        label="Pattern", required=False, widget=_line("api.example.com/orders/*")
    )
    zone = forms.CharField(label="Zone", required=False, widget=_line("example.com"))


class ConsumerForm(forms.Form):
    queue = forms.CharField(label="Queue", required=False, widget=_line("orders"))
    max_batch_size = forms.IntegerField(
        label="Batch size", required=False, widget=_number(_USUAL.max_batch_size)
    )
    max_batch_timeout = forms.IntegerField(
        label="Wait (s)", required=False, widget=_number(_USUAL.max_batch_timeout)
    )
    max_retries = forms.IntegerField(
        label="Retries", required=False, widget=_number(_USUAL.max_retries)
    )
    dead_letter_queue = forms.CharField(
        label="Dead letter queue", required=False, widget=_line("none")
    )
    max_concurrency = forms.IntegerField(
        label="At once", required=False, widget=_number("automatic")
    )
