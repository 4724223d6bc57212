"""The nodes of a run's steps: one node calls a step for each iteration, attempt and part."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

from deployments.models import Deployment
from runs.models import Run
from runs.steps.step_reader import Step
from workflows.ir.document.model import WorkflowIR
from workflows.nodes.documents import parse
from workflows.nodes.library.registry import registry
from workflows.picture.step_matching import Matcher
from workflows.picture.step_order import StepCall

_COUNTER: Final = re.compile(r"-[0-9]+$")
_REPETITION: Final = re.compile(r"( \(attempt [0-9]+\)| ?(\[[0-9]+\])+)$")


def parsed_document(pk: int) -> WorkflowIR | None:
    """Return a deployment's document, which never changes."""
    created_at = Deployment.objects.values_list("created_at", flat=True).get(pk=pk)
    return _parsed_document(pk, created_at)


def document_of(run: Run) -> WorkflowIR | None:
    """Return the document of a run; None if it is not known."""
    return parsed_document(run.deployment_id) if run.deployment_id else None


@lru_cache(maxsize=32)
def _parsed_document(pk: int, _created_at: datetime) -> WorkflowIR | None:
    """Parse the document. The time is part of the key, because a restored database reuses ids."""
    deployment = Deployment.objects.only("ir", "node_types").get(pk=pk)
    return parse(deployment.ir, registry(deployment.node_types)).ir


def step_calls(ir: WorkflowIR | None, steps: Sequence[Step]) -> dict[int, StepCall]:
    """Return the node of each step and its part in it, by the number of the step; unknown ones are left out."""
    if ir is None:
        return {}
    numbers = {id(step.raw): step.number for step in steps}
    called = Matcher(ir).match(step.raw for step in steps)
    return {numbers[id(call.raw)]: call for call in called if id(call.raw) in numbers}


def node_ids(ir: WorkflowIR | None, steps: Sequence[Step]) -> dict[int, str]:
    """Return the node of each step, by the number of the step; unknown nodes are left out."""
    return {number: call.node_id for number, call in step_calls(ir, steps).items()}


def plain_name(name: str) -> str:
    """Return a step's name without the target's counter, indices of loops and attempts of races."""
    plain = _COUNTER.sub("", name)
    while (shorter := _REPETITION.sub("", plain)) not in (plain, ""):
        plain = shorter
    return plain
