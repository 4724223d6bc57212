"""The form fields of the deploy settings, with their purpose and their defaults."""

from __future__ import annotations

from typing import Final

from django import forms

from workflows.ir.deploy.deploy_settings import COMPATIBILITY_DATE, COMPATIBILITY_FLAGS, Consumer
from workflows.ir.deploy.workflow_settings import JURISDICTIONS, MAX_CONCURRENCY, MAX_STEPS

_DEFAULTS: Final = Consumer(queue="")
SETTINGS: Final = {
    "workers_dev": "workersDev",
    "preview_urls": "previewUrls",
    "routes": "routes",
    "custom_domains": "customDomains",
    "crons": "cronTriggers",
    "consumers": "queueConsumers",
    "workflow_schedules": "workflow.schedules",
    "concurrency_limit": "workflow.concurrencyLimit",
    "step_limit": "workflow.stepLimit",
    "success_retention": "workflow.successRetention",
    "error_retention": "workflow.errorRetention",
    "jurisdiction": "workflow.jurisdiction",
    "compatibility_date": "compatibilityDate",
    "compatibility_flags": "compatibilityFlags",
    "placement": "placement.mode",
    "cpu_ms": "limits.cpuMs",
    "observability": "observability.enabled",
    "sampling_rate": "observability.headSamplingRate",
    "logpush": "logpush",
}
"""The setting that each field, or each table of rows, stands for."""


def _area(rows: int, placeholder: str) -> forms.Textarea:
    return forms.Textarea({"rows": rows, "spellcheck": "false", "placeholder": placeholder})


def _line(placeholder: str = "") -> forms.TextInput:
    return forms.TextInput({"spellcheck": "false", "placeholder": placeholder})


def _number(default: object) -> forms.TextInput:
    """Return a text input: browsers send an invalid number as empty, which hides the error."""
    return forms.TextInput({"inputmode": "numeric", "size": 6, "placeholder": str(default)})


class SettingsForm(forms.Form):
    """All settings except the rows of routes and queue consumers."""

    workers_dev = forms.BooleanField(
        label="workers.dev address",
        required=False,
        help_text="Default: on. The Worker is reachable at its workers.dev address.",
    )
    preview_urls = forms.BooleanField(
        label="Preview URLs",
        required=False,
        help_text="Default: on. Each version has its own preview URL.",
    )
    custom_domains = forms.CharField(
        label="Custom domains",
        required=False,
        widget=_area(3, "orders.example.com"),
        help_text="One per line. The Worker serves the whole host; Cloudflare creates the DNS record "
        "and the certificate. The domain's zone must be in the target's account.",
    )
    crons = forms.CharField(
        label="Schedules",
        required=False,
        widget=_area(3, "0 8 * * MON-FRI"),
        help_text="Cron expressions in UTC, one per line, in addition to the schedule of the "
        "document's trigger. Each one starts runs. Sunday is 1 or SUN.",
    )
    workflow_schedules = forms.CharField(
        label="Schedules of the Workflow",
        required=False,
        widget=_area(2, "0 8 * * MON-FRI"),
        help_text="Cron expressions in UTC, one per line. Cloudflare itself starts the runs, without the "
        "Worker; event.schedule has the expression and the time. Requires the paid plan.",
    )
    concurrency_limit = forms.IntegerField(
        label="Concurrent runs",
        required=False,
        widget=_number("account"),
        help_text=f"1 to {MAX_CONCURRENCY:,}. More runs are queued, and start when others end or wait. "
        "Default: the account's limit.",
    )
    step_limit = forms.IntegerField(
        label="Steps per run",
        required=False,
        widget=_number("account"),
        help_text=f"1 to {MAX_STEPS:,}; a run with more steps fails. Default: 10,000, and 1,024 on the "
        "free plan.",
    )
    success_retention = forms.CharField(
        label="Keep completed runs for",
        required=False,
        widget=_line("account"),
        help_text="A duration of up to 30 days (3 on the free plan), such as 3 days; also for terminated "
        "runs. Runs that have already started keep the retention that they started with. Default: the "
        "account's.",
    )
    error_retention = forms.CharField(
        label="Keep failed runs for",
        required=False,
        widget=_line("account"),
        help_text="As above, for runs that failed.",
    )
    jurisdiction = forms.ChoiceField(
        label="Jurisdiction",
        required=False,
        choices=[("", "none: anywhere"), *JURISDICTIONS.items()],
        help_text="Where runs execute and are stored. It is fixed when the Workflow is created, with the "
        "first deploy to a target.",
    )
    compatibility_date = forms.CharField(
        label="Compatibility date",
        required=False,
        widget=_line(COMPATIBILITY_DATE),
        help_text=f"Default: {COMPATIBILITY_DATE}. The Workers runtime behaves as on this date.",
    )
    compatibility_flags = forms.CharField(
        label="Compatibility flags",
        required=False,
        widget=_area(2, "none"),
        help_text=f"One per line. Default: {', '.join(COMPATIBILITY_FLAGS)}, which the generated code "
        "needs for node: imports.",
    )
    placement = forms.ChoiceField(
        label="Placement",
        required=False,
        choices=[("off", "off: near the client"), ("smart", "smart: near the backends it calls")],
        help_text="Default: off.",
    )
    cpu_ms = forms.IntegerField(
        label="CPU limit in milliseconds",
        required=False,
        widget=_number("none"),
        help_text="10 to 300000 per step or request. Default: the account's limit.",
    )
    observability = forms.BooleanField(
        label="Workers Logs",
        required=False,
        help_text="Default: on. Cloudflare stores the Worker's logs.",
    )
    sampling_rate = forms.FloatField(
        label="Sampling rate",
        required=False,
        widget=_number("all"),
        help_text="The share of requests to log, from 0 to 1. Default: all requests.",
    )
    logpush = forms.BooleanField(
        label="Logpush",
        required=False,
        help_text="Default: off. Sends logs to the account's Logpush jobs (requires a paid plan).",
    )
    opened_at = forms.CharField(required=False, widget=forms.HiddenInput)


class RouteForm(forms.Form):
    """A row for a route; no field is required, so that rows can stay empty."""

    pattern = forms.CharField(
        label="Pattern", required=False, widget=_line("api.example.com/orders/*")
    )
    zone = forms.CharField(label="Zone", required=False, widget=_line("example.com"))


class ConsumerForm(forms.Form):
    """A row for a queue that the Worker consumes; rows can stay empty."""

    queue = forms.CharField(label="Queue", required=False, widget=_line("orders"))
    max_batch_size = forms.IntegerField(
        label="Batch size", required=False, widget=_number(_DEFAULTS.max_batch_size)
    )
    max_batch_timeout = forms.IntegerField(
        label="Wait (s)", required=False, widget=_number(_DEFAULTS.max_batch_timeout)
    )
    max_retries = forms.IntegerField(
        label="Retries", required=False, widget=_number(_DEFAULTS.max_retries)
    )
    dead_letter_queue = forms.CharField(
        label="Dead letter queue", required=False, widget=_line("none")
    )
    max_concurrency = forms.IntegerField(
        label="Max. concurrency", required=False, widget=_number("automatic")
    )
