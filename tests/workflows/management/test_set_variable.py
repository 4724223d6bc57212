from __future__ import annotations

import io
import sys

import pytest
from django.core.management import CommandError, call_command

from audit.models import Entry
from tests.deployments.factories import make_workflow
from workflows.models import EnvironmentVariable
from workflows.services import effective_variables

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("set_variable", *arguments, stdout=out)
    return out.getvalue()


def test_a_workflows_variable_wins_over_the_global_one() -> None:
    workflow = make_workflow()

    run("MODE", "everywhere")
    run("MODE", "here", "--workflow", workflow.pk)

    assert effective_variables(workflow)["MODE"].value == "here"
    assert effective_variables(None)["MODE"].value == "everywhere"


def test_setting_it_again_replaces_the_value() -> None:
    run("MODE", "old")
    run("MODE", "new")

    assert EnvironmentVariable.objects.get().value == "new"


def test_a_secret_is_not_printed_and_stays_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("sentinel\n"))

    printed = run("TOKEN", "-", "--secret")
    printed += run("TOKEN", "another sentinel")

    variable = EnvironmentVariable.objects.get()
    assert (variable.value, variable.is_secret) == ("another sentinel", True)
    assert "sentinel" not in printed


def test_the_trail_keeps_who_set_which_and_no_value() -> None:
    workflow = make_workflow()

    run("TOKEN", "sentinel", "--workflow", workflow.pk, "--secret")
    run("REGION", "sentinel")

    of_all, own = Entry.objects.filter(action="variable set")
    assert (own.subject_id, own.detail) == (workflow.pk, {"variable": "TOKEN", "secret": True})
    assert (of_all.subject_name, of_all.detail["secret"]) == ("REGION", False)
    assert own.actor_name.endswith("command line)")
    assert "sentinel" not in f"{own.detail}{of_all.detail}"


@pytest.mark.parametrize("name", ["lower", "1A", "A-B", "", "A B", "Ä"])
def test_an_impossible_name_is_refused(name: str) -> None:
    with pytest.raises(CommandError):
        run(name, "x")

    assert not EnvironmentVariable.objects.exists()


def test_the_id_of_a_binding_is_no_secret() -> None:
    with pytest.raises(CommandError, match="not a secret"):
        run("MY_KV_BINDING_ID", "abc", "--secret")


def test_a_secret_needs_a_value() -> None:
    with pytest.raises(CommandError, match="needs a value"):
        run("TOKEN", "", "--secret")

    assert not EnvironmentVariable.objects.exists()


def test_the_workers_own_workflow_keeps_its_name() -> None:
    with pytest.raises(CommandError, match="take another name"):
        run("WORKFLOW", "x", "--secret")


def test_a_value_that_is_no_text_is_refused() -> None:
    with pytest.raises(CommandError, match="not UTF-8"):
        run("MODE", "\udcff\udcfe")


def test_an_unknown_workflow_is_refused() -> None:
    with pytest.raises(CommandError, match="There is no workflow"):
        run("MODE", "x", "--workflow", "nobody")
