"""What a test run builds: the draft, changed so that the run stops after a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployments.pipeline.config.bindings import Variable
from deployments.pipeline.ports import DeployRequest
from runs.services.control import Refused
from workflows.editing import refusals
from workflows.editing.operations import perform
from workflows.editing.workbench import OpenDocument
from workflows.ir.document.model import WorkflowIR
from workflows.models import Workflow
from workflows.node_types.registered import snapshot, types_for
from workflows.services import Variable as StoredVariable

_STOP: Final = "The test run stops here"
HIDDEN_SECRET: Final = "hidden-in-test-runs"  # noqa: S105 - what replaces a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppingDocument:
    """The document to run, and the name of the step at which it stops; None if it does not."""

    document: Any
    step: str | None


def stop_after(workflow: Workflow, ir: WorkflowIR, node_id: str) -> StoppingDocument:
    """Return the draft with a step behind the node, at which the run stops.

    Raises Refused if nothing can follow the node.
    """
    if not node_id:
        return StoppingDocument(document=workflow.ir, step=None)
    names = {node.name for node in ir.nodes.values()}
    name = next(_STOP + mark for mark in _marks() if _STOP + mark not in names)
    operation = {
        "type": "add",
        "node_type": "step",
        "slot": {"after": node_id},
        "name": name,
        "data": {"code": "return null as any;"},
        "force": True,
    }
    try:
        edit = perform(OpenDocument(workflow.ir, types_for(workflow.ir)), operation)
    except (refusals.Refused, refusals.NotEditable):
        raise Refused(
            f"A test run cannot stop after {ir.nodes[node_id].name}, because nothing can follow it. "
            "Choose the node before it."
        ) from None
    return StoppingDocument(document=edit.document, step=name)


def _marks() -> list[str]:
    return ["", *(f" ({number})" for number in range(2, 1000))]


def draft_request(
    workflow: Workflow, document: Any, *, worker: str, variables: Mapping[str, Variable]
) -> DeployRequest:
    """Return the pipeline's request for a document of the draft, as a Worker of this name."""
    return DeployRequest(
        ir=document,
        entry_code=workflow.entry_code,
        dependencies=workflow.dependencies,
        class_name=workflow.class_name,
        worker_name=worker,
        variables=variables,
        bindings=workflow.bindings,
        node_types=snapshot(document),
        settings=workflow.settings,
    )


def without_secrets(
    variables: Mapping[str, StoredVariable], secret_names: frozenset[str]
) -> Mapping[str, Variable]:
    """Replace the values of secrets, for users who may not deploy code that reads them."""
    return {
        name: StoredVariable(
            name=name,
            value=HIDDEN_SECRET if variable.is_secret or name in secret_names else variable.value,
            is_secret=variable.is_secret,
            origin=variable.origin,
        )
        for name, variable in variables.items()
    }
