"""The list of runs, bulk changes from it, and permissions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from audit import trail
from audit.models import Entry
from audit.trail import Actor, Subject
from runs.models import BulkChange, PollStatus, Run, Watcher
from tests.deployments.factories import make_deployment
from tests.runs.examples import START, live_deployment, make_run, workflow_of
from tests.support.page_text import text
from tests.support.sessions import LogIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]


def test_an_empty_list_explains_how_to_start_a_run(admin_client: Client) -> None:
    page = admin_client.get("/runs/")

    assert "Runs will be listed here" in text(page)
    assert 'href="/runs/start/"' in page.content.decode()


LATE = "Checking 1,973 of 1,999 open runs; the oldest was last checked 16 min ago"


def make_late_runs() -> Run:
    """Create 2,000 runs, of which 1,973 have not been checked for a while."""
    run = make_run(status="complete", is_open=False)
    fields = {name: getattr(run, name) for name in ("target", "workflow", "workflow_name")}
    moment = timezone.now() - timedelta(minutes=16)
    Run.objects.bulk_create(
        Run(
            **fields,
            instance_id=f"late-{number}",
            status="running",
            created_at=START,
            checked_at=moment if number < 1973 else timezone.now(),
        )
        for number in range(1999)
    )
    return run


def test_pages_that_count_runs_show_how_far_the_index_lags_behind(admin_client: Client) -> None:
    workflow = workflow_of(make_late_runs())

    for path in (
        "/runs/",
        f"/runs/?workflow={workflow.pk}",
        "/runs/overview/",
        f"/runs/overview/?workflow={workflow.pk}",
        "/runs/waiting/",
        "/",
    ):
        assert LATE in text(admin_client.get(path)), path


def test_a_page_of_another_workflow_does_not_lag_behind(admin_client: Client) -> None:
    late = make_late_runs()
    other = workflow_of(make_run(make_deployment(target=late.target)))

    assert "Checking" not in text(admin_client.get(f"/runs/?workflow={other.pk}"))


def test_a_run_is_listed_with_its_status_and_error(admin_client: Client) -> None:
    run = make_run(status="errored", is_open=False, seconds=1.4, error="Error: sold out")
    make_run(run.deployment, status="waiting", waits_for="approve")
    make_run(run.deployment, status="dreaming")

    page = admin_client.get("/runs/")

    for word in ("Errored", "1.4 s", "sold out", "waits for approve", "Dreaming", "API"):
        assert word in text(page)
    assert f'href="/runs/{run.pk}/"' in page.content.decode()


def test_a_run_that_was_started_here_names_who_started_it(admin_client: Client) -> None:
    live = live_deployment()
    runs = [make_run(live, trigger=trigger) for trigger in ("api", "api", "event")]
    for run, via in zip(runs, ({"via": "page"}, {}, {}), strict=True):
        subject = Subject("run", run.instance_id, str(run))
        trail.record("run started", subject, by=Actor(name="ada"), **via)
    make_run(live)

    page = text(admin_client.get("/runs/"))

    assert page.count("by ada on this site") == 1
    assert page.count("by ada") == 2
    assert page.count("by Event") == 1
    assert page.count("by API") == 1


def test_filters_are_in_the_address_and_counted(admin_client: Client) -> None:
    run = make_run(status="errored", is_open=False)
    other = make_run(run.deployment, status="complete", is_open=False)
    query = f"?workflow={workflow_of(run).pk}&status=errored"

    page = admin_client.get(f"/runs/{query}")

    assert run.instance_id in text(page)
    assert other.instance_id not in text(page)
    assert "Errored 1" in text(page)
    assert "Complete 1" in text(page)


def test_a_filter_without_matches_links_to_all_runs(admin_client: Client) -> None:
    make_run()

    page = admin_client.get("/runs/?q=teapot")

    assert "No matching runs: runs of all workflows, with “teapot” in the payload" in text(page)
    assert "Show all runs" in text(page)


def test_an_unknown_status_is_reported_and_ignored(admin_client: Client) -> None:
    run = make_run(status="errored")
    make_run(run.deployment, status="of-tomorrow")

    unknown = admin_client.get("/runs/?status=bogus")
    some = admin_client.get("/runs/?status=bogus,errored")
    new = admin_client.get("/runs/?status=of-tomorrow")

    assert "A filter is not valid (not a status: bogus). It was ignored." in text(unknown)
    assert [chip["status"] for chip in unknown.context["chips"]] == ["errored", "of-tomorrow"]
    assert (len(unknown.context["page"].runs), some.context["page"].runs) == (2, [run])
    assert "is not valid" not in text(new)
    assert len(new.context["page"].runs) == 1


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("/runs/", "List"),
        ("/runs/overview/", "Overview"),
        ("/runs/workflows/", "Workflows on targets"),
        ("/runs/waiting/", "Waiting for a person"),
    ],
)
def test_the_pages_of_many_runs_link_to_each_other(
    admin_client: Client, address: str, here: str
) -> None:
    page = admin_client.get(address).content.decode()
    _, _, tabs = page.partition('aria-label="Runs">\n  <ul>')
    tabs, _, _ = tabs.partition("</nav>")

    assert tabs.count("<a href=") == 4
    assert tabs.count("aria-current") == 1
    assert f'aria-current="page">{here}</a>' in tabs


def test_the_list_is_paginated_by_keys(admin_client: Client) -> None:
    deployment = live_deployment()
    for number in range(60):
        moment = START + timedelta(seconds=number)
        make_run(deployment, instance_id=f"r{number}", created_at=moment)

    first = admin_client.get("/runs/")
    older = first.context["page"].next
    second = admin_client.get("/runs/", {"after": older})

    assert len(first.context["page"].runs) == 50
    assert [run.instance_id for run in second.context["page"].runs] == [
        f"r{number}" for number in reversed(range(10))
    ]
    assert "Newer runs" in text(second)


def test_the_list_is_fetched_in_parts_and_marked_as_watched(admin_client: Client) -> None:
    run = make_run()
    query = f"?workflow={workflow_of(run).pk}"

    part = admin_client.get(f"/runs/{query}", headers={"HX-Request": "true"})

    assert "<html" not in part.content.decode()
    assert Watcher.objects.get().channel == f"runs-{workflow_of(run).pk}"


def test_a_target_that_cannot_be_polled_is_shown(admin_client: Client) -> None:
    run = make_run()
    PollStatus.objects.create(target=run.target, polled_at=timezone.now(), error="It is down.")

    assert "The runs of account could not be read." in text(admin_client.get("/runs/"))


def test_a_bulk_change_is_confirmed_with_its_count_and_filter(admin_client: Client) -> None:
    run = make_run(status="waiting")
    make_run(run.deployment, status="errored", is_open=False)
    query = {"action": "terminate", "status": "waiting", "workflow": workflow_of(run).pk}

    confirmation = admin_client.get("/runs/bulk/", query)
    form = {
        "action": "terminate",
        "confirmed": confirmation.context["confirmed"],
        "reason": "stuck",
    }
    page = admin_client.post("/runs/bulk/", form, follow=True)

    assert "Terminate 1 run?" in text(confirmation)
    assert f"waiting runs of {workflow_of(run).name}" in text(confirmation)
    assert "What is lost" in text(confirmation)
    change = BulkChange.objects.get()
    assert (change.run_ids, change.reason) == ([run.pk], "stuck")
    assert "0 done, 1 remaining" in text(page)


def test_the_result_of_a_bulk_change_lists_refused_runs(admin_client: Client) -> None:
    errors = [{"run": "run-7", "message": "It has ended."}]
    change = BulkChange.objects.create(
        action="pause", total=3, done=2, failed=1, errors=errors, ended_at=timezone.now()
    )

    page = admin_client.get(f"/runs/bulk/{change.pk}/")

    assert "2 done, 1 refused" in text(page)
    assert "run-7 : It has ended." in text(page)
    assert "every 1s" not in page.content.decode()


ADDRESSES = [
    ("get", "/runs/", "view_run"),
    ("get", "/runs/waiting/", "view_run"),
    ("get", "/runs/{pk}/", "view_run"),
    ("get", "/runs/start/", "trigger_run"),
    ("get", "/runs/batch/", "trigger_run"),
    ("post", "/runs/{pk}/event/", "trigger_run"),
    ("post", "/runs/{pk}/pause/", "control_run"),
    ("get", "/runs/bulk/?action=pause", "control_run"),
]


@pytest.mark.parametrize(("method", "address", "permission"), ADDRESSES)
def test_each_page_needs_its_permission_and_a_refusal_is_in_the_audit_trail(
    log_in: LogIn, method: str, address: str, permission: str
) -> None:
    run = make_run()
    others = {"view_run", "trigger_run", "control_run"} - {permission}
    client = log_in(*(f"runs.{other}" for other in others))

    answer = getattr(client, method)(address.format(pk=run.pk))

    assert answer.status_code == 403
    entry = Entry.objects.get(action="access denied")
    assert entry.reason == f"runs.{permission}"


def test_a_viewer_sees_no_buttons_that_change_anything(log_in: LogIn) -> None:
    run = make_run()
    client = log_in("runs.view_run")

    for address in ("/runs/", f"/runs/{run.pk}/", "/runs/waiting/"):
        page = client.get(address).content.decode()
        assert "/start/" not in page
        assert "/terminate/" not in page
        assert "/bulk/" not in page


def test_runs_require_a_login(client: Client) -> None:
    assert client.get("/runs/")["Location"] == "/admin/login/?next=/runs/"
    assert not Run.objects.exists()
