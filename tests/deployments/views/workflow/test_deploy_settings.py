"""The form of a workflow's deploy settings."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from audit.models import Entry
from deployments.settings_form.fields import SETTINGS, SettingsForm
from tests.deployments.factories import make_workflow
from tests.deployments.views.workflow.settings_form import address, filled_in, row, save
from tests.support.page_text import text
from tests.support.sessions import LogIn
from tests.targets.cloudflare.accounts import workflow_with_settings
from tests.workflows.ir.test_deploy_settings import COMPLETE
from workflows.ir.deploy.deploy_settings import read_settings
from workflows.models import Workflow

HTMX = {"HX-Request": "true"}


def test_an_unchanged_form_stores_nothing_and_makes_no_version(admin_client: Client) -> None:
    workflow = make_workflow()

    answer = save(admin_client, workflow)

    assert answer.status_code == 302
    assert workflow.deploy_settings == {}
    assert workflow.versions.count() == 1
    assert not Entry.objects.filter(action="deploy settings changed").exists()


def test_every_setting_survives_the_form_unchanged(admin_client: Client) -> None:
    workflow = workflow_with_settings(COMPLETE)

    save(admin_client, workflow, logpush=None)
    save(admin_client, workflow, logpush="on")

    assert read_settings(workflow.deploy_settings) == read_settings(COMPLETE)
    assert workflow.versions.count() == 4


def test_settings_are_stored_without_defaults(admin_client: Client) -> None:
    workflow = make_workflow()
    typed = {
        **row("routes", pattern="api.example.com/*", zone="Example.com"),
        **row("consumers", 1, queue="jobs", max_batch_size="10", max_retries="3"),
        "workers_dev": None,
        "crons": "0 8 * * *\n\n 0  8 * * * \n5 5 * * *",
    }

    save(admin_client, workflow, **typed)

    assert workflow.deploy_settings == {
        "routes": [{"pattern": "api.example.com/*", "zoneName": "example.com"}],
        "queueConsumers": [{"queue": "jobs", "maxRetries": 3}],
        "workersDev": False,
        "cronTriggers": ["0 8 * * *", "5 5 * * *"],
    }


def test_settings_of_the_workflow_are_typed_as_people_write_them(admin_client: Client) -> None:
    workflow = make_workflow()
    typed = {
        "concurrency_limit": "10",
        "step_limit": "500",
        "success_retention": "3d",
        "error_retention": "90 minutes",
        "workflow_schedules": "0 8 * * *\n0 8 * * *",
        "jurisdiction": "eu",
    }

    save(admin_client, workflow, **typed)
    again = filled_in(admin_client, workflow)

    assert workflow.deploy_settings == {
        "workflow": {
            "concurrencyLimit": 10,
            "stepLimit": 500,
            "successRetention": "3 days",
            "errorRetention": "90 minutes",
            "schedules": ["0 8 * * *"],
            "jurisdiction": "eu",
        }
    }
    shown = {name: str(again[name]) for name in typed}
    assert shown == typed | {"success_retention": "3 days", "workflow_schedules": "0 8 * * *"}


def test_each_problem_of_the_workflows_settings_is_shown_next_to_its_field(
    admin_client: Client,
) -> None:
    workflow = make_workflow()
    typed = {
        "concurrency_limit": "0",
        "step_limit": "25001",
        "success_retention": "31 days",
        "error_retention": "soon",
        "workflow_schedules": "8 o'clock",
        "jurisdiction": "moon",
    }

    forms = save(admin_client, workflow, **typed).context["forms"]

    assert sorted(forms.form.errors) == sorted(typed)
    assert workflow.deploy_settings == {}


def test_a_script_has_no_settings_of_a_workflow(admin_client: Client) -> None:
    script = make_workflow(kind="script", trigger={"type": "http"})

    page = admin_client.get(address(script)).content.decode()

    assert 'name="cpu_ms"' in page
    assert not {name for name in ("jurisdiction", "step_limit") if f'name="{name}"' in page}


def test_saving_creates_a_version_and_an_audit_trail_entry(admin_client: Client) -> None:
    workflow = make_workflow()

    answer = save(admin_client, workflow, cpu_ms="500")

    assert "Saved as v2" in text(admin_client.get(answer["Location"]))
    assert workflow.newest_version.deploy_settings == {"limits": {"cpuMs": 500}}
    entry = Entry.objects.get(action="deploy settings changed")
    assert (entry.actor_name, entry.subject_id) == ("admin", workflow.pk)
    assert entry.detail == {"version": 2, "settings": ["limits"]}


def test_a_row_is_removed_by_its_checkbox_or_by_emptying_it(admin_client: Client) -> None:
    workflow = workflow_with_settings(COMPLETE)

    emptied = row("routes", pattern="", zone="")
    save(admin_client, workflow, **emptied, **row("consumers", DELETE="on"))

    assert not {"routes", "queueConsumers"} & workflow.deploy_settings.keys()


def test_each_problem_is_shown_next_to_its_field_and_nothing_is_saved(admin_client: Client) -> None:
    workflow = make_workflow()
    typed = {
        **row("routes", 1, pattern="api.other.org/*", zone="example.com"),
        **row("consumers", 1, queue="jobs", max_batch_size="abc", max_retries="101"),
        "cpu_ms": "5",
        "custom_domains": "fine.example.com\n*.example.com",
        "sampling_rate": "2",
        "compatibility_date": "tomorrow",
    }

    forms = save(admin_client, workflow, **typed).context["forms"]

    main = ["cpu_ms", "custom_domains", "sampling_rate", "compatibility_date"]
    assert sorted(forms.form.errors) == sorted(main)
    assert [*forms.routes.forms[1].errors] == ["pattern"]
    assert {*forms.consumers.forms[1].errors} == {"max_batch_size", "max_retries"}
    assert workflow.deploy_settings == {}


def test_duplicate_routes_are_reported_above_the_rows(admin_client: Client) -> None:
    pattern, zone = "api.example.com/*", "example.com"
    both = [row("routes", index, pattern=pattern, zone=zone) for index in (0, 1)]

    answer = save(admin_client, make_workflow(), **both[0], **both[1])

    assert "is listed twice" in text(answer)


def test_a_concurrent_change_is_not_overwritten_silently(admin_client: Client) -> None:
    workflow = make_workflow()
    deployments = filled_in(admin_client, workflow, cpu_ms="100")
    save(admin_client, workflow, cpu_ms="200")

    answer = admin_client.post(address(workflow), deployments)

    workflow.refresh_from_db()
    assert "Someone else saved this workflow" in text(answer)
    assert workflow.deploy_settings == {"limits": {"cpuMs": 200}}
    again = deployments | {"opened_at": answer.context["forms"].form["opened_at"].value()}
    admin_client.post(address(workflow), again)
    workflow.refresh_from_db()
    assert workflow.deploy_settings == {"limits": {"cpuMs": 100}}


def test_invalid_stored_settings_are_reported_and_can_be_replaced(
    admin_client: Client,
) -> None:
    workflow = make_workflow()
    Workflow.objects.filter(pk=workflow.pk).update(deploy_settings={"old": 1})

    assert "can no longer be read" in text(admin_client.get(address(workflow)))
    save(admin_client, workflow, cpu_ms="100")

    assert workflow.deploy_settings == {"limits": {"cpuMs": 100}}


def test_settings_are_not_saved_with_an_invalid_document(admin_client: Client) -> None:
    workflow = make_workflow()
    Workflow.objects.filter(pk=workflow.pk).update(ir={"nodes": []})

    answer = save(admin_client, workflow, cpu_ms="100")

    assert "were not saved, because the workflow's document has problems" in text(answer)
    assert workflow.deploy_settings == {}


def test_adding_rows_keeps_the_posted_values(admin_client: Client) -> None:
    workflow = make_workflow()
    typed = filled_in(admin_client, workflow, **row("routes", pattern="api.example.com/*"))

    answer = admin_client.post(address(workflow, "preview/"), typed | {"add": "routes"})

    forms = answer.context["forms"]
    assert len(forms.routes.forms) == 4
    assert forms.routes.forms[0]["pattern"].value() == "api.example.com/*"


@pytest.mark.parametrize(
    "posted",
    [
        {},
        {"routes-TOTAL_FORMS": "x"},
        {"routes-TOTAL_FORMS": "9" * 5_000, "add": "routes"},
        {"add": "x"},
        {"opened_at": "2026-13-45T00:00"},
    ],
)
def test_a_malformed_form_is_refused_with_a_message(
    admin_client: Client, posted: dict[str, str]
) -> None:
    workflow = make_workflow()

    answers = [admin_client.post(address(workflow, more), posted) for more in ("", "preview/")]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert workflow.versions.count() == 1


def test_a_user_who_may_not_change_workflows_may_not_see_or_save_settings(log_in: LogIn) -> None:
    client = log_in("workflows.view_workflow", "deployments.view_deployment")
    workflow = make_workflow()

    answers = [client.get(address(workflow)), client.post(address(workflow), {})]
    answers.append(client.post(address(workflow, "preview/"), {}))

    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_an_unknown_workflow_has_no_settings_page(admin_client: Client) -> None:
    answers = [
        admin_client.get("/workflows/nobody/settings/"),
        admin_client.post("/workflows/nobody/settings/", {}),
        admin_client.post("/workflows/nobody/settings/preview/", {}),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


def test_each_field_leads_to_its_description(admin_client: Client) -> None:
    page = admin_client.get(f"/workflows/{make_workflow().pk}/settings/").content.decode()
    rendered = admin_client.get("/docs/deploying/").content.decode()

    anchors = re.findall(r'class="field-docs" href="/docs/deploying/#([^"]+)"', page)

    fields = {*SettingsForm.base_fields, "routes", "consumers"} - {"opened_at"}
    assert set(SETTINGS) == fields
    assert anchors == [f"deploy-{name}" for name in SETTINGS.values()]
    assert [name for name in anchors if f'id="{name}"' not in rendered] == []
