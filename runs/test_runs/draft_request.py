"""What a test run builds: the draft or a version, changed so that the run stops after a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployments.pipeline.config.bindings import Variable
from deployments.pipeline.ports import DeployRequest
from runs.services.control import Refused
from workflows.editing.document import refusals
from workflows.editing.document.workbench import OpenDocument
from workflows.editing.operations import perform
from workflows.ir.deploy.deploy_settings import read_settings
from workflows.ir.document.kinds import kind_of
from workflows.ir.document.model import WorkflowIR
from workflows.models import Workflow, WorkflowVersion
from workflows.node_types.registered import snapshot, types_for
from workflows.services import Variable as StoredVariable

_STOP: Final = "The test run stops here"
HIDDEN_SECRET: Final = "hidden-in-test-runs"  # noqa: S105 - what replaces a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Runnable:
    """The content of the draft or of a version, as `Workflow.content` returns it."""

    workflow: Workflow
    content: Mapping[str, Any]

    @classmethod
    def draft(cls, workflow: Workflow) -> Runnable:
        return cls(workflow=workflow, content=workflow.content)

    @classmethod
    def version(cls, version: WorkflowVersion) -> Runnable:
        return cls(workflow=version.workflow, content=version.content)

    @classmethod
    def numbered(cls, workflow: Workflow, number: int | None) -> Runnable:
        """Return a version, or the draft without a number; raises WorkflowVersion.DoesNotExist."""
        if number is None:
            return cls.draft(workflow)
        return cls.version(workflow.versions.select_related("workflow").get(number=number))

    @property
    def ir(self) -> Any:
        return self.content["ir"]

    @property
    def kind(self) -> str:
        return kind_of(self.ir)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppingDocument:
    """The document to run, and the name of the step at which it stops; None if it does not."""

    document: Any
    step: str | None


def stop_after(document: Any, ir: WorkflowIR, node_id: str) -> StoppingDocument:
    """Return the document with a step behind the node, at which the run stops.

    Raises Refused if nothing can follow the node.
    """
    if not node_id:
        return StoppingDocument(document=document, step=None)
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
        edit = perform(OpenDocument(document, types_for(document)), operation)
    except (refusals.Refused, refusals.NotEditable):
        raise Refused(
            f"A test run cannot stop after {ir.nodes[node_id].name}, because nothing can follow it. "
            "Choose the node before it."
        ) from None
    return StoppingDocument(document=edit.document, step=name)


def _marks() -> list[str]:
    return ["", *(f" ({number})" for number in range(2, 1000))]


def draft_request(
    runnable: Runnable, document: Any, *, worker: str, variables: Mapping[str, Variable]
) -> DeployRequest:
    """Return the pipeline's request for a changed document, as a Worker of this name.

    Only steps that are marked as sensitive hide their outputs: a test could not compare them.
    """
    content = runnable.content
    return DeployRequest(
        ir=document,
        entry_code=content["entry_code"],
        dependencies=content["dependencies"],
        class_name=runnable.workflow.class_name,
        worker_name=worker,
        variables=variables,
        bindings=content["bindings"],
        node_types=snapshot(document),
        settings=read_settings(content["deploy_settings"]),
        hides_secrets=False,
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
