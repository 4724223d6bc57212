"""Resolve bindings to other Workers and Workflows, or say what to do."""

from __future__ import annotations

from deployments.pipeline.config.bindings import Binding, RequiredBinding
from deployments.pipeline.ports import Callee, DeployRequest, Resources
from targets.cloudflare import naming
from workflows.ir.document.kinds import SCRIPT, WORKFLOW, kind_of
from workflows.ir.reading.bindings import BindingKind
from workflows.ir.reading.problems import listed, quoted


def resolve_callee(
    required: RequiredBinding, request: DeployRequest, tools: Resources
) -> Binding | str:
    """Return the service or workflow binding, or the message of a problem.

    A Worker may call itself before its first deploy.
    """
    worker, _, class_name = required.resource.partition("/")
    class_name = class_name or required.class_name
    callee = _self(worker, class_name, request) or tools.callee(worker, class_name)
    problem = _wrong_kind(required, callee) or _not_deployed(required, callee, worker)
    if not problem and required.kind is BindingKind.WORKFLOW:
        problem = _no_workflow(required, callee, worker, class_name)
    return problem or _binding(required, callee, request)


def _self(worker: str, class_name: str, request: DeployRequest) -> Callee | None:
    if request.worker_name not in (worker, naming.worker_name(worker)):
        return None
    own = request.workflows.items()
    fitting = [(name, of_class) for name, of_class in own if class_name in ("", of_class)]
    name, class_name = fitting[0] if len(fitting) == 1 else ("", "")
    return Callee(
        worker=request.worker_name,
        is_deployed=True,
        workflow=name,
        class_name=class_name,
        our_name=request.worker_name,
        our_kind=kind_of(request.ir),
        classes=tuple(sorted(of_class for _, of_class in fitting[1:] and fitting)),
    )


def _wrong_kind(required: RequiredBinding, callee: Callee) -> str:
    """Require the node type that fits one of our Workers; any Worker can have a service binding."""
    name = quoted(callee.our_name)
    if required.kind is BindingKind.WORKFLOW and callee.our_kind == SCRIPT:
        return f"{name} is a script, which has no runs: call it with a sub_script node."
    if required.kind is BindingKind.SERVICE and required.node_id and callee.our_kind == WORKFLOW:
        return f"{name} is a workflow: call it with a sub_workflow node."
    return ""


def _not_deployed(required: RequiredBinding, callee: Callee, worker: str) -> str:
    if callee.is_deployed:
        return ""
    if callee.our_name:
        return f"Deploy {quoted(callee.our_name)} ({worker}) to this target first."
    if required.kind is BindingKind.WORKFLOW:
        return (
            f"There is no workflow with the id {quoted(worker)}, and no Worker of that name on this "
            "target. Correct the name, or deploy the Worker first."
        )
    return (
        f"There is no Worker {quoted(worker)} on this target. Correct the name, or deploy it first."
    )


def _no_workflow(required: RequiredBinding, callee: Callee, worker: str, class_name: str) -> str:
    if callee.workflow:
        return ""
    if callee.classes:
        fix = f"write {worker}/{callee.classes[0]}, for example, in {required.variable}"
        if required.node_id:
            fix = f"set Other Worker to {callee.worker}, and the class of the Workflow to call"
        return (
            f"{quoted(callee.our_name)} ({worker}) has several Workflows, of the classes "
            f"{listed(callee.classes)}: {fix}."
        )
    if callee.our_name and not class_name:
        return (
            f"{quoted(callee.our_name)} ({worker}) has no Workflow on this target. Deploy it again."
        )
    if not class_name:
        return (
            f"{quoted(worker)} is a Worker but not one of your workflows. Specify the class of its "
            "Workflow."
        )
    return (
        f"The Worker {quoted(callee.worker)} has no Workflow of the class {quoted(class_name)} on "
        "this target. Correct the class, or deploy the Worker with it first."
    )


def _binding(required: RequiredBinding, callee: Callee, request: DeployRequest) -> Binding:
    if required.kind is BindingKind.SERVICE:
        return Binding(name=required.name, kind=required.kind, resource=callee.worker)
    is_own = callee.worker == request.worker_name
    return Binding(
        name=required.name,
        kind=required.kind,
        resource=callee.workflow,
        class_name=callee.class_name,
        script="" if is_own else callee.worker,
    )
