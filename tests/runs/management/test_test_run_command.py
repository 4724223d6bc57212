"""The command that test-runs a draft."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from runs.models import TestRun
from tests.runs.test_runs.drafts import campaign, step
from tests.support.platform_fixture import Platform
from tests.workflows.ir.documents import chain
from workflows.models import Workflow
from workflows.services import import_document

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def here(platform: Platform, settings: Settings) -> None:
    changes = {"local_cloudflare_port": platform.port, "data_dir": platform.data_dir}
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update=changes)


def lines(workflow: Workflow, *options: str) -> list[str]:
    """Return what the command prints, without lines that are replaced by a later one of the step."""
    output = StringIO()
    call_command("test_run", workflow.pk, *options, stdout=output)
    printed = output.getvalue().splitlines()
    last = {line.partition(":")[0]: line for line in printed}
    return list(last.values())


def test_it_prints_what_each_step_does_and_removes_the_worker() -> None:
    payload, pin = '{"email": "a@b.c"}', 'answer={"name": "Ada"}'

    printed = lines(campaign(), "--skip-time", "--payload", payload, "--pin", pin)

    assert printed[0] == 'greet: done  {"to":"a@b.c"}'
    assert printed[1] == "pause: done"
    assert printed[2].startswith("answer: done")
    assert printed[3] == 'thank: done  "Thanks, Ada"'
    assert printed[4].startswith("Complete: ")
    assert not TestRun.objects.exists()


def test_it_stops_after_a_node_and_lets_nodes_fail() -> None:
    workflow = import_document(chain(step("pay", "return 'paid';"), step("ship", "return 1;")))

    printed = lines(workflow, "--skip-time", "--until", "pay", "--fail", "pay=1", "--pin", "pay=7")

    assert printed == ["pay: done, 2 attempts  7", "Stopped after pay."]


def test_as_json_it_prints_the_whole_run_at_its_end() -> None:
    output = StringIO()

    call_command("test_run", campaign().pk, "--until", "greet", "--json", stdout=output)

    run = json.loads(output.getvalue())
    assert run["status"] == "terminated"
    assert run["steps"][0]["name"] == "greet-1"


def test_a_failed_run_and_a_wrong_option_fail_the_command() -> None:
    workflow = import_document(chain(step("pay", "throw new Error('declined');")))

    with pytest.raises(CommandError, match="Errored: Error: declined"):
        call_command("test_run", workflow.pk, "--skip-time", stdout=StringIO())
    with pytest.raises(CommandError, match="The draft has no node 'gone'"):
        call_command("test_run", workflow.pk, "--until", "gone", stdout=StringIO())
    for times in ("many", "\u00b2"):
        with pytest.raises(CommandError, match=f"{times} is not a number of times"):
            call_command("test_run", workflow.pk, "--fail", f"pay={times}", stdout=StringIO())
