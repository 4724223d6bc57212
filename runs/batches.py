"""Many runs from lines of JSON: checked whole first, started by a worker, its progress kept."""

from __future__ import annotations

import json
from typing import Final

from django.core.files.base import File
from django.utils import timezone
from django_tasks import task

from audit.trail import Actor
from deployments.errors import DeployError
from deployments.models import Deployment
from runs import control
from runs.control import INSTANCE_ID, INSTANCE_ID_RULE, Refused
from runs.listing import Filters
from runs.models import BulkChange

MOST: Final = 10_000
LARGEST: Final = 8 * 1024 * 1024  # bytes of all lines


def lines_of(text: str, file: File[bytes] | None) -> list[str]:
    """Return the lines that were typed and those of the file; raises Refused for what is no text."""
    if file is not None and (file.size or 0) > LARGEST:
        raise Refused(f"The file has more than {LARGEST // 1024 // 1024} MB: nothing was started.")
    try:
        told = file.read().decode("utf-8-sig") if file is not None else ""
    except UnicodeDecodeError:
        raise Refused("The file is not UTF-8 text: nothing was started.") from None
    return [line for line in [*text.splitlines(), *told.splitlines()] if line.strip()]


def ask(live: Deployment, lines: list[str], *, by: Actor) -> BulkChange:
    """Put the start of a run for each line into the queue; raises Refused for a line that is wrong."""
    if not lines:
        raise Refused("There is no line: write a payload on each, or choose a file.")
    if len(lines) > MOST:
        raise Refused(f"There are {len(lines):,} lines, and a batch has at most {MOST:,}.")
    for number, line in enumerate(lines, 1):
        _check(number, line)
    place = {"workflow": live.workflow_public_id, "target": live.target_name}
    made = BulkChange.objects.create(
        action="start",
        query=Filters.of(place).query(),
        by=by.user,
        by_name=by.name,
        total=len(lines),
        run_ids=lines,
    )
    perform.enqueue(made.pk, live.pk)
    return made


def _check(number: int, line: str) -> None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Refused(f"Line {number} is not JSON: {error}. Nothing was started.") from None
    named = value.get("id") if isinstance(value, dict) and "params" in value else None
    if named is not None and not INSTANCE_ID.fullmatch(str(named)):
        raise Refused(f"Line {number}: the id has {INSTANCE_ID_RULE}. Nothing was started.")


@task()
def perform(pk: int, live_pk: int) -> None:
    """Start the runs; the payloads are kept no longer than that takes."""
    made = BulkChange.objects.get(pk=pk)
    live = Deployment.objects.select_related("target", "workflow").get(pk=live_pk)
    try:
        for count, _last in control.trigger_batch(live, made.run_ids, by=_by(made)):
            made.done = count
            made.save(update_fields=["done"])
    except DeployError as refused:
        made.failed = made.total - made.done
        made.errors = [{"run": f"after {made.done} runs", "message": str(refused)}]
    made.run_ids = []
    made.ended_at = timezone.now()
    made.save(update_fields=["done", "failed", "errors", "run_ids", "ended_at"])


def _by(made: BulkChange) -> Actor:
    return Actor(made.by, made.by_name)
