"""Environment variables: global ones, and those of workflows."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from ninja import Query, Router
from ninja.responses import Status

from api.conventions.callers import ApiRequest, Caller
from api.conventions.operations import operation
from api.conventions.paging import page_of
from api.conventions.problems import ApiError
from api.conventions.schema import ListOf, listed
from api.lookup import workflow_for
from api.schemas.variables import (
    MASKED,
    EnvFile,
    EnvVarBody,
    EnvVarOut,
    NewVariable,
    VariableChanges,
    VariableQuery,
    variable_of,
)
from workflows import services
from workflows.env_files import looks_secret, read_env_file
from workflows.models import EnvironmentVariable, Workflow

VIEW = "workflows.view_environmentvariable"
ADD = "workflows.add_environmentvariable"
CHANGE = "workflows.change_environmentvariable"
DELETE = "workflows.delete_environmentvariable"
router = Router(tags=["Variables"])


@operation(router, "GET", "/env-vars", permission=VIEW, responses={200: ListOf[EnvVarOut]})
def list_variables(request: ApiRequest, query: Query[VariableQuery]) -> dict[str, Any]:
    """List variables by name: all of them, those of a workflow, or the global ones."""
    rows = _visible(request.auth)
    if query.workflow_id:
        request.auth.require_workflow(query.workflow_id)
        rows = rows.filter(workflow=query.workflow_id)
    elif query.scope == "global":
        rows = rows.filter(workflow=None)
    page = page_of(rows, query, order=("name", "pk"), name="variables")
    return listed([variable_of(row) for row in page.rows], page.next_cursor)


@operation(router, "POST", "/env-vars", permission=ADD, responses={201: EnvVarOut}, errors=[404])
def create_variable(request: ApiRequest, body: NewVariable) -> Status[Any]:
    """Set a variable of a workflow, or a global one. One that exists gets the new value."""
    caller = request.auth
    workflow = workflow_for(caller, body.workflow_id) if body.workflow_id else None
    return Status(201, variable_of(_set(caller, body, workflow=workflow)))


@operation(
    router,
    "PATCH",
    "/env-vars/{key:variable_id}",
    permission=CHANGE,
    responses={200: EnvVarOut},
)
def update_variable(request: ApiRequest, variable_id: int, body: VariableChanges) -> dict[str, Any]:
    """Give a variable a new value, or make it secret. A secret stays secret until it is deleted."""
    caller, variable = request.auth, _variable(request.auth, variable_id)
    _require_scope_of(caller, variable.workflow_id)
    if body.name not in (None, variable.name):
        raise ApiError(
            400, "A variable cannot be renamed: delete it, and set one with the new name."
        )
    value = variable.value if body.value in (None, MASKED) else str(body.value)
    changed = services.set_variable(
        variable.name,
        value,
        workflow=variable.workflow,
        is_secret=bool(body.is_secret),
        by=caller.actor,
    )
    return variable_of(changed)


@operation(
    router,
    "DELETE",
    "/env-vars/{key:variable_id}",
    permission=DELETE,
    responses={204: None},
)
def delete_variable(request: ApiRequest, variable_id: int) -> Status[None]:
    """Delete a variable. Workers keep it until they are deployed again."""
    variable = _variable(request.auth, variable_id)
    _require_scope_of(request.auth, variable.workflow_id)
    services.delete_variable(variable, by=request.auth.actor)
    return Status(204, None)


@operation(
    router,
    "POST",
    "/workflows/{slug:workflow_id}/env-file",
    permission=ADD,
    responses={200: list[EnvVarOut]},
    max_bytes=1024 * 1024,
)
def set_variables(request: ApiRequest, workflow_id: str, body: EnvFile) -> list[dict[str, Any]]:
    """Set the variables in the text of a .env file, or none of them."""
    caller = request.auth
    caller.require(CHANGE)
    workflow, values = workflow_for(caller, workflow_id), read_env_file(body.env)
    secret = {
        name
        for name, value in values.items()
        if value and (body.secrets == "all" or (body.secrets == "likely" and looks_secret(name)))
    }
    services.set_variables(values, workflow=workflow, secrets=secret, by=caller.actor)
    return own_variables(caller, workflow)


def own_variables(caller: Caller, workflow: Workflow) -> list[dict[str, Any]]:
    """Return the variables of a workflow; none if the caller may not see them."""
    if not caller.may(VIEW):
        return []
    return [variable_of(row) for row in workflow.variables.order_by("name")]


def set_all(caller: Caller, bodies: list[EnvVarBody], *, workflow: Workflow) -> None:
    """Set variables of a workflow, except for secrets that come back masked."""
    for body in bodies:
        if not (body.is_secret and body.value == MASKED):
            _set(caller, body, workflow=workflow)


def _set(caller: Caller, body: EnvVarBody, *, workflow: Workflow | None) -> EnvironmentVariable:
    caller.require(ADD, CHANGE)
    _require_scope_of(caller, workflow.pk if workflow else None)
    if body.value == MASKED and body.is_secret:
        return _stored_secret(body.name, workflow)
    return services.set_variable(
        body.name, body.value, workflow=workflow, is_secret=body.is_secret, by=caller.actor
    )


def _stored_secret(name: str, workflow: Workflow | None) -> EnvironmentVariable:
    """Return a secret whose masked value was sent back, which does not change it. Raises ApiError."""
    secrets = EnvironmentVariable.objects.filter(name=name, workflow=workflow, is_secret=True)
    secret = secrets.first()
    if secret is None:
        raise ApiError(400, f"There is no secret {name} yet: send its value instead of the mask.")
    return secret


def _require_scope_of(caller: Caller, workflow_id: str | None) -> None:
    """Keep a key that is restricted to workflows from changing the others' variables."""
    if workflow_id is None:
        caller.require_all_workflows()
    else:
        caller.require_workflow(workflow_id)


def _visible(caller: Caller) -> QuerySet[EnvironmentVariable]:
    """Return the variables that a caller may see: global ones, and those of the key's workflows."""
    rows = EnvironmentVariable.objects.all()
    allowed = caller.key.workflows if caller.key else None
    return rows if allowed is None else rows.filter(Q(workflow=None) | Q(workflow__in=allowed))


def _variable(caller: Caller, variable_id: int) -> EnvironmentVariable:
    variable = _visible(caller).select_related("workflow").filter(pk=variable_id).first()
    if variable is None:
        raise ApiError(404, f"There is no variable {variable_id}.")
    return variable
