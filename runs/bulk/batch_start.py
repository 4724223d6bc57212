"""Many runs from lines of JSON: checked whole first, started by a worker, its progress kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from django.core.files.base import File

from audit import trail
from audit.trail import Actor, Subject
from deployments.models import Deployment
from runs.bulk.batch_work import START
from runs.bulk.json_lines import read_lines
from runs.bulk.tasks import perform
from runs.index.listing import Filters
from runs.models import BulkChange
from runs.services.control import Refused, target_of

MOST: Final = 10_000
LARGEST: Final = 8 * 1024 * 1024  # bytes of all lines


def lines_of(text: str, file: File[bytes] | None) -> list[str]:
    """Return the lines that were typed and those of the file; raises Refused for what is no text."""
    if file is not None and (file.size or 0) > LARGEST:
        raise Refused(f"The file has more than {LARGEST // 1024 // 1024} MB.")
    try:
        told = file.read().decode("utf-8-sig") if file is not None else ""
    except UnicodeDecodeError:
        raise Refused("The file is not UTF-8 text.") from None
    return [*text.splitlines(), *told.splitlines()]


def ask(live: Deployment, lines: Sequence[str], *, by: Actor) -> BulkChange:
    """Put the start of a run for each line into the queue; raises Refused for a line that is wrong."""
    count = sum(bool(line.strip()) for line in lines)
    if not count:
        raise Refused("There is no line: write a payload on each, or choose a file.")
    if count > MOST:
        raise Refused(f"There are {count:,} lines, and a batch has at most {MOST:,}.")
    wanted = read_lines(lines)
    place = {"workflow": live.workflow_public_id, "target": live.target_name}
    made = BulkChange.objects.create(
        action=START,
        query=Filters.of(place).query(),
        by=by.user,
        by_name=by.name,
        total=len(wanted),
        deployment=live,
        starts=[asdict(line) for line in wanted],
    )
    record(live, made.total, by=by)
    perform.enqueue(made.pk)
    return made


def record(live: Deployment, runs: int, *, by: Actor, reason: str = "") -> None:
    """Put a batch on the trail."""
    subject = Subject("workflow", live.workflow_public_id, live.workflow_name)
    target = target_of(live).name
    trail.record("batch of runs started", subject, by=by, reason=reason, runs=runs, target=target)
