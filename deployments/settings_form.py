"""The deploy settings as a form: typed by people, stored as JSON with AwaitStep's names.

What is as it would be anyway is not stored. The strict reader is the one judge of values; its
problems are put at the fields that they are about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast

from django import forms
from django.core.exceptions import ValidationError
from django.forms.formsets import BaseFormSet, formset_factory
from django.utils.dateparse import parse_datetime

from audit import trail
from audit.trail import Actor, Subject
from workflows.deploy_settings import (
    COMPATIBILITY_DATE,
    COMPATIBILITY_FLAGS,
    PLACEMENTS,
    Consumer,
    DeploySettings,
    InvalidSettings,
    read_settings,
)
from workflows.ir.problems import Problem
from workflows.models import Workflow, WorkflowVersion
from workflows.services import save_draft

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import QueryDict

EMPTY_ROWS: Final = 2
_USUAL: Final = Consumer(queue="")
_DEFAULTS: Final[Mapping[str, Any]] = {
    "routes": [],
    "customDomains": [],
    "workersDev": True,
    "previewUrls": True,
    "compatibilityDate": COMPATIBILITY_DATE,
    "compatibilityFlags": list(COMPATIBILITY_FLAGS),
    "cronTriggers": [],
    "placement": {"mode": "off"},
    "limits": {},
    "observability": {"enabled": True},
    "logpush": False,
    "queueConsumers": [],
}
_FIELDS: Final = {
    "customDomains": "custom_domains",
    "workersDev": "workers_dev",
    "previewUrls": "preview_urls",
    "compatibilityDate": "compatibility_date",
    "compatibilityFlags": "compatibility_flags",
    "cronTriggers": "crons",
    "placement": "placement",
    "limits": "cpu_ms",
    "observability": "sampling_rate",
    "logpush": "logpush",
}
_COLUMNS: Final = {
    "pattern": "pattern",
    "zoneName": "zone",
    "queue": "queue",
    "maxBatchSize": "max_batch_size",
    "maxBatchTimeout": "max_batch_timeout",
    "maxRetries": "max_retries",
    "deadLetterQueue": "dead_letter_queue",
    "maxConcurrency": "max_concurrency",
}


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
        widget=_number("the account's"),
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


Rows = BaseFormSet[Any]
_RouteRows = formset_factory(RouteForm, extra=EMPTY_ROWS, can_delete=True, max_num=100)
_ConsumerRows = formset_factory(ConsumerForm, extra=EMPTY_ROWS, can_delete=True, max_num=100)


class SettingsForms:
    """The form and its rows as one: from a workflow or from what was posted, to its settings."""

    def __init__(self, workflow: Workflow, posted: Mapping[str, Any] | None = None) -> None:
        self.workflow = workflow
        self.unreadable = ""
        now = self._stored()
        opened = {"opened_at": workflow.updated_at.isoformat()}
        self.form = SettingsForm(posted, initial=_initial(now) | opened)
        routes = [{"pattern": one.pattern, "zone": one.zone} for one in now.routes]
        self.routes: Rows = _RouteRows(posted, initial=routes, prefix="routes")
        consumers = [_consumer_row(one) for one in now.consumers]
        self.consumers: Rows = _ConsumerRows(posted, initial=consumers, prefix="consumers")

    def _stored(self) -> DeploySettings:
        try:
            return self.workflow.settings
        except InvalidSettings as invalid:
            self.unreadable = str(invalid)
            return DeploySettings()

    @cached_property
    def is_valid(self) -> bool:
        """Whether all of it can be used; reading it puts each problem at its field."""
        parts = (self.form, self.routes, self.consumers)
        are_valid = [part.is_valid() for part in parts]
        try:
            read_settings(self.as_json())
        except InvalidSettings as invalid:
            for problem in invalid.problems:
                self._place(problem)
            return False
        return all(are_valid)

    def is_stale(self) -> bool:
        """Tell whether somebody else saved the workflow since; saving again replaces theirs."""
        opened_at = parse_datetime(self.form.cleaned_data.get("opened_at") or "")
        if not opened_at or opened_at == self.workflow.updated_at:
            return False
        posted = cast("QueryDict", self.form.data).copy()
        posted["opened_at"] = self.workflow.updated_at.isoformat()
        self.form.data = posted
        return True

    def shown(self) -> dict[str, Any] | None:
        """Return the settings that the page shows; None where they cannot be used."""
        if self.form.is_bound:
            return self.as_json() if self.is_valid else None
        return {} if self.unreadable else dict(self.workflow.deploy_settings)

    def as_json(self) -> dict[str, Any]:
        """Return what is to be stored: settings by AwaitStep's names, the defaults left out."""
        whole = {
            **_main(self.form.cleaned_data),
            "routes": [_route(row.cleaned_data) for row in _filled(self.routes)],
            "queueConsumers": [_consumer(row.cleaned_data) for row in _filled(self.consumers)],
        }
        return {key: value for key, value in whole.items() if value != _DEFAULTS[key]}

    def save(self, *, by: User) -> WorkflowVersion | None:
        """Make a version of it; None where nothing is another. Raises InvalidIR for a broken draft."""
        before, after = self.workflow.deploy_settings, self.as_json()
        if not self.unreadable and read_settings(before) == read_settings(after):
            return None
        self.workflow.deploy_settings = after
        version = save_draft(self.workflow, by=by)
        changed = {key for key in _DEFAULTS if before.get(key) != after.get(key)}
        subject = Subject("workflow", self.workflow.pk, self.workflow.name)
        trail.record(
            "deploy settings changed",
            subject,
            by=Actor.of(by),
            version=version.number,
            settings=sorted(changed),
        )
        return version

    def _place(self, problem: Problem) -> None:
        key, *rest = problem.path.split(".")
        message = problem.message[:1].upper() + problem.message[1:].rstrip(".") + "."
        rows = {"routes": self.routes, "queueConsumers": self.consumers}.get(key)
        if rows is None:
            self.form.add_error(_FIELDS.get(key), message)
        elif len(rest) == 2:
            _filled(rows)[int(rest[0])].add_error(_COLUMNS.get(rest[1]), message)
        else:
            rows.non_form_errors().extend(ValidationError(message).error_list)


def _initial(now: DeploySettings) -> dict[str, Any]:
    return {
        "workers_dev": now.workers_dev,
        "preview_urls": now.preview_urls,
        "custom_domains": "\n".join(now.custom_domains),
        "crons": "\n".join(now.crons),
        "compatibility_date": now.compatibility_date,
        "compatibility_flags": "\n".join(now.compatibility_flags),
        "placement": now.placement,
        "cpu_ms": now.cpu_ms,
        "observability": now.observability,
        "sampling_rate": now.sampling_rate,
        "logpush": now.logpush,
    }


def _consumer_row(one: Consumer) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ConsumerForm.base_fields}


def _filled(rows: Rows) -> list[Any]:
    """Return the rows that say something and are not to be removed."""
    return [row for row in rows.forms if not row.cleaned_data.get("DELETE") and _says(row)]


def _says(row: Any) -> bool:
    return any(row[name].data not in (None, "") for name in row.fields if name != "DELETE")


def _main(typed: Mapping[str, Any]) -> dict[str, Any]:
    cpu, rate = typed.get("cpu_ms"), typed.get("sampling_rate")
    observability = {"enabled": typed.get("observability", True)}
    return {
        "customDomains": _lines(typed.get("custom_domains")),
        "workersDev": typed.get("workers_dev", True),
        "previewUrls": typed.get("preview_urls", True),
        "compatibilityDate": typed.get("compatibility_date") or COMPATIBILITY_DATE,
        "compatibilityFlags": _lines(typed.get("compatibility_flags")),
        "cronTriggers": _lines(typed.get("crons")),
        "placement": {"mode": typed.get("placement") or PLACEMENTS[0]},
        "limits": {} if cpu is None else {"cpuMs": cpu},
        "observability": observability | ({} if rate is None else {"headSamplingRate": rate}),
        "logpush": typed.get("logpush", False),
    }


def _lines(text: str | None) -> list[str]:
    """Return the lines that say something, each once, as the reader takes them."""
    lines: Iterable[str] = (" ".join(line.split()) for line in (text or "").splitlines())
    return list(dict.fromkeys(filter(None, lines)))


def _route(row: Mapping[str, Any]) -> dict[str, str]:
    return {"pattern": row.get("pattern", ""), "zoneName": row.get("zone", "").lower()}


def _consumer(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row; a number that is the default is left out."""
    given = {key: row.get(column) for key, column in _COLUMNS.items() if column in row}
    usual = {key: getattr(_USUAL, _COLUMNS[key]) for key in given}
    kept = {key: value for key, value in given.items() if value not in (None, usual[key])}
    return {"queue": "", **kept}
