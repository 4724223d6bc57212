"""Masking of values in the index that became secrets only after a run was stored.

Texts are masked when they are written. Values that are learned later are masked in all rows in the
background, a few runs at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import models, transaction
from django.db.models import Max

from deployments.history import workflow_names
from runs.models import LaterSecrets, Run, RunDetails, RunStep, RunText, max_length
from runs.steps.masking import redact_run
from runs.steps.parsing import LONGEST_TEXT
from toolchain.redaction import redact, redact_beginning
from workflows.masked_values import masked_in
from workflows.models import MaskedValue

BATCH: Final = 100  # runs


def mask_next() -> bool:
    """Mask new secrets in the next runs of the index; return whether there is more to do."""
    newest = _newest(MaskedValue)
    if LaterSecrets.objects.filter(masked__gte=newest).exists() or not newest:
        return False
    with transaction.atomic():
        progress, _ = LaterSecrets.objects.get_or_create()
        if not progress.next:
            progress.next = newest
        runs = list(Run.objects.filter(pk__gt=progress.run).order_by("pk")[:BATCH])
        _mask(runs, _values(progress))
        _advance(progress, runs)
    return progress.masked < newest


def _newest(model: type[models.Model]) -> int:
    return model._default_manager.aggregate(newest=Max("pk"))["newest"] or 0


def _values(progress: LaterSecrets) -> list[tuple[str, str]]:
    pks = {"pk__gt": progress.masked, "pk__lte": progress.next}
    return list(MaskedValue.objects.readable(**pks))


def _advance(progress: LaterSecrets, runs: Sequence[Run]) -> None:
    if runs:
        progress.run = runs[-1].pk
    else:
        progress.masked, progress.next, progress.run = progress.next, 0, 0
    progress.save()


def _mask(runs: Sequence[Run], values: Sequence[tuple[str, str]]) -> None:
    owners = _owners(runs)
    secrets = {owner: masked_in(owner, values) for owner in set(owners.values())}
    hides = {run.pk: _Hide(secrets[owners[run.pk]]) for run in runs}
    steps = RunStep.objects.filter(run__in=runs)
    texts = RunText.objects.filter(run__in=runs)
    _change(Run, ((run, hides[run.pk].in_run(run)) for run in runs))
    _change(RunText, ((text, hides[text.run_id].in_text(text)) for text in texts))
    _change(RunStep, ((step, hides[step.run_id].in_step(step)) for step in steps))
    for details in RunDetails.objects.filter(run__in=runs):
        masked = redact_run(details.data, hides[details.run_id].secrets)
        if masked != details.data:
            RunDetails.objects.filter(pk=details.pk).update(data=masked)


def _owners(runs: Sequence[Run]) -> dict[int, str]:
    """Return the ids of the runs' workflows, by run."""
    names: dict[int, set[str]] = {}
    for run in runs:
        names.setdefault(run.target_id, set()).add(run.workflow_name)
    found = {target: workflow_names.owners(target, each) for target, each in names.items()}
    return {run.pk: found[run.target_id][run.workflow_name] for run in runs}


def _change(
    model: type[models.Model], rows: Iterable[tuple[models.Model, Mapping[str, str]]]
) -> None:
    """Save the texts of each row that differ from those it has."""
    for row, masked in rows:
        changed = {name: text for name, text in masked.items() if getattr(row, name) != text}
        if changed:
            model._default_manager.filter(pk=row.pk).update(**changed)


@dataclass(frozen=True, slots=True)
class _Hide:
    """Masks the secrets in texts that may have been truncated within one."""

    secrets: frozenset[str]

    def in_run(self, run: Run) -> dict[str, str]:
        return self._in_fields(run, "error", "waits_for")

    def in_text(self, text: RunText) -> dict[str, str]:
        return {
            "params": self._truncated(text.params, LONGEST_TEXT),
            "output": self._truncated(text.output, LONGEST_TEXT),
            "error": self._truncated(text.error, max_length(Run, "error")),
        }

    def in_step(self, step: RunStep) -> dict[str, str]:
        return self._in_fields(step, "name", "label")

    def _in_fields(self, row: models.Model, *names: str) -> dict[str, str]:
        """Return the texts of fields that were truncated to fit."""
        return {
            name: self._truncated(getattr(row, name), max_length(type(row), name)) for name in names
        }

    def _truncated(self, text: str, longest: int) -> str:
        mask = redact_beginning if len(text) >= longest else redact
        return mask(text, self.secrets)[:longest]
