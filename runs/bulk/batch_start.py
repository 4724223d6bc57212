"""Starting many runs from lines of JSON: checked as a whole, then started in the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from django.core.files.base import File

from audit import trail
from audit.trail import Actor, Subject
from deployments.history import workflow_names
from deployments.models import Deployment
from runs.bulk.batch_work import START
from runs.bulk.bulk_change import MAX_RUNS
from runs.bulk.json_lines import read_lines
from runs.bulk.tasks import perform
from runs.index.listing import Filters
from runs.models import BulkChange
from runs.services.control import Refused, target_of
from runs.services.start_options import NO_OPTIONS, StartOptions

MAX_BYTES: Final = 8 * 1024 * 1024


def read_input(text: str, file: File[bytes] | None) -> list[str]:
    """Return the lines of the form and of the file. Raises Refused for a file that is not text."""
    if file is not None and (file.size or 0) > MAX_BYTES:
        raise Refused(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB.")
    try:
        content = file.read().decode("utf-8-sig") if file is not None else ""
    except UnicodeDecodeError:
        raise Refused("The file is not UTF-8 text.") from None
    return [*text.split("\n"), *content.split("\n")]  # text may contain other line breaks


def enqueue(
    live: Deployment,
    lines: Sequence[str],
    *,
    by: Actor,
    options: StartOptions = NO_OPTIONS,
    workflow: str = "",
) -> BulkChange:
    """Enqueue the start of a run for each line. Raises Refused for an invalid line.

    `workflow` names one of several Workflows of a project; raises NoWorkflow.
    """
    workflow = workflow and workflow_names.choose(live, workflow)
    count = sum(bool(line.strip()) for line in lines)
    if not count:
        raise Refused("There are no lines. Enter one payload per line, or choose a file.")
    if count > MAX_RUNS:
        raise Refused(f"There are {count:,} lines; a batch can have at most {MAX_RUNS:,}.")
    parsed = read_lines(lines, options)
    filters = Filters(workflow=live.workflow_public_id, target=live.target_name)
    change = BulkChange.objects.create(
        action=START,
        query=filters.query(),
        by=by.user,
        by_name=by.name,
        total=len(parsed),
        deployment=live,
        workflow_name=workflow,
        starts=[asdict(line) for line in parsed],
    )
    record(live, change.total, by=by, options=options)
    perform.enqueue(change.pk)
    return change


def record(
    live: Deployment,
    runs: int,
    *,
    by: Actor,
    reason: str = "",
    options: StartOptions = NO_OPTIONS,
) -> None:
    """Record a batch in the audit trail."""
    subject = Subject("workflow", live.workflow_public_id, live.workflow_name)
    target = target_of(live).name
    detail = {"runs": runs, "target": target, **options.as_detail()}
    trail.record("batch of runs started", subject, by=by, reason=reason, **detail)
