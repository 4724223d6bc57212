"""The preview of the deploy settings: wrangler.json, and what it requires on Cloudflare."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from deployments.pipeline.stages import Status
from deployments.settings_form.preview import FOUND, UNSET, Preview, preview
from tests.deployments.factories import make_workflow
from tests.deployments.views.workflow.settings_form import address, filled_in, row
from tests.local_cloudflare.support.zones import create_zone
from tests.support.page_text import text
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target, deploy, workflow_with_settings
from tests.workflows.ir.test_deploy_settings import COMPLETE
from workflows.ir.deploy.deploy_settings import DeploySettings, read_settings
from workflows.models import Workflow
from workflows.services import set_variable

HTMX = {"HX-Request": "true"}


def previewed(client: Client, workflow: Workflow, **changes: Any) -> Preview:
    typed = filled_in(client, workflow, **changes)
    answer = client.post(address(workflow, "preview/"), typed, headers=HTMX)
    found: Preview = answer.context["preview"]
    return found


def test_the_preview_shows_the_posted_settings_and_saves_nothing(admin_client: Client) -> None:
    workflow = make_workflow()

    found = previewed(admin_client, workflow, cpu_ms="500", crons="0 8 * * *")

    config = json.loads(found.text)
    assert config["limits"] == {"cpu_ms": 500}
    assert [schedule.description for schedule in found.schedules] == ["at 08:00, every day (UTC)"]
    workflow.refresh_from_db()
    assert workflow.deploy_settings == {}


def test_the_preview_shows_the_settings_of_the_workflow(admin_client: Client) -> None:
    crons = "0 8 * * *\n0 9 * * *"
    typed = {"workflow_schedules": crons, "success_retention": "1 day", "crons": "0 9 * * *"}

    found = previewed(admin_client, make_workflow(), **typed)

    (own,) = json.loads(found.text)["workflows"]
    assert own["schedules"] == ["0 8 * * *", "0 9 * * *"]
    assert own["default_retention"] == {"success_retention": 86_400_000}
    assert [schedule.expression for schedule in found.schedules] == ["0 9 * * *", "0 8 * * *"]
    assert "0 9 * * * is also a schedule of the Worker" in found.findings[0].message


def test_the_preview_is_a_fragment_with_htmx_and_a_page_without(admin_client: Client) -> None:
    workflow = make_workflow()
    typed = filled_in(admin_client, workflow, cpu_ms="500")

    part = admin_client.post(address(workflow, "preview/"), typed, headers=HTMX)
    page = admin_client.post(address(workflow, "preview/"), typed)

    assert b"<html" not in part.content
    assert b"<html" in page.content
    assert b'value="500"' in page.content
    assert all(b"cpu_ms&quot;" in answer.content for answer in (part, page))


def test_the_preview_names_the_dns_record_that_a_route_needs(admin_client: Client) -> None:
    workflow = make_workflow()
    typed = {
        **row("routes", pattern="api.example.com/*", zone="example.com"),
        **row("routes", 1, pattern="example.com/x", zone="example.com"),
        "custom_domains": "shop.example.com",
    }

    found = previewed(admin_client, workflow, **typed)

    assert [record.label for record in found.records] == ["api", "@"]
    page = text(
        admin_client.post(address(workflow, "preview/"), filled_in(admin_client, workflow, **typed))
    )
    assert "AAAA api 100:: Proxied" in page
    assert "shop.example.com is a custom domain and needs no preparation" in page


def test_values_that_only_a_target_knows_are_placeholders(admin_client: Client) -> None:
    workflow = make_workflow("return [env.ORDERS_KV, env.MAIL_KEY];")

    config = json.loads(preview(workflow, DeploySettings()).text)

    assert config["kv_namespaces"] == [{"binding": "ORDERS_KV", "id": FOUND}]
    assert config["vars"] == {"MAIL_KEY": UNSET}


def test_a_draft_that_cannot_be_deployed_says_why_in_the_preview(admin_client: Client) -> None:
    broken = make_workflow("return {{{;")
    script = make_workflow(kind="script", trigger={"type": "http"})

    assert "A deploy would fail" in text(admin_client.get(address(broken)))
    found = preview(script, read_settings({"cronTriggers": ["0 8 * * *"]}))
    assert "A script only handles requests" in found.findings[0].message


def test_the_preview_contains_no_secret(admin_client: Client) -> None:
    workflow = make_workflow("return env.TOKEN;")
    set_variable("TOKEN", "sentinel", workflow=workflow, is_secret=True)

    assert "sentinel" not in admin_client.get(address(workflow)).content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_workers")
def test_the_preview_is_what_a_deploy_writes(platform: Platform) -> None:
    create_zone(platform, "preview.example")
    settings = COMPLETE | {
        "routes": [{"pattern": "api.preview.example/*", "zoneName": "preview.example"}],
        "customDomains": ["shop.preview.example"],
        "queueConsumers": [],
    }
    workflow = workflow_with_settings(settings, "return env.PLAIN;", trigger={"type": "http"})
    set_variable("PLAIN", "x", workflow=workflow)

    done = deploy(workflow, account_target(platform))

    assert done.state is Status.SUCCEEDED, done.message
    assert preview(workflow, workflow.settings).text == done.wrangler_json
