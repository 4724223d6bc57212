"""The pages that show runs: the list, one run, and the runs that wait for an event."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final

import cloudflare
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from deployments.history import workflow_names
from runs import presentation, statuses
from runs.detail import fetch, run_page, waiting_runs
from runs.detail.json_tree import read_json
from runs.index import listing, watchers, writer
from runs.index.lag import index_lag
from runs.index.listing import Filters, StatusCounts
from runs.index.starters import set_starters
from runs.models import PollStatus, Run
from runs.permissions import CONTROL, MAY_ACT, TRIGGER, VIEW
from runs.services import control, failed_runs
from runs.sync.call_budget import counted
from runs.views.workflow_choice import chosen_workflow
from targets.cloudflare import retries, time_limits
from targets.cloudflare.account import SCRIPTS_READ
from targets.cloudflare.errors import DeployError
from toolchain.redaction import redact_json
from web.decorators import HttpRequest, staff_with
from web.page_context import contributions
from web.rendering import live_page
from web.rendering import page as whole_page
from workflows.picker.matching import label_of

_VALUES: Final = {"payload": "params", "output": "output"}
_OUTDATED: Final = timedelta(minutes=3)


def page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """Render the whole page, or only its live part for htmx, for a page that has one."""
    return live_page(request, name, context | _rights(request))


def form_page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """Render a page without a live part."""
    return whole_page(request, name, context | _rights(request))


def _rights(request: HttpRequest) -> dict[str, bool]:
    return {
        "may_trigger": request.user.has_perm(TRIGGER),
        "may_control": request.user.has_perm(CONTROL),
    }


def viewable_runs() -> QuerySet[Run]:
    """Return the runs with what every page needs; the targets' tokens are not loaded."""
    return Run.objects.select_related("workflow", "target").defer("target__api_token")


@require_safe
@staff_with(VIEW)
def runs(request: HttpRequest) -> HttpResponse:
    """The list of runs, filtered by the address."""
    workflow = chosen_workflow(request)
    if isinstance(workflow, HttpResponse):
        return workflow
    requested = Filters.of(request.GET)
    filters = requested.readable
    watchers.mark_watched(watchers.channel_of_workflow(workflow.pk) if workflow else watchers.ALL)
    cursors = {name: request.GET.get(name, "") for name in ("after", "before")}
    counts = listing.counts(filters)
    names = workflow_names.of_project(workflow.pk) if workflow else []
    listed = listing.page(filters, **cursors)
    set_starters(listed.runs)
    context = {
        "filters": filters,
        "problem": requested.problem,
        "workflow": workflow,
        "workflow_label": label_of(workflow) if workflow else "",
        "names": names if len(names) > 1 else [],
        "page": listed,
        "chips": _chips(filters, counts),
        **_searched(filters),
        "sync_problems": sync_problems(),
        "lag": index_lag(filters.workflow),
        "narrowed": bool(filters.query(workflow="")),
        "bulk_actions": _bulk_actions(filters),
        "words": presentation.filter_words(filters, workflow.name if workflow else ""),
        **({} if request.htmx else _choices()),
    }
    return page(request, "runs/list/list", context)


def _searched(filters: Filters) -> dict[str, Any]:
    """Return how far back texts were searched, and the query for the runs before."""
    since = listing.searched_since(filters)
    if since is None:
        return {}
    until = timezone.localtime(since + timedelta(milliseconds=1)).replace(tzinfo=None)
    query = filters.query(until=until.isoformat(timespec="milliseconds"))
    return {"searched_since": since, "older_query": query}


def _bulk_actions(filters: Filters) -> list[tuple[str, str]]:
    """Return the actions, with labels, that the listed statuses allow."""
    chosen = list(filter(None, filters.status.split(",")))
    allowed = {action for status in chosen or statuses.KNOWN for action in statuses.actions(status)}
    actions = [action for action in control.ACTIONS if action in allowed]
    return [(action, presentation.ACTION_LABELS[action]) for action in actions]


def _chips(filters: Filters, counts: StatusCounts) -> list[dict[str, Any]]:
    """A link for each status with runs, in the order of a run's life; unknown ones come last."""
    order = {status: at for at, status in enumerate(statuses.KNOWN)}
    names = sorted(
        {*counts.numbers, *filter(None, [filters.status])}, key=lambda name: order.get(name, 99)
    )
    return [
        {
            "status": name,
            "label": statuses.label(name) if "," not in name else "Several statuses",
            "tone": presentation.tone(name),
            "count": counts.text(name),
            "query": filters.query(status="" if name == filters.status else name),
            "is_chosen": name == filters.status,
        }
        for name in names
    ]


def _choices() -> dict[str, Any]:
    return {
        "targets": sorted(set(PollStatus.objects.values_list("target__name", flat=True))),
        "triggers": list(statuses.TRIGGERS.items()),
    }


def sync_problems() -> list[PollStatus]:
    """Return the targets that could not be polled, or have not been for a while."""
    outdated = timezone.now() - _OUTDATED
    rows = PollStatus.objects.select_related("target").defer("target__api_token")
    return [row for row in rows if row.error or (row.polled_at and row.polled_at < outdated)]


@require_safe
@staff_with(VIEW)
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of one run."""
    shown = get_object_or_404(viewable_runs(), pk=pk)
    watchers.mark_watched(watchers.channel_of_run(pk))
    if not request.htmx and any(map(request.user.has_perm, MAY_ACT)):
        failed_runs.mark_viewed(shown)
    position = {"step": request.GET.get("step", ""), "page": request.GET.get("steps", "")}
    context = run_page.page_context(shown, fetch.fetch_run(shown), **position)
    context["actions"] = [
        (action, presentation.ACTION_LABELS[action])
        for action in presentation.available_actions(shown)
    ]
    context |= contributions("run", request, context)
    return page(request, "runs/run/run", context)


@require_safe
@staff_with(VIEW)
def picture(request: HttpRequest, pk: int) -> HttpResponse:
    """The picture of a long run, which its page loads last."""
    shown = get_object_or_404(viewable_runs(), pk=pk)
    context = {"run": shown, "picture": run_page.picture_of(shown, fetch.fetch_run(shown))}
    return page(request, "runs/run/picture", context)


@require_safe
@staff_with(VIEW)
def waiting(request: HttpRequest) -> HttpResponse:
    """The runs that wait for an event, the most urgent first."""
    watchers.mark_watched(watchers.ALL)
    after = request.GET.get("after", "")
    context = {
        "page": waiting_runs.waiting_page(viewable_runs(), after=after),
        "is_first": not after,
        "sync_problems": sync_problems(),
        "lag": index_lag(),
    }
    return page(request, "runs/waiting/waiting", context)


@require_safe
@staff_with(VIEW)
def step_output(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole output of a step, which is truncated in the run itself."""
    shown = get_object_or_404(viewable_runs(), pk=pk)
    name, kind = request.GET.get("name", ""), request.GET.get("type", "step")
    context: dict[str, Any] = {"run": shown, "name": name, "kind": kind}
    try:
        context["output"] = _step_output(shown, name, kind)
        if "download" in request.GET:
            return _file(context["output"], f"{shown.instance_id}-{name}")
    except DeployError as error:
        context["refusal"] = str(error)
    return page(request, "runs/run/output", context)


@require_safe
@staff_with(VIEW)
def download(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """The whole payload or output of a run; the page may show only a part of it."""
    shown = get_object_or_404(viewable_runs(), pk=pk)
    data = fetch.fetch_run(shown).data
    if what not in _VALUES or data is None:
        raise Http404("This value is not available now.")
    return _file(read_json(data.get(_VALUES[what])), f"{shown.instance_id}-{what}")


def _file(value: Any, name: str) -> HttpResponse:
    body = json.dumps(value, indent=2, ensure_ascii=False)
    response = HttpResponse(body, content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slugify(name)[:100]}.json"'
    return response


def _step_output(shown: Run, name: str, kind: str) -> Any:
    account = counted(fetch.quick_account(shown))
    with (
        retries.using(time_limits.until_deadline()),
        account.explained("read the step's output", needs=SCRIPTS_READ),
    ):
        try:
            response = account.client.workflows.instances.with_raw_response.step(
                shown.instance_id,
                account_id=account.account_id,
                workflow_name=shown.workflow_name,
                name=name,
                type="waitForEvent" if kind == "waitForEvent" else "step",
            )
        except cloudflare.NotFoundError:
            raise DeployError("The target no longer has the output of this step.") from None
    return redact_json(_output_of(response.http_response), writer.secrets_of(shown))


def _output_of(response: Any) -> Any:
    if "json" not in response.headers.get("content-type", ""):
        return response.content.decode(errors="replace")
    body = read_json(response.content.decode(errors="replace"))
    result = body.get("result", body) if isinstance(body, dict) else body
    return read_json(result.get("output")) if isinstance(result, dict) else result
