"""The nodes of a run's steps: one node calls a step for each iteration, attempt and part.

The nodes are those of the document that was deployed. Those of a project are read from the class that
implements the run's Workflow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from deployments.history import workflow_names
from deployments.models import Deployment
from runs.models import Run
from runs.steps.step_reader import Step
from workflows.documents.projects.compiler_settings import compiler_settings
from workflows.documents.projects.config import read_config
from workflows.ir.document.kinds import PROJECT
from workflows.ir.document.model import Node, WorkflowIR
from workflows.nodes.documents import parse
from workflows.nodes.library.registry import registry
from workflows.picture.from_code.class_picture import picture_of_class
from workflows.picture.from_code.model import CodePicture
from workflows.picture.from_code.run_states import run_of_class
from workflows.picture.from_code.step_matching import match_steps
from workflows.picture.run_states import node_states
from workflows.picture.states import NodeState, State
from workflows.picture.step_matching import Matcher
from workflows.picture.step_order import StepCall

NodeSource = WorkflowIR | CodePicture
"""Where the nodes of a run are from: its document, or the class of a project."""

_UNKNOWN_CLASS: Final = (
    "There is no picture, because the version of this run does not have a Workflow with its name."
)
_COUNTER: Final = re.compile(r"-[0-9]+$")
_REPETITION: Final = re.compile(r"( \(attempt [0-9]+\)| ?(\[[0-9]+\])+)$")


def parsed_document(pk: int) -> WorkflowIR | None:
    """Return a deployment's document, which never changes."""
    created_at = Deployment.objects.values_list("created_at", flat=True).get(pk=pk)
    return _parsed_document(pk, created_at)


def document_of(run: Run) -> NodeSource | None:
    """Return the document of a run, or the picture of its class; None if it is not known."""
    if not run.deployment_id:
        return None
    created_at = Deployment.objects.values_list("created_at", flat=True).get(pk=run.deployment_id)
    picture = _class_picture(run.deployment_id, run.workflow_name, created_at)
    return _parsed_document(run.deployment_id, created_at) if picture is None else picture


@lru_cache(maxsize=32)
def _class_picture(pk: int, workflow_name: str, _created_at: datetime) -> CodePicture | None:
    """Return the picture of the class of a project's Workflow; None if no project was deployed."""
    project = Deployment.objects.filter(pk=pk, ir__kind=PROJECT)
    deployment = project.only("ir", "files", "wrangler_json").first()
    if deployment is None:
        return None
    class_name = workflow_names.of_deployment(deployment).get(workflow_name)
    if class_name is None:
        return CodePicture(class_name="", message=_UNKNOWN_CLASS)
    main, aliases = read_config(deployment.files).main, compiler_settings(deployment.files).aliases
    return picture_of_class(deployment.files, main, class_name, aliases=aliases)


@lru_cache(maxsize=32)
def _parsed_document(pk: int, _created_at: datetime) -> WorkflowIR | None:
    """Parse the document. The time is part of the key, because a restored database reuses ids."""
    deployment = Deployment.objects.only("ir", "node_types").get(pk=pk)
    return parse(deployment.ir, registry(deployment.node_types)).ir


def step_calls(source: NodeSource | None, steps: Sequence[Step]) -> dict[int, StepCall]:
    """Return the node of each step and its part in it, by the number of the step; unknown ones are left out."""
    if source is None:
        return {}
    numbers = {id(step.raw): step.number for step in steps}
    called = calls_of(source, steps)
    return {numbers[id(call.raw)]: call for call in called if id(call.raw) in numbers}


def node_ids(source: NodeSource | None, steps: Sequence[Step]) -> dict[int, str]:
    """Return the node of each step, by the number of the step; unknown nodes are left out."""
    return {number: call.node_id for number, call in step_calls(source, steps).items()}


def calls_of(source: NodeSource, steps: Sequence[Step]) -> Sequence[StepCall]:
    """Return the steps whose node is known, with it."""
    raw = [step.raw for step in steps]
    if isinstance(source, CodePicture):
        return match_steps(source, raw).calls
    return list(Matcher(source).match(raw))


def states_of(source: NodeSource, steps: Sequence[Step], status: str) -> Mapping[str, NodeState]:
    """Return the state of each node in a run with this status."""
    raw = [step.raw for step in steps]
    if isinstance(source, CodePicture):
        return run_of_class(source, raw, status).states
    return node_states(source, raw, status)


def nodes_of(source: NodeSource | None) -> Mapping[str, Node]:
    """Return the nodes by their ids; none if the picture of a class could not be read."""
    ir = source.ir if isinstance(source, CodePicture) else source
    return ir.nodes if ir else {}


def with_handled_timeouts(
    source: NodeSource | None, steps: Sequence[Step], calls: Mapping[int, StepCall]
) -> tuple[Step, ...]:
    """Return the steps; a wait that timed out has not failed if its node has continued."""
    asking = {id_ for id_, node in nodes_of(source).items() if _asks_again(node)}
    last = {(call.node_id, call.indices): number for number, call in calls.items()}
    return tuple(
        replace(step, state=State.DONE)
        if step.kind == "waitForEvent"
        and step.state is State.FAILED
        and (call := calls.get(step.number)) is not None
        and call.node_id in asking
        and last[call.node_id, call.indices] > step.number
        else step
        for step in steps
    )


def _asks_again(node: Node) -> bool:
    """Return whether the node does something else when its wait times out."""
    return node.type.receives_event and len(node.type.step_suffixes) > 1


def node_settings(deployment: int | None, nodes: Mapping[int, str]) -> dict[int, Mapping[str, Any]]:
    """Return the settings of each step's node in the deployed document, by the step's number."""
    if not deployment or not nodes:
        return {}
    document = Deployment.objects.filter(pk=deployment).values_list("ir", flat=True).first()
    by_id = {node["id"]: node.get("data") or {} for node in (document or {}).get("nodes", [])}
    return {number: by_id[id_] for number, id_ in nodes.items() if id_ in by_id}


def plain_name(name: str) -> str:
    """Return a step's name without the target's counter, indices of loops and attempts of races."""
    plain = _COUNTER.sub("", name)
    while (shorter := _REPETITION.sub("", plain)) not in (plain, ""):
        plain = shorter
    return plain
