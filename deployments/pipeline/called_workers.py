"""The Workers that a Worker calls: found on the target, or a sentence that says what to do."""

from __future__ import annotations

from deployments.pipeline.config.bindings import Binding, RequiredBinding
from deployments.pipeline.ports import Callee, DeployRequest, Resources
from targets.cloudflare import naming
from workflows.ir.document.kinds import SCRIPT, WORKFLOW
from workflows.ir.reading.bindings import BindingKind
from workflows.ir.reading.problems import quoted


def resolve_callee(
    wanted: RequiredBinding, request: DeployRequest, tools: Resources
) -> Binding | str:
    """Return the service or workflow binding, or what keeps it from being one.

    A Worker that calls itself is found before it is there: its first deploy brings it.
    """
    worker, _, class_name = wanted.resource.partition("/")
    class_name = class_name or wanted.class_name
    callee = _self(worker, class_name, request) or tools.callee(worker, class_name)
    refusal = _wrong_kind(wanted, callee) or _not_there(wanted, callee, worker)
    if not refusal and wanted.kind is BindingKind.WORKFLOW:
        refusal = _no_workflow(callee, worker, class_name)
    return refusal or _binding(wanted, callee, request)


def _self(worker: str, class_name: str, request: DeployRequest) -> Callee | None:
    if request.worker_name not in (worker, naming.worker_name(worker)):
        return None
    has_it = not request.is_script and class_name in ("", request.class_name)
    return Callee(
        worker=request.worker_name,
        is_deployed=True,
        workflow=request.worker_name if has_it else "",
        class_name=request.class_name,
        our_name=request.worker_name,
        our_kind=SCRIPT if request.is_script else WORKFLOW,
    )


def _wrong_kind(wanted: RequiredBinding, callee: Callee) -> str:
    """A Worker of ours is called as what it is; a service binding may reach any Worker."""
    name = quoted(callee.our_name)
    if wanted.kind is BindingKind.WORKFLOW and callee.our_kind == SCRIPT:
        return f"{name} is a script, which has no runs: call it by a sub_script node."
    if wanted.kind is BindingKind.SERVICE and wanted.node_id and callee.our_kind == WORKFLOW:
        return f"{name} is a workflow: call it by a sub_workflow node."
    return ""


def _not_there(wanted: RequiredBinding, callee: Callee, worker: str) -> str:
    if callee.is_deployed:
        return ""
    if callee.our_name:
        return f"Deploy {quoted(callee.our_name)} ({worker}) to this target first."
    if wanted.kind is BindingKind.WORKFLOW:
        return (
            f"There is neither a workflow with the id {quoted(worker)} here nor a Worker of that "
            "name on this target: correct it, or deploy the Worker first."
        )
    return (
        f"There is no Worker {quoted(worker)} on this target: deploy it first, or correct the name."
    )


def _no_workflow(callee: Callee, worker: str, class_name: str) -> str:
    if callee.workflow:
        return ""
    if callee.our_name and not class_name:
        return (
            f"{quoted(callee.our_name)} ({worker}) has no Workflow on this target: deploy it again."
        )
    if not class_name:
        return (
            f"{quoted(worker)} is a Worker that is none of our workflows: say which class of it "
            "is meant."
        )
    return (
        f"The Worker {quoted(callee.worker)} has no Workflow of the class {quoted(class_name)} on "
        "this target: correct the name of the class, or deploy the Worker with it."
    )


def _binding(wanted: RequiredBinding, callee: Callee, request: DeployRequest) -> Binding:
    if wanted.kind is BindingKind.SERVICE:
        return Binding(name=wanted.name, kind=wanted.kind, resource=callee.worker)
    is_own = callee.worker == request.worker_name
    return Binding(
        name=wanted.name,
        kind=wanted.kind,
        resource=callee.workflow,
        class_name=callee.class_name,
        script="" if is_own else callee.worker,
    )
