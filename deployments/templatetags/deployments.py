"""Template filters and tags for statuses, stages and remediation links."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from deployments.draft.environment_rows import BindingRow
from deployments.models import Deployment
from deployments.permissions import MAY_PLAN
from deployments.pipeline.stages import Stage, Status
from deployments.presentation import labels, remediation, stage_list
from deployments.presentation.project_files import FileLinks, line_url
from deployments.presentation.workflow_head import WorkflowHead
from deployments.queue.backlog import backlog
from deployments.resources.resource_picker import ResourceChoice
from deployments.settings_form.fields import SETTINGS
from targets.cloudflare.errors import Cause, Finding, setting_of
from targets.cloudflare.worker_parts import PartKind
from web.tones import Tone
from workflows.documentation.places import place_of_deploy_setting, url_of
from workflows.ir.document.kinds import SCRIPT
from workflows.models import Workflow

register = template.Library()
register.filter("remediation_links", remediation.links)


@register.filter
def stage_label(stage: str) -> str:
    """Return the label of a stage; "" for none."""
    return Stage(stage).label if stage else ""


@register.filter
def is_stalled(item: Deployment) -> bool:
    """Return whether the deployment is waiting although no process is working on the queue."""
    return item.state is Status.QUEUED and not item.not_before and backlog().is_stalled


@register.filter
def tone(status: str) -> str:
    """Return the CSS class of the status color."""
    return labels.TONES[Status(status)].css


@register.filter
def tone_icon(status: str) -> str:
    """Return the name of the icon of the status."""
    return labels.TONES[Status(status)].icon


@register.filter
def has_runs(deployment: Deployment) -> bool:
    """Whether a workflow was deployed, which has runs; a script answers requests instead."""
    return not Deployment.objects.filter(pk=deployment.pk, ir__kind=SCRIPT).exists()


@register.filter
def cause_label(cause: str) -> str:
    """Return the label of a cause; "" for none and for OTHER."""
    return Cause(cause).label if cause and cause != Cause.OTHER else ""


@register.filter
def failed_first(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the parts that are not done, then the others."""
    return sorted(parts, key=lambda part: bool(part["done"]))


@register.simple_tag
def part_name(part: dict[str, Any]) -> SafeString:
    """Render the kind and the name of a part, with a colon if a message follows."""
    name = format_html(" <code>{}</code>", part["name"]) if part.get("name") else ""
    colon = ":" if part.get("message") else ""
    return format_html("{}{}{}", PartKind(part["kind"]).label, name, colon)


@register.filter
def by(deployment: Deployment) -> str:
    """Return " by NAME", or "" for a deployment that no one requested."""
    return f" by {deployment.requested_by_name}" if deployment.requested_by_name else ""


@register.simple_tag
def deployment_link(deployment: Deployment) -> SafeString:
    """Render a link such as #12 to the deployment's page."""
    return format_html('<a href="{}">#{}</a>', deployment.get_absolute_url(), deployment.pk)


@register.simple_tag
def finding_place(
    finding: Finding | dict[str, Any], links: FileLinks | str | None = None
) -> SafeString:
    """Render the node, setting and line of a finding, or its path, with a colon.

    `links` are those of the files of a project.
    """
    field = finding.get if isinstance(finding, dict) else partial(_attribute, finding)
    if not field("node_id"):
        path, line, url = field("path"), field("line"), field("url")
        if isinstance(links, FileLinks):
            url = links.url(path or "", line or 0)
        return _path_place(path, line, url)
    name = field("node_name") or field("node_id")
    link = '<a href="{url}">{name}</a>' if field("url") else "<strong>{name}</strong>"
    setting = setting_of(str(field("path") or ""), str(field("node_id")))
    codes = [field("node_id") if name != field("node_id") else "", setting]
    return format_html(
        link + "{codes}{line}:",
        url=field("url"),
        name=name,
        codes=format_html_join("", " <code>{}</code>", ((code,) for code in codes if code)),
        line=f", line {field('line')}" if field("line") else "",
    )


def _path_place(path: Any, line: Any, url: Any) -> SafeString:
    """Render the path of a file or setting with its line, as a link if there is a page for it."""
    if not path:
        return SafeString("")
    text = f"{path}, line {line}" if line else path
    if url:
        return format_html('<a class="file-place" href="{}"><code>{}</code></a>:', url, text)
    return format_html("<code>{}</code>:", text)


@register.simple_tag
def file_place(path: str, line: int, base: str) -> SafeString:
    """Render the name and the line of a file; `base` is the page of the files, up to a path."""
    text = f"{path}, line {line}" if line else path
    if not path or not base:
        return format_html("<code>{}</code>", text) if text else SafeString("")
    return format_html('<a class="file-place" href="{}">{}</a>', line_url(base, path, line), text)


def _attribute(finding: Finding, name: str) -> Any:
    return getattr(finding, name, "")


@register.inclusion_tag("web/_status.html")
def status(value: str, stage: str = "") -> dict[str, Any]:
    """Render a status, with the stage where an unsuccessful deployment ended."""
    state = Status(value)
    ended_early = state.is_final and state is not Status.SUCCEEDED
    return {
        "label": state.label,
        "tone": labels.TONES[state],
        "at": stage_label(stage) if ended_early else "",
    }


_CHANGE_STATES = {
    "added": ("Added", Tone("plus", "good", "")),
    "changed": ("Changed", Tone("swap", "busy", "")),
    "removed": ("Removed", Tone("bar", "bad", "")),
    "kept": ("Kept", Tone("dot", "quiet", "")),
}


@register.inclusion_tag("web/_status.html")
def change_state(value: str) -> dict[str, Any]:
    """Render what a plan would do with one item."""
    label, tone = _CHANGE_STATES[value]
    return {"label": label, "tone": tone}


@register.inclusion_tag("deployments/workflow/_head.html", takes_context=True)
def workflow_head(
    context: Context, workflow: Workflow, here: str, *, deploys: bool = True
) -> dict[str, Any]:
    """Render the heading of a workflow's page, with `here` as the current tab.

    A page can set `draft_status` to report unsaved changes. A page with its own Deploy button sets
    `deploys` to False.
    """
    request = context["request"]
    return {
        "request": request,
        "perms": context["perms"],
        "csrf_token": context.get("csrf_token"),
        "draft_status": context.get("draft_status", ""),
        "workflow": workflow,
        "head": WorkflowHead(workflow=workflow),
        "here": here,
        "may_plan": deploys
        and not workflow.is_archived
        and any(map(request.user.has_perm, MAY_PLAN)),
        "deploys": deploys and not workflow.is_archived,
        "saves_draft": request.user.has_perm("workflows.change_workflow")
        and not workflow.is_archived,
    }


@register.inclusion_tag("deployments/_ticks.html")
def ticks(deployment: Deployment) -> dict[str, Any]:
    """Render a progress bar with one tick per stage."""
    return {"deployment": deployment, "ticks": stage_list.ticks(deployment)}


@register.inclusion_tag("workflows/fields/_docs_link.html")
def setting_docs(field: str, label: str) -> dict[str, str]:
    """Render a link from a field of the deploy settings to its description; nothing for other fields."""
    setting = SETTINGS.get(field)
    return {"url": url_of(place_of_deploy_setting(setting)) if setting else "", "label": label}


@register.filter
def picker_query(row: BindingRow, workflow: Workflow) -> str:
    """Return the query of the page where the resource of a binding is chosen."""
    return ResourceChoice(kind=row.kind, variable=row.variable, workflow=workflow).query
