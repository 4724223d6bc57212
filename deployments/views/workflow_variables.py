"""The environment of one workflow: its bindings and variables, with the forms that set them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final, cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_safe

from audit.trail import Actor
from deployments.draft.environment import environment_of
from deployments.presentation.project_files import draft_files_url
from targets.lookup import available_targets
from targets.models import Target
from targets.permissions import CHECK
from web.decorators import HttpRequest, redirect_get_to, staff_with
from web.rendering import page
from workflows import audit_entries
from workflows.env_files import MAX_LENGTH, InvalidEnvFile, looks_secret, read_env_file
from workflows.forms import OwnVariableForm
from workflows.models import EnvironmentVariable, Workflow
from workflows.services import set_variables

if TYPE_CHECKING:
    from django.contrib.auth.models import User

VIEW: Final = "workflows.view_environmentvariable"
ADD: Final = "workflows.add_environmentvariable"
CHANGE: Final = "workflows.change_environmentvariable"
_MAX_LISTED: Final = 10
_MAX_TARGETS: Final = 3
_MAX_NAME: Final = 128


@require_safe
@staff_with(VIEW)
def variables(request: HttpRequest, pk: str) -> HttpResponse:
    """Show the variables that a deploy would set, to staff who may view variables."""
    return _page(request, get_object_or_404(Workflow, pk=pk))


def _variables_page(_request: HttpRequest, pk: str) -> str:
    return reverse("deployments:workflow_variables", args=[pk])


def _page(
    request: HttpRequest,
    workflow: Workflow,
    *,
    errors: Collection[str] = (),
    form: OwnVariableForm | None = None,
) -> HttpResponse:
    user = cast("User", request.user)
    may_set = user.has_perms([ADD, CHANGE]) and not workflow.is_archived
    if may_set and form is None:
        form = OwnVariableForm(instance=_variable(workflow, request.GET.get("name", "")))
    context = {
        "workflow": workflow,
        "environment": environment_of(workflow),
        "files_url": draft_files_url(workflow) if workflow.is_project else "",
        "targets": _targets() if user.has_perms([CHECK, CHANGE]) else [],
        "errors": list(errors)[:_MAX_LISTED],
        "more_errors": max(len(errors) - _MAX_LISTED, 0),
        "may_set": may_set,
        "form": form,
        "max_length": MAX_LENGTH,
    }
    return page(request, "deployments/workflow/variables", context)


def _targets() -> list[Target]:
    """Return the targets whose resources can be chosen, the default first."""
    return list(available_targets().order_by("-is_default", "name")[:_MAX_TARGETS])


def _variable(workflow: Workflow, name: str) -> EnvironmentVariable:
    """Return the workflow's variable with this name, or a new one."""
    own = workflow.variables.filter(name=name).first() if name else None
    return own or EnvironmentVariable(workflow=workflow, name=name[:_MAX_NAME])


@redirect_get_to(_variables_page)
@sensitive_post_parameters()
@staff_with(ADD)
@staff_with(CHANGE)
def set_one(request: HttpRequest, pk: str) -> HttpResponse:
    """Set one variable of the workflow; a secret that is refused is not shown again."""
    workflow = get_object_or_404(Workflow, pk=pk)
    is_edit = bool(request.POST.get("opened"))
    instance = _variable(workflow, request.POST.get("name", "") if is_edit else "")
    form = OwnVariableForm(request.POST, instance=instance)
    if not form.is_valid():
        return _page(request, workflow, form=form)
    with transaction.atomic():
        variable = form.save()
        audit_entries.record_variable(
            audit_entries.VARIABLE_SET, variable, by=Actor.of(request.user)
        )
    messages.success(
        request,
        f"{variable.name} is set. The Worker gets it with the next deploy of {workflow.name}.",
    )
    return redirect(_variables_page(request, pk))


@redirect_get_to(_variables_page)
@sensitive_post_parameters()
@staff_with(ADD)
@staff_with(CHANGE)
def paste(request: HttpRequest, pk: str) -> HttpResponse:
    """Set the variables in the text `env`, or none of them; the response never repeats the text.

    `secrets` says which values are secret: "likely" (by their names), "all" or "none".
    """
    workflow = get_object_or_404(Workflow, pk=pk)
    try:
        values = read_env_file(request.POST.get("env", ""))
        secrets = _secrets(values, request.POST.get("secrets", "likely"))
        by = Actor.of(request.user)
        set_variables(values, workflow=workflow, secrets=secrets, by=by)
    except (InvalidEnvFile, ValidationError) as error:
        errors = error.errors if isinstance(error, InvalidEnvFile) else error.messages
        return _page(request, workflow, errors=errors)
    count = len(values)
    messages.success(request, f"{count} variable{'s' if count != 1 else ''} set.")
    return redirect(_variables_page(request, pk))


def _secrets(values: Mapping[str, str], which: str) -> set[str]:
    """Return the names of secrets; an empty value cannot be one."""
    match which:
        case "none":
            return set()
        case "all":
            return {name for name, value in values.items() if value}
        case _:
            return {name for name, value in values.items() if value and looks_secret(name)}
