"""Which pages are open: what they show is polled more often."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils import timezone

from runs.models import Run, Watcher
from web.busy_database import skipped_if_locked

ALL: Final = "runs"
WATCH_DURATION: Final = timedelta(seconds=40)


def channel_of_run(pk: int) -> str:
    """Return the channel of a run's page."""
    return f"run-{pk}"


def channel_of_workflow(pk: str) -> str:
    """Return the channel of the list of a workflow's runs."""
    return f"runs-{pk}"


def mark_watched(channel: str) -> None:
    """Record that a page with this channel is open; the page is shown even if that fails."""
    until = timezone.now() + WATCH_DURATION
    with skipped_if_locked():
        Watcher.objects.update_or_create(channel=channel, defaults={"until": until})


def watched_channels() -> frozenset[str]:
    """Return the channels of all open pages."""
    current = Watcher.objects.filter(until__gt=timezone.now())
    return frozenset(current.values_list("channel", flat=True))


def watched_workflows(channels: frozenset[str]) -> set[str]:
    """Return the ids of the workflows whose list of runs is open."""
    return {name.removeprefix("runs-") for name in channels if name.startswith("runs-")}


def is_watched(run: Run) -> bool:
    """Return whether the run's page is open."""
    channel = channel_of_run(run.pk)
    return Watcher.objects.filter(channel=channel, until__gt=timezone.now()).exists()


def watched_runs(channels: frozenset[str]) -> list[Run]:
    """Return the open runs whose own page is open."""
    suffixes = [name.removeprefix("run-") for name in channels if name.startswith("run-")]
    ids = [int(suffix) for suffix in suffixes if suffix.isdecimal()]
    return list(Run.objects.filter(pk__in=ids, is_open=True).select_related("target", "workflow"))
