"""The deploy settings as a form, stored as JSON.

Defaults are not stored. `read_settings` validates all values; its problems are shown next to the fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast

from django.core.exceptions import ValidationError
from django.forms.formsets import BaseFormSet, formset_factory

from audit import trail
from audit.trail import Actor, Subject
from deployments.settings_form.fields import SETTINGS, ConsumerForm, RouteForm, SettingsForm
from workflows.ir.deploy.deploy_settings import (
    COMPATIBILITY_DATE,
    COMPATIBILITY_FLAGS,
    PLACEMENTS,
    Consumer,
    DeploySettings,
    InvalidSettings,
    read_settings,
)
from workflows.ir.deploy.workflow_settings import WorkflowSettings
from workflows.ir.document.kinds import SCRIPT
from workflows.ir.reading.durations import written
from workflows.ir.reading.problems import Problem
from workflows.models import Workflow, WorkflowVersion
from workflows.node_forms.field_kinds import typed_duration
from workflows.services import save_draft

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.http import QueryDict

EMPTY_ROWS: Final = 2
_CONSUMER_DEFAULTS: Final = Consumer(queue="")
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
    "workflow": {},
}
_FIELDS: Final = {
    **{setting: name for name, setting in SETTINGS.items() if setting.startswith("workflow.")},
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
    "workflow": "concurrency_limit",
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


Rows = BaseFormSet[Any]
_RouteRows = formset_factory(RouteForm, extra=EMPTY_ROWS, can_delete=True, max_num=100)
_ConsumerRows = formset_factory(ConsumerForm, extra=EMPTY_ROWS, can_delete=True, max_num=100)


class SettingsForms:
    """The form with its formsets, filled from a workflow or from posted data."""

    def __init__(self, workflow: Workflow, posted: Mapping[str, Any] | None = None) -> None:
        self.workflow = workflow
        self.unreadable = ""
        stored = self._stored()
        opened = {"opened_at": workflow.updated_at.isoformat()}
        self.form = SettingsForm(posted, initial=_initial(stored) | opened)
        routes = [{"pattern": route.pattern, "zone": route.zone} for route in stored.routes]
        self.routes: Rows = _RouteRows(posted, initial=routes, prefix="routes")
        consumers = [_consumer_row(consumer) for consumer in stored.consumers]
        self.consumers: Rows = _ConsumerRows(posted, initial=consumers, prefix="consumers")

    @property
    def is_script(self) -> bool:
        """Whether there is no Workflow that could have settings."""
        return self.workflow.kind == SCRIPT

    def _stored(self) -> DeploySettings:
        try:
            return self.workflow.settings
        except InvalidSettings as invalid:
            self.unreadable = str(invalid)
            return DeploySettings()

    @cached_property
    def is_valid(self) -> bool:
        """Whether the settings are valid; adds each problem to its field."""
        parts = (self.form, self.routes, self.consumers)
        are_valid = [part.is_valid() for part in parts]
        try:
            read_settings(self.as_json())
        except InvalidSettings as invalid:
            for problem in invalid.problems:
                self._add_error(problem)
            return False
        return all(are_valid)

    def is_stale(self) -> bool:
        """Return whether someone else has saved the workflow since; saving again overwrites it."""
        opened_at = self.form.cleaned_data.get("opened_at")
        if not opened_at or opened_at == self.workflow.updated_at.isoformat():
            return False
        posted = cast("QueryDict", self.form.data).copy()
        posted["opened_at"] = self.workflow.updated_at.isoformat()
        self.form.data = posted
        return True

    def shown(self) -> dict[str, Any] | None:
        """Return the settings that the page shows; None if they are invalid."""
        if self.form.is_bound:
            return self.as_json() if self.is_valid else None
        return {} if self.unreadable else dict(self.workflow.deploy_settings)

    def as_json(self) -> dict[str, Any]:
        """Return the settings to store, without defaults."""
        whole = {
            **_main(self.form.cleaned_data),
            "routes": [_route(row.cleaned_data) for row in _filled(self.routes)],
            "queueConsumers": [_consumer(row.cleaned_data) for row in _filled(self.consumers)],
        }
        return {key: value for key, value in whole.items() if value != _DEFAULTS[key]}

    def save(self, *, by: User) -> WorkflowVersion | None:
        """Save a version; None if nothing changed. Raises InvalidIR if the draft is invalid."""
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

    def _add_error(self, problem: Problem) -> None:
        key, *rest = problem.path.split(".")
        message = problem.message[:1].upper() + problem.message[1:].rstrip(".") + "."
        rows = {"routes": self.routes, "queueConsumers": self.consumers}.get(key)
        if rows is None:
            setting = ".".join([key, *rest[:1]])
            self.form.add_error(_FIELDS.get(setting, _FIELDS.get(key)), message)
        elif len(rest) == 2:
            _filled(rows)[int(rest[0])].add_error(_COLUMNS.get(rest[1]), message)
        else:
            rows.non_form_errors().extend(ValidationError(message).error_list)


def _initial(settings: DeploySettings) -> dict[str, Any]:
    return {
        "workers_dev": settings.workers_dev,
        "preview_urls": settings.preview_urls,
        "custom_domains": "\n".join(settings.custom_domains),
        "crons": "\n".join(settings.crons),
        "compatibility_date": settings.compatibility_date,
        "compatibility_flags": "\n".join(settings.compatibility_flags),
        "placement": settings.placement,
        "cpu_ms": settings.cpu_ms,
        "observability": settings.observability,
        "sampling_rate": settings.sampling_rate,
        "logpush": settings.logpush,
        **_initial_of_workflow(settings.workflow),
    }


def _initial_of_workflow(settings: WorkflowSettings) -> dict[str, Any]:
    success, error = settings.success_retention, settings.error_retention
    return {
        "concurrency_limit": settings.concurrency_limit,
        "step_limit": settings.step_limit,
        "success_retention": "" if success is None else written(success),
        "error_retention": "" if error is None else written(error),
        "workflow_schedules": "\n".join(settings.schedules),
        "jurisdiction": settings.jurisdiction,
    }


def _consumer_row(consumer: Consumer) -> dict[str, Any]:
    return {name: getattr(consumer, name) for name in ConsumerForm.base_fields}


def _filled(rows: Rows) -> list[Any]:
    """Return the rows that are not empty and not marked for deletion."""
    return [row for row in rows.forms if not row.cleaned_data.get("DELETE") and _has_data(row)]


def _has_data(row: Any) -> bool:
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
        "workflow": _workflow(typed),
    }


def _workflow(typed: Mapping[str, Any]) -> dict[str, Any]:
    settings = {
        "concurrencyLimit": typed.get("concurrency_limit"),
        "stepLimit": typed.get("step_limit"),
        "successRetention": _duration(typed.get("success_retention")),
        "errorRetention": _duration(typed.get("error_retention")),
        "schedules": _lines(typed.get("workflow_schedules")),
        "jurisdiction": typed.get("jurisdiction"),
    }
    return {key: value for key, value in settings.items() if value not in (None, "", [])}


def _duration(text: str | None) -> int | str | None:
    """Return what was typed as a duration, or as it is, to be reported."""
    return typed_duration((text or "").strip()) or text


def _lines(text: str | None) -> list[str]:
    """Return the non-empty lines without duplicates."""
    lines: Iterable[str] = (" ".join(line.split()) for line in (text or "").splitlines())
    return list(dict.fromkeys(filter(None, lines)))


def _route(row: Mapping[str, Any]) -> dict[str, str]:
    return {"pattern": row.get("pattern", ""), "zoneName": row.get("zone", "").lower()}


def _consumer(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row without default numbers."""
    given = {key: row.get(column) for key, column in _COLUMNS.items() if column in row}
    defaults = {key: getattr(_CONSUMER_DEFAULTS, _COLUMNS[key]) for key in given}
    changed = {key: value for key, value in given.items() if value not in (None, defaults[key])}
    return {"queue": "", **changed}
