"""Templates: complete workflows to start from."""

from __future__ import annotations

from typing import Any

from ninja import Router
from ninja.responses import Status

from api.conventions.callers import ApiRequest
from api.conventions.operations import operation
from api.conventions.problems import ApiError
from api.conventions.schema import ListOf, listed
from api.lookup import workflow_for
from api.routes.workflows import workflow_out
from api.schemas.nodes import TemplateDetail, TemplateOut, UseTemplate, template_of
from api.schemas.workflows import WorkflowOut
from workflows import services
from workflows.documentation import examples
from workflows.documentation.markdown import CodeBlock
from workflows.documentation.templates import Template, templates

VIEW, ADD, CHANGE = (
    "workflows.view_workflow",
    "workflows.add_workflow",
    "workflows.change_workflow",
)
router = Router(tags=["Templates"])


@operation(router, "GET", "/templates", permission=VIEW, responses={200: ListOf[TemplateOut]})
def list_templates(request: ApiRequest) -> dict[str, Any]:
    """List the templates."""
    return listed([template_of(each) for each in templates()])


@operation(
    router,
    "GET",
    "/templates/{slug:template_id}",
    permission=VIEW,
    responses={200: TemplateDetail},
)
def get_template(request: ApiRequest, template_id: str) -> dict[str, Any]:
    """Return a template with its document."""
    template, block = _template(template_id)
    return {
        **template_of(template),
        "ir": block.document,
        "trigger_code": block.entry_code,
        "tests": block.tests,
    }


@operation(
    router,
    "POST",
    "/templates/{slug:template_id}/use",
    permission=(ADD, CHANGE),
    responses={200: WorkflowOut, 201: WorkflowOut},
)
def use_template(request: ApiRequest, template_id: str, body: UseTemplate) -> Status[Any]:
    """Create a workflow from a template, or add its nodes to the end of a draft."""
    caller, (_, block) = request.auth, _template(template_id)
    caller.require(CHANGE if body.workflow_id else ADD)
    if body.workflow_id:
        workflow = workflow_for(caller, body.workflow_id)
        examples.add_to_draft(workflow, block.document or {}, by=caller.user)
        return Status(200, workflow_out(request, workflow.pk))
    caller.require_all_workflows()
    workflow = services.import_document(
        examples.named(block.document or {}, body.name),
        entry_code=block.entry_code,
        tests=block.tests,
        by=caller.actor,
    )
    return Status(201, workflow_out(request, workflow.pk))


def _template(template_id: str) -> tuple[Template, CodeBlock]:
    for template in templates():
        if template.address.rpartition("/")[2] == template_id:
            block = examples.example(template.address, str(template.example))
            if block is not None:
                return template, block
    raise ApiError(404, f"There is no template {template_id!r}.")
