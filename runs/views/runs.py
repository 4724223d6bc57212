"""The pages that show runs: the list, one run, and those that wait for somebody."""

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
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from runs import presentation, statuses
from runs.detail import fetch, run_page, waiting_runs
from runs.detail.json_tree import read_json
from runs.index import listing, watchers, writer
from runs.index.listing import Filters
from runs.models import Polling, Run
from runs.permissions import CONTROL, TRIGGER, VIEW
from runs.services import control
from runs.sync.call_budget import counted
from targets.cloudflare import retries, time_limits
from targets.cloudflare.account import SCRIPTS_READ
from targets.cloudflare.errors import DeployError
from web.decorators import HttpRequest, staff_with
from web.rendering import live_page
from workflows.models import Workflow

_VALUES: Final = {"payload": "params", "output": "output"}
_LATE: Final = timedelta(minutes=3)


def page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """Answer with the whole page, or with its live part when htmx asks for it."""
    context |= {
        "may_trigger": request.user.has_perm(TRIGGER),
        "may_control": request.user.has_perm(CONTROL),
    }
    return live_page(request, name, context)


def known_runs() -> QuerySet[Run]:
    return Run.objects.select_related("workflow", "target").defer("target__api_token")


@require_safe
@never_cache
@staff_with(VIEW)
def runs(request: HttpRequest) -> HttpResponse:
    asked = Filters.of(request.GET)
    filters = asked.readable
    workflow = Workflow.objects.filter(pk=filters.workflow).first()
    if filters.workflow and workflow is None:
        raise Http404("There is no such workflow.")
    watchers.show(watchers.channel_of_workflow(workflow.pk) if workflow else watchers.ALL)
    cursors = {name: request.GET.get(name, "") for name in ("after", "before")}
    counts = listing.counts(filters)
    context = {
        "filters": filters,
        "problem": asked.problem,
        "workflow": workflow,
        "page": listing.page(filters, **cursors),
        "chips": _chips(filters, counts),
        "total": sum(counts.values()),
        "troubles": troubles(),
        "narrowed": bool(filters.query(workflow="")),
        "bulk_actions": _bulk_actions(filters),
        "words": presentation.filter_words(filters, workflow.name if workflow else ""),
        **({} if request.htmx else _choices()),
    }
    return page(request, "runs/list/list", context)


def _bulk_actions(filters: Filters) -> list[tuple[str, str]]:
    """Return what runs of the listed states can be told, with its word."""
    chosen = list(filter(None, filters.status.split(",")))
    allowed = {one for status in chosen or statuses.KNOWN for one in statuses.actions(status)}
    return [(one, presentation.ACTION_WORDS[one]) for one in control.ACTIONS if one in allowed]


def _chips(filters: Filters, counts: dict[str, int]) -> list[dict[str, Any]]:
    """A link per status that there is, in the order of a run's life; what is not known comes last."""
    order = {status: at for at, status in enumerate(statuses.KNOWN)}
    names = sorted({*counts, *filter(None, [filters.status])}, key=lambda one: order.get(one, 99))
    return [
        {
            "status": name,
            "label": statuses.label(name) if "," not in name else "Several states",
            "tone": presentation.tone(name),
            "count": counts.get(name, 0),
            "query": filters.query(status="" if name == filters.status else name),
            "is_chosen": name == filters.status,
        }
        for name in names
    ]


def _choices() -> dict[str, Any]:
    return {
        "workflows": list(Workflow.objects.order_by("name").values_list("pk", "name")[:500]),
        "targets": sorted(set(Polling.objects.values_list("target__name", flat=True))),
        "triggers": list(statuses.TRIGGERS.items()),
    }


def troubles() -> list[Polling]:
    """Return the targets that could not be asked, or were not for a while."""
    late = timezone.now() - _LATE
    asked = Polling.objects.select_related("target").defer("target__api_token")
    return [one for one in asked if one.error or (one.asked_at and one.asked_at < late)]


@require_safe
@never_cache
@staff_with(VIEW)
def run(request: HttpRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(known_runs(), pk=pk)
    watchers.show(watchers.channel_of_run(pk))
    asked = {"step": request.GET.get("step", ""), "page": request.GET.get("steps", "")}
    context = run_page.context_of(shown, fetch.read(shown), **asked)
    context["actions"] = [
        (one, presentation.ACTION_WORDS[one]) for one in presentation.actions_of(shown)
    ]
    return page(request, "runs/run/run", context)


@require_safe
@never_cache
@staff_with(VIEW)
def picture(request: HttpRequest, pk: int) -> HttpResponse:
    """The picture of a run of many steps, which its page fetches last."""
    shown = get_object_or_404(known_runs(), pk=pk)
    drawn = run_page.picture_of(shown, fetch.read(shown))
    return page(request, "runs/run/picture", {"run": shown, "drawn": drawn})


@require_safe
@never_cache
@staff_with(VIEW)
def waiting(request: HttpRequest) -> HttpResponse:
    """The runs that wait for an event, the most urgent first."""
    watchers.show(watchers.ALL)
    after = request.GET.get("after", "")
    context = {
        "page": waiting_runs.waiting(known_runs(), after=after),
        "is_first": not after,
        "troubles": troubles(),
    }
    return page(request, "runs/waiting/waiting", context)


@require_safe
@never_cache
@staff_with(VIEW)
def step_output(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole output of a step, which the run itself tells in part only."""
    shown = get_object_or_404(known_runs(), pk=pk)
    name, kind = request.GET.get("name", ""), request.GET.get("type", "step")
    context: dict[str, Any] = {"run": shown, "name": name, "kind": kind}
    try:
        context["output"] = _whole(shown, name, kind)
        if "download" in request.GET:
            return _file(context["output"], f"{shown.instance_id}-{name}")
    except DeployError as refused:
        context["refusal"] = str(refused)
    return page(request, "runs/run/output", context)


@require_safe
@never_cache
@staff_with(VIEW)
def download(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """What a run was given, or gave, whole: its page draws a part of what is very large."""
    shown = get_object_or_404(known_runs(), pk=pk)
    told = fetch.read(shown).told
    if what not in _VALUES or told is None:
        raise Http404("The target does not tell this of the run now.")
    return _file(read_json(told.get(_VALUES[what])), f"{shown.instance_id}-{what}")


def _file(value: Any, name: str) -> HttpResponse:
    body = json.dumps(value, indent=2, ensure_ascii=False)
    answer = HttpResponse(body, content_type="application/json; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{slugify(name)[:100]}.json"'
    return answer


def _whole(shown: Run, name: str, kind: str) -> Any:
    account = counted(fetch.quick_account(shown))
    with (
        retries.using(time_limits.until_deadline()),
        account.explained("read the step's output", needs=SCRIPTS_READ),
    ):
        try:
            answer = account.client.workflows.instances.with_raw_response.step(
                shown.instance_id,
                account_id=account.account_id,
                workflow_name=shown.workflow_name,
                name=name,
                type="waitForEvent" if kind == "waitForEvent" else "step",
            )
        except cloudflare.NotFoundError:
            raise DeployError("The target keeps no output of this step any more.") from None
    return fetch.hidden(_output_of(answer.http_response), writer.secrets_of(shown))


def _output_of(response: Any) -> Any:
    if "json" not in response.headers.get("content-type", ""):
        return response.content.decode(errors="replace")
    told = json.loads(response.content)
    told = told.get("result", told) if isinstance(told, dict) else told
    return read_json(told.get("output")) if isinstance(told, dict) else told
