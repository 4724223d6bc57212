"""The Workflows that are live on each target, for a process that keeps asking."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

from django.db.models import Max, QuerySet

from deployments.history import records, workflow_names
from deployments.models import Deployment, StageRecord
from workflows.ir.document.kinds import PROJECT, SCRIPT

_RELOAD_AFTER: Final = 3600.0  # seconds
_AT_ONCE: Final = 500  # ids in one query

_Names = dict[int, frozenset[str]]
"""The names of the Workflows of one workflow, by target. A script has none, but is live as well."""


class LiveWorkflows:
    """Reads all of them once, and after that only what deployments have changed.

    A deployment cannot change what is live without entering a stage. Everything is read again from
    time to time, because a database may show rows in another order than it numbers them.
    """

    def __init__(self) -> None:
        self._names: dict[str, _Names] = {}
        self._seen = (0, 0)
        self._loaded_at: float | None = None

    def update(self) -> bool:
        """Read what has changed; return whether the names may differ."""
        newest = (_newest(StageRecord), _newest(Deployment))
        if self._loaded_at is None or time.monotonic() > self._loaded_at + _RELOAD_AFTER:
            self._names = _names(Deployment.objects.all())
            self._loaded_at = time.monotonic()
        elif newest != self._seen:
            self._reload(_changed_since(*self._seen))
        else:
            return False
        self._seen = newest
        return True

    def _reload(self, workflow_ids: Collection[str]) -> None:
        for workflow_id in workflow_ids:
            self._names.pop(workflow_id, None)
        for ids in _batches(workflow_ids):
            self._names |= _names(Deployment.objects.filter(workflow_public_id__in=ids))

    @property
    def pairs(self) -> Iterator[tuple[str, int]]:
        """The id of each workflow, with the key of each target where it is live."""
        return ((id_, target) for id_, names in self._names.items() for target in names)

    @property
    def names(self) -> Iterator[tuple[int, str]]:
        """The key of each target, with the name of each Workflow that is live there."""
        for by_target in self._names.values():
            for target, names in by_target.items():
                yield from ((target, name) for name in names)


def _newest(model: type[StageRecord | Deployment]) -> int:
    return model._default_manager.aggregate(newest=Max("pk"))["newest"] or 0


def _changed_since(record: int, deployment: int) -> set[str]:
    """Return the ids of the workflows with newer stage records or deployments."""
    entered = StageRecord.objects.filter(pk__gt=record).order_by()
    added = Deployment.objects.filter(pk__gt=deployment).order_by()
    return {
        *entered.values_list("deployment__workflow_public_id", flat=True).distinct(),
        *added.values_list("workflow_public_id", flat=True).distinct(),
    }


def _names(deployments: QuerySet[Deployment]) -> dict[str, _Names]:
    """Return the names of the Workflows that these deployments made live, by the id of the workflow."""
    names: dict[str, dict[int, frozenset[str]]] = {}
    for ids in _batches(records.newest_live(deployments)):
        rows = Deployment.objects.filter(pk__in=ids).order_by()
        kinds = list(rows.values_list(*_KIND))
        of_projects = workflow_names.of_projects(
            (target or 0, id_) for id_, target, _, kind in kinds if kind == PROJECT
        )
        for id_, target, worker, kind in kinds:
            known = of_projects if kind == PROJECT else {}
            own = frozenset() if kind in (PROJECT, SCRIPT) else frozenset([worker])
            names.setdefault(id_, {})[target or 0] = known.get((target or 0, id_), own)
    return names


_KIND: Final = ("workflow_public_id", "target", "worker_name", "ir__kind")
_Item = TypeVar("_Item")


def _batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    rest = iter(list(items))
    while batch := list(islice(rest, _AT_ONCE)):
        yield batch
