"""Who looks at what: pages that are open say so, and are told of changes sooner."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils import timezone

from runs.models import Interest, Run

ALL: Final = "runs"
LASTS: Final = timedelta(seconds=40)


def channel_of_run(pk: int) -> str:
    return f"run-{pk}"


def channel_of_workflow(pk: str) -> str:
    return f"runs-{pk}"


def show(channel: str) -> None:
    """Say that somebody looks at this now."""
    Interest.objects.update_or_create(about=channel, defaults={"until": timezone.now() + LASTS})


def watched() -> frozenset[str]:
    """Return the channels that somebody looks at."""
    now = Interest.objects.filter(until__gt=timezone.now())
    return frozenset(now.values_list("about", flat=True))


def is_watched(run: Run) -> bool:
    """Tell whether somebody looks at the run."""
    mine = Interest.objects.filter(about=channel_of_run(run.pk), until__gt=timezone.now())
    return mine.exists()


def watched_runs(channels: frozenset[str]) -> list[Run]:
    """Return the open runs that somebody looks at."""
    ids = [
        int(one.removeprefix("run-"))
        for one in channels
        if one.startswith("run-") and one.removeprefix("run-").isdecimal()
    ]
    return list(Run.objects.filter(pk__in=ids, is_open=True).select_related("target", "workflow"))
