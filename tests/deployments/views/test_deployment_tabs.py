"""The contents of a deployment's tabs."""

from __future__ import annotations

from django.test import Client

from deployments.models import ProgramOutput
from tests.deployments.factories import make_deployment
from tests.deployments.views.test_deployment_page import failed, page, reached, words

SENTINEL = "s3cret-sentinel"


def test_the_output_has_linkable_lines_and_is_escaped(admin_client: Client) -> None:
    deployment = failed("DEPLOYING")
    hostile = "\x1b[31mred\x1b[0m\nold\rnew\n<script>alert(1)</script>"
    output = ProgramOutput.objects.create(
        deployment=deployment, program="wrangler", seconds=1, exit_code=1, text=hostile
    )

    shown = page(admin_client, deployment, "output/")

    assert 'href="#1-2"' in shown
    assert "&lt;script&gt;" in shown
    assert "<script>alert" not in shown
    assert "failed with exit code 1" in shown
    answer = admin_client.get(f"/deployments/{deployment.pk}/output/{output.pk}/")
    assert answer.content.decode() == hostile
    assert answer["Content-Disposition"].startswith("attachment")


def test_every_tab_has_a_text_for_missing_content(admin_client: Client) -> None:
    deployment = make_deployment()

    for tab in ("output", "code", "wrangler-json", "variables"):
        assert "will be shown here" in words(admin_client, deployment, f"{tab}/")


def test_the_tabs_show_the_record(admin_client: Client) -> None:
    deployment = reached(
        "COMPLETED",
        status="succeeded",
        source="export {};",
        wrangler_json='{"name": "w"}',
        script_size=9,
    )

    assert "export {};" in words(admin_client, deployment, "code/")
    assert '{"name": "w"}' in words(admin_client, deployment, "wrangler-json/")
    assert deployment.class_name in words(admin_client, deployment, "snapshot/")


def test_only_the_names_of_secrets_are_shown(admin_client: Client) -> None:
    deployment = make_deployment(
        variables={"REGION": "eu"},
        secret_names=["API_KEY"],
        variable_origins={"API_KEY": "global", "REGION": "workflow"},
    )
    assert deployment.workflow
    deployment.workflow.variables.create(name="API_KEY", value=SENTINEL, is_secret=True)

    shown = words(admin_client, deployment, "variables/")

    assert "API_KEY secret all workflows REGION eu this workflow" in shown
    for tab in ("", "output/", "code/", "wrangler-json/", "variables/", "snapshot/"):
        assert SENTINEL not in page(admin_client, deployment, tab)


def test_the_lost_output_of_a_stopped_program_is_mentioned(
    admin_client: Client,
) -> None:
    cut = failed("DEPLOYING", status="interrupted")
    cancelled = failed("DEPLOYING", status="cancelled")
    early = failed("GENERATING_CODE", status="cancelled")

    assert "interrupted while wrangler was running" in words(admin_client, cut, "output/")
    output = words(admin_client, cancelled, "output/")
    assert "cancelled while wrangler was running. The program was stopped" in output
    assert "output up to then was lost" not in output
    assert "before npm or wrangler was started" in words(admin_client, early, "output/")
