"""What a run's page shows, from the target, the index and the deployment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from django.utils import timezone

from audit.models import Entry
from deployments.history import records
from deployments.models import Deployment
from runs import presentation, statuses
from runs.detail.code_of_run import CodeOfRun
from runs.detail.failure_place import failure_place
from runs.detail.fetch import FetchedRun
from runs.detail.json_tree import read_json
from runs.detail.summary import OpenStep, Summary, open_step, summarize
from runs.index.starters import set_starters
from runs.models import Run
from runs.steps.rollbacks import nodes_with_rollbacks, rollbacks_of
from runs.steps.step_nodes import (
    NodeSource,
    document_of,
    node_ids,
    node_settings,
    nodes_of,
    states_of,
    step_calls,
    with_handled_timeouts,
)
from runs.steps.step_reader import Step, error_text, is_truncated, read_steps
from runs.steps.timeline import page_of, timeline
from workflows.models import WorkflowVersion
from workflows.picture.drawing import Picture, render
from workflows.picture.from_code.model import CodePicture
from workflows.picture.states import NodeState

_FIELDS: Final = (
    "workflow_public_id",
    "workflow_name",
    "version_number",
    "target_name",
    "ir",
    "node_types",
    "status",
    "action",
)
LONG_RUN: Final = 1_500  # steps from which the picture is loaded after the rest of the page
_MAX_ENTRIES: Final = 8
_NUMBER: Final = re.compile(r"[0-9]{1,8}")

Context = dict[str, Any]


def page_context(run: Run, fetched: FetchedRun, *, step: str, page: str) -> Context:
    """Return the context of the page; `step` and `page` are numbers from the address, or ""."""
    data, deployment = fetched.data or {}, _deployment(run)
    set_starters([run])
    steps = read_steps(data, is_over=not run.is_open)
    source = document_of(run)
    is_long = len(steps) > LONG_RUN
    calls = step_calls(source, [step for step in steps if not is_long or step.is_open])
    steps = with_handled_timeouts(source, steps, calls)
    nodes = {number: call.node_id for number, call in calls.items()}
    settings = node_settings(run.deployment_id, nodes)
    summary = summarize(steps, settings, errored=run.status == "errored")
    chosen = _chosen(steps, summary, step)
    nodes = node_ids(source, [chosen]) if is_long and chosen else nodes
    kinds, nodes_of_steps = _kinds(source, nodes), nodes_with_rollbacks(nodes, steps)
    is_drawn = source is not None and bool(fetched.data) and not is_long
    states = states_of(source, steps, run.status) if source and is_drawn else {}
    code = CodeOfRun(run, source) if isinstance(source, CodePicture) else None
    return {
        "run": run,
        "data": fetched.data,
        "problem": fetched.problem,
        "tone": presentation.tone(run.status),
        "seconds": presentation.seconds(run, timezone.now()),
        "summary": summary,
        "error": error_text(data.get("error")) or run.error,
        "timeline": timeline(steps, page=_page(page, chosen), now=timezone.now(), kinds=kinds),
        "code": code,
        "rollbacks": rollbacks_of(None if is_long else source, steps),
        "output": read_json(data.get("output")),
        "is_final": statuses.is_final(run.status),
        "picture": _picture(source, states, nodes, code) if source is not None else None,
        "failure_place": failure_place(run, source, states, steps) if source and states else None,
        "loads_picture": is_long and bool(source),
        "page_title": presentation.page_title(run),
        "announcement": f"{run.status_label}{_main_step(summary)}",
        "entries": _entries(run),
        **_chosen_step(chosen, kinds, nodes_of_steps),
        **_version(run, deployment),
    }


def _chosen_step(
    chosen: Step | None, kinds: Mapping[int, str], nodes: Mapping[int, str]
) -> Context:
    if chosen is None:
        return {
            "step": None,
            "step_kind": "",
            "node_id": "",
            "step_output": None,
            "is_truncated": False,
        }
    return {
        "step": chosen,
        "step_kind": kinds.get(chosen.number, chosen.kind_label),
        "node_id": nodes.get(chosen.number, ""),
        "step_output": read_json(chosen.raw.get("output")),
        "is_truncated": is_truncated(chosen.raw.get("output")),
    }


def open_steps(run: Run, fetched: FetchedRun) -> tuple[OpenStep, ...]:
    """Return the steps of a run that have not ended, with the forms that answer them."""
    steps = read_steps(fetched.data or {}, is_over=not run.is_open)
    settings = node_settings(run.deployment_id, node_ids(document_of(run), steps))
    return tuple(
        open_step(step, settings.get(step.number, {}), steps) for step in steps if step.is_open
    )


def _kinds(source: NodeSource | None, nodes: Mapping[int, str]) -> dict[int, str]:
    """Return the type of each step's node, by the number of the step."""
    types = nodes_of(source)
    return {number: types[id_].type.title for number, id_ in nodes.items() if id_ in types}


def picture_of(run: Run, fetched: FetchedRun) -> Picture | None:
    """Draw the run's workflow with the state of each node."""
    steps = read_steps(fetched.data or {}, is_over=not run.is_open)
    source = document_of(run)
    if source is None or not fetched.data:
        return None
    code = CodeOfRun(run, source) if isinstance(source, CodePicture) else None
    states = states_of(source, steps, run.status)
    return _picture(source, states, node_ids(source, steps), code)


def _main_step(summary: Summary) -> str:
    step = summary.main_step
    return f": {step.label}, {step.state.label}" if step else ""


def _deployment(run: Run) -> Deployment | None:
    deployments = Deployment.objects.only(*_FIELDS)
    return deployments.get(pk=run.deployment_id) if run.deployment_id else None


def _chosen(steps: Sequence[Step], summary: Summary, number: str) -> Step | None:
    """Return the step in the address, or else the main step, or else the last."""
    if _NUMBER.fullmatch(number) and 0 < int(number) <= len(steps):
        return steps[int(number) - 1]
    return summary.main_step or (steps[-1] if steps else None)


def _page(page: str, chosen: Step | None) -> int:
    if _NUMBER.fullmatch(page):
        return int(page)
    return page_of(chosen.number) if chosen else 1


def _picture(
    source: NodeSource,
    states: Mapping[str, NodeState],
    nodes: Mapping[int, str],
    code: CodeOfRun | None,
) -> Picture | None:
    """Draw the state of each node, with a link to its last step, or to its line in a file."""
    if isinstance(source, CodePicture):
        return code.drawn(states) if code and (states or not source) else None
    if not states:
        return None
    last_step = {id_: number for number, id_ in nodes.items()}
    linked = {
        id_: replace(state, href=f"?step={last_step[id_]}#step") if id_ in last_step else state
        for id_, state in states.items()
    }
    return render(source, linked)


def _version(run: Run, deployment: Deployment | None) -> Context:
    """The version of the run's code; for a failed run, newer live and draft versions too."""
    if deployment is None or run.workflow_id is None:
        return {"deployment_of_run": deployment}
    version = deployment.version_number
    versions = WorkflowVersion.objects.filter(workflow=run.workflow_id)
    numbers = set(versions.values_list("number", flat=True))
    live = _live_version(run) or version
    is_failed = run.status == "errored"  # otherwise, newer versions do not concern the run
    draft = max(numbers, default=live)
    return {
        "deployment_of_run": deployment,
        "has_version": version in numbers,
        "live_version": live if is_failed and live != version else None,
        "draft_version": draft if is_failed and draft > max(live, version) else None,
    }


def _live_version(run: Run) -> int | None:
    live = records.not_taken_down().filter(workflow_public_id=run.workflow_id, target=run.target_id)
    return live.order_by("-pk").values_list("version_number", flat=True).first()


def _entries(run: Run) -> list[Entry]:
    """What users did with the run, newest first."""
    entries = Entry.objects.filter(subject_kind="run", subject_id=run.instance_id[:64])
    return list(entries.filter(subject_name=str(run))[:_MAX_ENTRIES])
