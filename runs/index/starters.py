"""Who started a run: the target only knows that it was started through its API."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from audit.models import Entry
from runs.models import Run

STARTED: Final = "run started"
PAGE: Final = "page"
"""Where a run was started, in the `via` of its entry in the audit trail."""
_API: Final = "api"


def set_starters(runs: Collection[Run]) -> None:
    """Set `starter` of the runs that were started here, with one query."""
    names = {str(run): run for run in runs if run.trigger == _API}
    if not names:
        return
    ids = {run.instance_id[:64] for run in names.values()}
    entries = Entry.objects.filter(
        action=STARTED, subject_kind="run", subject_id__in=ids, subject_name__in=names
    )
    for name, actor, detail in entries.values_list("subject_name", "actor_name", "detail"):
        where = " on this site" if detail.get("via") == PAGE else ""
        if actor and not names[name].starter:  # the newest entry comes first
            names[name].starter = f"{actor}{where}"
