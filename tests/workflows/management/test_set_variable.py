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


def test_a_workflows_variable_overrides_the_global_one() -> None:
    workflow = make_workflow()

    run("MODE", "everywhere")
    run("MODE", "here", "--workflow", workflow.pk)

    assert effective_variables(workflow)["MODE"].value == "here"
    assert effective_variables(None)["MODE"].value == "everywhere"


def test_setting_a_variable_again_replaces_its_value() -> None:
    run("MODE", "old")
    run("MODE", "new")

    assert EnvironmentVariable.objects.get().value == "new"


@pytest.mark.parametrize(
    ("piped", "value"),
    [("key\n", "key"), ("key\r\n", "key"), ("a\r\nb\r\n", "a\r\nb"), (" key ", " key ")],
)
def test_line_endings_after_a_piped_value_are_not_part_of_it(
    monkeypatch: pytest.MonkeyPatch, piped: str, value: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(piped, newline=""))

    run("KEY", "-")

    assert EnvironmentVariable.objects.get().value == value


def test_a_secret_is_not_printed_and_stays_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("sentinel\n"))

    printed = run("TOKEN", "-", "--secret")
    printed += run("TOKEN", "another sentinel")

    variable = EnvironmentVariable.objects.get()
    assert (variable.value, variable.is_secret) == ("another sentinel", True)
    assert "sentinel" not in printed


def test_setting_a_variable_is_in_the_audit_trail_without_its_value() -> None:
    workflow = make_workflow()

    run("TOKEN", "sentinel", "--workflow", workflow.pk, "--secret")
    run("REGION", "sentinel")

    global_, own = Entry.objects.filter(action="variable set")
    assert (own.subject_id, own.detail) == (workflow.pk, {"variable": "TOKEN", "secret": True})
    assert (global_.subject_name, global_.detail["secret"]) == ("REGION", False)
    assert own.actor_name.endswith("command line)")
    assert "sentinel" not in f"{own.detail}{global_.detail}"


@pytest.mark.parametrize("name", ["lower", "1A", "A-B", "", "A B", "Ä"])
def test_an_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(CommandError):
        run(name, "x")

    assert not EnvironmentVariable.objects.exists()


def test_the_name_of_a_resource_cannot_be_a_secret() -> None:
    with pytest.raises(CommandError, match="cannot be a secret"):
        run("MY_KV_BINDING_ID", "abc", "--secret")


def test_a_secret_needs_a_value() -> None:
    with pytest.raises(CommandError, match="needs a value"):
        run("TOKEN", "", "--secret")

    assert not EnvironmentVariable.objects.exists()


def test_a_variable_cannot_replace_the_workers_own_workflow() -> None:
    with pytest.raises(CommandError, match="Choose another name"):
        run("WORKFLOW", "x", "--secret")


def test_a_value_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(CommandError, match="not UTF-8"):
        run("MODE", "\udcff\udcfe")


def test_an_unknown_workflow_is_refused() -> None:
    with pytest.raises(CommandError, match="There is no workflow"):
        run("MODE", "x", "--workflow", "nobody")
