from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from tests.deployments.factories import make_workflow
from tests.support.audit_entries import entries
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow() -> Workflow:
    return make_workflow()


def declare(workflow: Workflow, *arguments: str) -> None:
    call_command("declare_binding", *arguments, workflow=workflow.pk)


def test_declaring_a_binding_creates_a_version(
    workflow: Workflow, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(workflow, "STORE", "kv")

    assert workflow.newest_version.bindings == {"STORE": "kv"}
    assert [version.bindings for version in workflow.versions.all()] == [{"STORE": "kv"}, {}]
    assert "STORE is declared as kv in version 2" in capsys.readouterr().out


def test_only_another_kind_creates_another_version(workflow: Workflow) -> None:
    for kind in ("kv", "kv", "queue"):
        declare(workflow, "STORE", kind)

    assert workflow.newest_version.number == 3
    assert workflow.bindings == {"STORE": "queue"}


def test_a_declaration_can_be_removed(workflow: Workflow) -> None:
    declare(workflow, "STORE", "kv")

    declare(workflow, "STORE", "--remove")

    assert workflow.newest_version.bindings == {}
    removed, declared = entries().all()
    assert (declared.action, declared.subject_id) == ("binding declared", workflow.pk)
    assert declared.detail == {"version": 2, "binding": "STORE", "kind": "kv"}
    assert removed.action == "binding no longer declared"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["WORKFLOW", "workflow"], "own Workflow"),
        (["store", "kv"], "capital letters"),
        (["STORE_BINDING_ID", "kv"], "without _BINDING_ID"),
        (["STORE", "--remove"], "does not declare a binding STORE"),
        (["STORE"], "KIND"),
        (["STORE", "kv", "--remove"], "--remove"),
        (["STORE", "drawer"], "invalid choice"),
    ],
)
def test_an_invalid_declaration_is_refused_with_a_reason(
    workflow: Workflow, arguments: list[str], reason: str
) -> None:
    with pytest.raises(CommandError, match=reason):
        declare(workflow, *arguments)

    assert workflow.versions.count() == 1
