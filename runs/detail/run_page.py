"""All that the page of a run shows, put together from the target, the index and the deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from django.utils import timezone

from audit.models import Entry
from deployments.history import records
from deployments.models import Deployment
from runs import presentation, statuses
from runs.detail.fetch import Reading
from runs.detail.json_tree import read_json
from runs.detail.summary import Situation, nodes_of, situation
from runs.models import Run
from runs.steps.step_reader import Step, error_words, read_steps
from runs.steps.timeline import page_of, timeline
from workflows.ir.document.model import WorkflowIR
from workflows.models import WorkflowVersion
from workflows.nodes.custom import registry
from workflows.nodes.documents import parse
from workflows.picture.drawing import Picture, render
from workflows.picture.run_states import node_states

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
LONG: Final = 1_500  # steps, from which on the picture comes after the rest of the page
_ENTRIES: Final = 8
_CUT: Final = "[truncated output]"

Context = dict[str, Any]


def context_of(run: Run, reading: Reading, *, step: str, page: str) -> Context:
    """Return what the page shows; `step` and `page` are numbers as the address gives them."""
    told = reading.told or {}
    steps = read_steps(told, is_over=not run.is_open)
    deployment = _deployment(run)
    ir = parsed(deployment.pk) if deployment else None
    is_long = len(steps) > LONG
    looked_at = [one for one in steps if not is_long or one.is_open]
    nodes = nodes_of(ir, looked_at)
    now = situation(steps, data_of(deployment, nodes), errored=run.status == "errored")
    chosen = _chosen(steps, now, step)
    nodes = nodes_of(ir, [chosen]) if is_long and chosen else nodes
    return {
        "run": run,
        "told": reading.told,
        "problem": reading.problem,
        "tone": presentation.tone(run.status),
        "seconds": presentation.seconds(run, timezone.now()),
        "situation": now,
        "error": error_words(told.get("error")) or run.error,
        "timeline": timeline(steps, page=_page(page, chosen), now=timezone.now()),
        "step": chosen,
        "node_id": nodes.get(chosen.number, "") if chosen else "",
        "step_output": read_json(chosen.raw.get("output")) if chosen else None,
        "is_cut": _is_cut(chosen),
        "output": read_json(told.get("output")),
        "is_final": statuses.is_final(run.status),
        "drawn": None if is_long else _picture(ir, steps, nodes, run=run),
        "draws_later": is_long and ir is not None,
        "page_title": presentation.page_title(run),
        "announcement": f"{run.status_label}{_doing(now)}",
        "done": _entries(run),
        **_version(run, deployment),
    }


def picture_of(run: Run, reading: Reading) -> Picture | None:
    """Draw the run's workflow with what became of each node."""
    steps = read_steps(reading.told or {}, is_over=not run.is_open)
    ir = parsed(run.deployment_id) if run.deployment_id else None
    return _picture(ir, steps, nodes_of(ir, steps), run=run)


def _is_cut(step: Step | None) -> bool:
    return step is not None and str(step.raw.get("output") or "").endswith(_CUT)


def _doing(now: Situation) -> str:
    return f": {now.first.label}, {now.first.state.label}" if now.first else ""


def _deployment(run: Run) -> Deployment | None:
    mine = Deployment.objects.only(*_FIELDS)
    return mine.get(pk=run.deployment_id) if run.deployment_id else None


@lru_cache(maxsize=32)
def parsed(pk: int) -> WorkflowIR | None:
    """A deployment's document never changes."""
    made = Deployment.objects.only("ir", "node_types").get(pk=pk)
    return parse(made.ir, registry(made.node_types)).ir


def data_of(
    deployment: Deployment | None, nodes: Mapping[int, str]
) -> dict[int, Mapping[str, Any]]:
    """Return the settings of the node of each step, as the deployed document has them."""
    given = deployment.ir.get("nodes", []) if deployment else []
    by_id = {node["id"]: node.get("data") or {} for node in given}
    return {number: by_id[id_] for number, id_ in nodes.items() if id_ in by_id}


def _chosen(steps: Sequence[Step], now: Situation, number: str) -> Step | None:
    """Return the step that the address names, or the one to look at first, or the last."""
    if number.isdecimal() and len(number) < 9 and 0 < int(number) <= len(steps):
        return steps[int(number) - 1]
    return now.first or (steps[-1] if steps else None)


def _page(page: str, chosen: Step | None) -> int:
    if page.isdecimal() and len(page) < 9:
        return int(page)
    return page_of(chosen.number) if chosen else 1


def _picture(
    ir: WorkflowIR | None, steps: Sequence[Step], nodes: Mapping[int, str], *, run: Run
) -> Picture | None:
    """Draw what became of each node, which leads to its last step."""
    if ir is None or not steps:
        return None
    latest = {id_: number for number, id_ in nodes.items()}
    states = {
        id_: replace(state, href=f"?step={latest[id_]}#step") if id_ in latest else state
        for id_, state in node_states(ir, [step.raw for step in steps], run.status).items()
    }
    return render(ir, states)


def _version(run: Run, deployment: Deployment | None) -> Context:
    """The version that the run's code is of, and which ones are live there now and drafted."""
    if deployment is None or run.workflow_id is None:
        return {"deployment_of_run": deployment}
    began_with = deployment.version_number
    numbers = WorkflowVersion.objects.filter(workflow=run.workflow_id)
    known = dict(numbers.values_list("number", "pk"))
    live = _live_version(run) or began_with
    draft = max(known, default=live)
    return {
        "deployment_of_run": deployment,
        "version_pk": known.get(began_with),
        "live_version": live if live != began_with else None,
        "draft_version": draft if draft > max(live, began_with) else None,
    }


def _live_version(run: Run) -> int | None:
    live = records.not_taken_down().filter(workflow_public_id=run.workflow_id, target=run.target_id)
    return live.order_by("-pk").values_list("version_number", flat=True).first()


def _entries(run: Run) -> list[Entry]:
    """What people did with the run, the newest first."""
    mine = Entry.objects.filter(subject_kind="run", subject_id=run.instance_id[:64])
    return list(mine.filter(subject_name=str(run))[:_ENTRIES])
