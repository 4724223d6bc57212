"""The deploy settings of a workflow, with a preview of the resulting wrangler.json."""

from __future__ import annotations

import json
import re
from typing import Any, Final, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from deployments.permissions import DEPLOY
from deployments.presentation.project_files import draft_files_url
from deployments.presentation.project_parts import settings_of_project
from deployments.settings_form.form import EMPTY_ROWS, SettingsForms
from deployments.settings_form.preview import preview
from web.decorators import HttpRequest, redirect_get_to, staff_with
from web.rendering import page
from workflows.ir.deploy.deploy_settings import DeploySettings, read_settings
from workflows.ir.reading.problems import InvalidIR
from workflows.models import Workflow

CHANGE = "workflows.change_workflow"
_COUNT: Final = re.compile(r"[0-9]{1,4}")
_STALE = (
    "Someone else saved this workflow while you were editing it. Your changes are not saved. Open "
    "this page in another tab to see their settings, or save again to overwrite them."
)
_IN_FILES = (
    "Nothing was saved. The settings of a project are in its configuration file: change them there."
)
_BROKEN = "The settings were not saved, because the workflow's document has problems: "


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(CHANGE)
def deploy_settings(request: HttpRequest, pk: str) -> HttpResponse:
    """Show or save the settings, for staff who may change workflows; those of a project are in its files."""
    workflow = get_object_or_404(Workflow, pk=pk)
    if workflow.is_project:
        return _of_project(request, workflow)
    if request.method == "POST":
        return _save(request, pk)
    return _page(request, SettingsForms(workflow))


def _of_project(request: HttpRequest, workflow: Workflow) -> HttpResponse:
    if request.method == "POST":
        messages.error(request, _IN_FILES)
    base, packages = draft_files_url(workflow), workflow.dependencies
    context = {
        "workflow": workflow,
        "settings": settings_of_project(workflow.files, base=base, packages=packages),
        "preview": preview(workflow, DeploySettings()),
    }
    return page(request, "deployments/settings/project", context)


@transaction.atomic
def _save(request: HttpRequest, pk: str) -> HttpResponse:
    """Save the settings. A concurrent request waits for the row lock and then sees the change."""
    workflow = get_object_or_404(Workflow.objects.select_for_update(no_key=True), pk=pk)
    forms = SettingsForms(workflow, request.POST)
    if not forms.is_valid:
        return _page(request, forms)
    if forms.is_stale():
        return _page(request, forms, refusal=_STALE)
    try:
        version = forms.save(by=cast("User", request.user))
    except InvalidIR as invalid:
        return _page(request, forms, refusal=_BROKEN + str(invalid.problems[0]))
    if version:
        text = f"Saved as v{version.number}. The settings take effect with the next deploy."
        messages.success(request, text)
    else:
        messages.info(request, "No changes: the settings are the same as before.")
    return redirect("deployments:deploy_settings", pk=pk)


def _settings_page(_request: HttpRequest, pk: str) -> str:
    return reverse("deployments:deploy_settings", args=[pk])


@redirect_get_to(_settings_page)
@staff_with(CHANGE)
def deploy_settings_preview(request: HttpRequest, pk: str) -> HttpResponse:
    """Preview the posted settings without saving, adding rows on request."""
    workflow = get_object_or_404(Workflow, pk=pk)
    if workflow.is_project:
        return _of_project(request, workflow)
    forms = SettingsForms(workflow, _with_rows(request))
    if request.htmx and "add" not in request.POST:
        return render(request, "deployments/settings/_preview.html", _previewed(forms))
    return _page(request, forms)


def _with_rows(request: HttpRequest) -> Any:
    posted = request.POST.copy()
    total = f"{posted.get('add', '')}-TOTAL_FORMS"
    count = str(posted.get(total, ""))
    if _COUNT.fullmatch(count):
        posted[total] = str(int(count) + EMPTY_ROWS)
    return posted


def _page(request: HttpRequest, forms: SettingsForms, *, refusal: str = "") -> HttpResponse:
    context = {
        **_previewed(forms),
        "workflow": forms.workflow,
        "forms": forms,
        "refusal": refusal,
        "may_deploy": request.user.has_perm(DEPLOY),
    }
    return page(request, "deployments/settings/settings", context)


def _previewed(forms: SettingsForms) -> dict[str, Any]:
    """Return the preview of the stored or the posted settings; None if they are invalid."""
    shown = forms.shown()
    if shown is None:
        return {"preview": None}
    result = preview(forms.workflow, read_settings(shown))
    return {"preview": result, "stored": json.dumps(shown, indent=2, ensure_ascii=False)}
